//! The sequences of invoices and of credit notes, which have no gaps: a number is drawn in the transaction that issues it.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::MySqlConnection;
use uuid::Uuid;

use super::Result;

const OF_ORDER: &str = "SELECT year, number, issued_at FROM invoice WHERE order_id = ?";
const DRAW: &str = "INSERT INTO invoice_sequence (year, last) VALUES (?, 1) ON DUPLICATE KEY UPDATE last = last + 1";
const DRAWN: &str = "SELECT last FROM invoice_sequence WHERE year = ?";
const ISSUE: &str = "INSERT INTO invoice (order_id, year, number, issued_at) VALUES (?, ?, ?, ?)";
const CREDIT_OF_REFUND: &str =
    "SELECT year, number, issued_at FROM credit_note WHERE refund_id = ?";
const DRAW_CREDIT: &str = "INSERT INTO credit_note_sequence (year, last) VALUES (?, 1) ON DUPLICATE KEY UPDATE last = last + 1";
const CREDIT_DRAWN: &str = "SELECT last FROM credit_note_sequence WHERE year = ?";
const ISSUE_CREDIT: &str =
    "INSERT INTO credit_note (refund_id, year, number, issued_at) VALUES (?, ?, ?, ?)";

/// The statements of one of the two sequences.
struct Sequence {
    find: &'static str,
    draw: &'static str,
    drawn: &'static str,
    issue: &'static str,
}

const INVOICES: Sequence = Sequence {
    find: OF_ORDER,
    draw: DRAW,
    drawn: DRAWN,
    issue: ISSUE,
};
const CREDIT_NOTES: Sequence = Sequence {
    find: CREDIT_OF_REFUND,
    draw: DRAW_CREDIT,
    drawn: CREDIT_DRAWN,
    issue: ISSUE_CREDIT,
};

/// An invoice or credit note that was issued.
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
    INVOICES.find(connection, order).await
}

/// Issues the invoice of an order. The order must be locked, so that it gets one only.
pub async fn issue(
    connection: &mut MySqlConnection,
    order: Uuid,
    year: u16,
    now: Timestamp,
) -> Result<Issued> {
    INVOICES.issue(connection, order, year, now).await
}

/// The credit note of a refund, if one was issued.
pub async fn of_refund(connection: &mut MySqlConnection, refund: Uuid) -> Result<Option<Issued>> {
    CREDIT_NOTES.find(connection, refund).await
}

/// Issues the credit note of a refund. Its order must be locked, so that it gets one only.
pub async fn credit(
    connection: &mut MySqlConnection,
    refund: Uuid,
    year: u16,
    now: Timestamp,
) -> Result<Issued> {
    CREDIT_NOTES.issue(connection, refund, year, now).await
}

impl Sequence {
    async fn find(&self, connection: &mut MySqlConnection, of: Uuid) -> Result<Option<Issued>> {
        let row: Option<(u16, u32, At)> = sqlx::query_as(self.find)
            .bind(of)
            .fetch_optional(connection)
            .await?;
        Ok(row.map(|(year, number, At(at))| Issued { year, number, at }))
    }

    async fn issue(
        &self,
        connection: &mut MySqlConnection,
        of: Uuid,
        year: u16,
        now: Timestamp,
    ) -> Result<Issued> {
        sqlx::query(self.draw)
            .bind(year)
            .execute(&mut *connection)
            .await?;
        let number: u32 = sqlx::query_scalar(self.drawn)
            .bind(year)
            .fetch_one(&mut *connection)
            .await?;
        sqlx::query(self.issue)
            .bind(of)
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
}
