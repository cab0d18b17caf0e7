//! The sequence of invoices, which has no gaps: a number is drawn in the transaction that issues it.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::Result;

const OF_ORDER: &str = "SELECT year, number, issued_at FROM invoice WHERE order_id = ?";
const DRAW: &str = "INSERT INTO invoice_sequence (year, last) VALUES (?, 1) ON DUPLICATE KEY UPDATE last = last + 1";
const DRAWN: &str = "SELECT last FROM invoice_sequence WHERE year = ?";
const ISSUE: &str = "INSERT INTO invoice (order_id, year, number, issued_at) VALUES (?, ?, ?, ?)";

/// An invoice that was issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Issued {
    /// Each year has its own sequence.
    pub year: u16,
    /// The place in it.
    pub number: u32,
    /// When.
    pub at: Timestamp,
}

/// The invoice of an order, if one was issued.
pub async fn of_order(connection: &mut MySqlConnection, order: Uuid) -> Result<Option<Issued>> {
    let row: Option<(u16, u32, At)> = sqlx::query_as(OF_ORDER)
        .bind(order)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(year, number, At(at))| Issued { year, number, at }))
}

/// Issues the invoice of an order. The order must be locked, so that it gets one only.
pub async fn issue(
    connection: &mut MySqlConnection,
    order: Uuid,
    year: u16,
    now: Timestamp,
) -> Result<Issued> {
    sqlx::query(DRAW)
        .bind(year)
        .execute(&mut *connection)
        .await?;
    let number: u32 = sqlx::query_scalar(DRAWN)
        .bind(year)
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query(ISSUE)
        .bind(order)
        .bind(year)
        .bind(number)
        .bind(At(now))
        .execute(connection)
        .await?;
    Ok(Issued {
        year,
        number,
        at: now,
    })
}
