//! How orders stand. Locked after the payment.

use sqlx::{MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::named_or_none;
use crate::payment::{Closed, Standing};

const ENSURE: &str = "INSERT IGNORE INTO order_standing (order_id) VALUES (?)";
const LOCK: &str = "SELECT paid_by, closed FROM order_standing WHERE order_id = ? FOR UPDATE";
const READ: &str = "SELECT paid_by, closed FROM order_standing WHERE order_id = ?";
const PAY: &str = "UPDATE order_standing SET paid_by = ? WHERE order_id = ?";
const CLOSE: &str = "INSERT INTO order_standing (order_id, closed) VALUES (?, ?) \
    ON DUPLICATE KEY UPDATE closed = IF(closed = 'canceled', closed, VALUES(closed))";

fn standing(row: Option<MySqlRow>) -> sqlx::Result<Standing> {
    let Some(row) = row else {
        return Ok(Standing::default());
    };
    Ok(Standing {
        paid_by: row.try_get("paid_by")?,
        closed: named_or_none(&row, "closed", Closed::named)?,
    })
}

/// How the order stands, which nobody else changes until the transaction ends.
pub async fn lock(connection: &mut MySqlConnection, order_id: Uuid) -> sqlx::Result<Standing> {
    let row = sqlx::query(LOCK)
        .bind(order_id)
        .fetch_optional(&mut *connection)
        .await?;
    if row.is_some() {
        return standing(row);
    }
    sqlx::query(ENSURE)
        .bind(order_id)
        .execute(&mut *connection)
        .await?;
    let row = sqlx::query(LOCK)
        .bind(order_id)
        .fetch_optional(connection)
        .await?;
    standing(row)
}

/// How the order stands at the moment.
pub async fn read(connection: &mut MySqlConnection, order_id: Uuid) -> sqlx::Result<Standing> {
    let row = sqlx::query(READ)
        .bind(order_id)
        .fetch_optional(connection)
        .await?;
    standing(row)
}

/// The order is paid.
pub async fn pay(
    connection: &mut MySqlConnection,
    order_id: Uuid,
    payment_id: Uuid,
) -> sqlx::Result<()> {
    sqlx::query(PAY)
        .bind(payment_id)
        .bind(order_id)
        .execute(connection)
        .await?;
    Ok(())
}

/// The order takes no more money. One that was called off stays so; one that expired may be called off.
pub async fn close(
    connection: &mut MySqlConnection,
    order_id: Uuid,
    closed: Closed,
) -> sqlx::Result<()> {
    sqlx::query(CLOSE)
        .bind(order_id)
        .bind(closed.name())
        .execute(connection)
        .await?;
    Ok(())
}
