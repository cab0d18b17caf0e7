//! Captures and refunds.

use jiff::Timestamp;
use kit::{mariadb::At, money::Money};
use sqlx::{FromRow, MySqlConnection, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{Result, named, orders::currency};
use crate::order::{Refund, RefundState};

const CAPTURE: &str = "INSERT IGNORE INTO capture (payment_id, order_id, amount, currency, accepted, at) VALUES (?, ?, ?, ?, ?, ?)";
const REFUND: &str = "INSERT INTO refund (id, order_id, payment_id, return_id, amount, currency, reason, state, of_order, actor, created_at) \
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const OF_ORDER: &str = "SELECT id, order_id, payment_id, return_id, amount, currency, reason, state, of_order, actor, created_at, settled_at \
    FROM refund WHERE order_id = ? ORDER BY id";
const READ: &str = "SELECT id, order_id, payment_id, return_id, amount, currency, reason, state, of_order, actor, created_at, settled_at FROM refund WHERE id = ?";
const SETTLE: &str = "UPDATE refund SET state = ?, settled_at = ? WHERE id = ?";
const PROMISED: &str = "SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED) FROM refund WHERE order_id = ? AND of_order AND state <> 'failed'";

impl FromRow<'_, MySqlRow> for Refund {
    fn from_row(row: &MySqlRow) -> Result<Self> {
        let amount: i64 = row.try_get("amount")?;
        Ok(Self {
            id: row.try_get("id")?,
            order_id: row.try_get("order_id")?,
            payment_id: row.try_get("payment_id")?,
            return_id: row.try_get("return_id")?,
            amount: Money::new(amount, currency(row)?),
            reason: row.try_get("reason")?,
            state: named(
                &RefundState::ALL,
                RefundState::name,
                "state",
                row.try_get("state")?,
            )?,
            of_order: row.try_get("of_order")?,
            actor: row.try_get("actor")?,
            created_at: row.try_get::<At, _>("created_at")?.0,
            settled_at: row.try_get::<Option<At>, _>("settled_at")?.map(|at| at.0),
        })
    }
}

/// Notes money that came in; `false`: this payment was noted before.
pub async fn capture(
    connection: &mut MySqlConnection,
    payment: Uuid,
    order: Uuid,
    amount: Money,
    is_accepted: bool,
    now: Timestamp,
) -> Result<bool> {
    let captured = sqlx::query(CAPTURE)
        .bind(payment)
        .bind(order)
        .bind(amount.amount)
        .bind(amount.currency.code())
        .bind(is_accepted)
        .bind(At(now))
        .execute(connection)
        .await?;
    Ok(captured.rows_affected() == 1)
}

/// Writes a refund.
pub async fn refund(connection: &mut MySqlConnection, refund: &Refund) -> Result<()> {
    sqlx::query(REFUND)
        .bind(refund.id)
        .bind(refund.order_id)
        .bind(refund.payment_id)
        .bind(refund.return_id)
        .bind(refund.amount.amount)
        .bind(refund.amount.currency.code())
        .bind(&refund.reason)
        .bind(refund.state.name())
        .bind(refund.of_order)
        .bind(&refund.actor)
        .bind(At(refund.created_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The refunds of an order, oldest first.
pub async fn of_order(connection: &mut MySqlConnection, order: Uuid) -> Result<Vec<Refund>> {
    sqlx::query_as(OF_ORDER)
        .bind(order)
        .fetch_all(connection)
        .await
}

/// Reads a refund.
pub async fn read(connection: &mut MySqlConnection, refund: Uuid) -> Result<Option<Refund>> {
    sqlx::query_as(READ)
        .bind(refund)
        .fetch_optional(connection)
        .await
}

/// Says how a refund ended.
pub async fn settle(
    connection: &mut MySqlConnection,
    refund: Uuid,
    state: RefundState,
    now: Timestamp,
) -> Result<()> {
    sqlx::query(SETTLE)
        .bind(state.name())
        .bind(At(now))
        .bind(refund)
        .execute(connection)
        .await?;
    Ok(())
}

/// How much of what the order was paid with is given back or about to be.
pub async fn promised(connection: &mut MySqlConnection, order: Uuid) -> Result<i64> {
    sqlx::query_scalar(PROMISED)
        .bind(order)
        .fetch_one(connection)
        .await
}
