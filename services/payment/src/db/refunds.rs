//! Refunds, and the money that they give back. Changed only while their payment is locked.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::{FromRow, MySqlConnection, MySqlPool, Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{at, money, named, shortened};
use crate::refund::{Origin, Refund, RefundState};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, payment_id, charge, amount, currency, reason, origin, state, reference, failed_because, attempts, created_at FROM refund ",
            $rest
        )
    };
}

const READ: &str = select!("WHERE id = ?");
const BY_REFERENCE: &str = select!("WHERE payment_id = ? AND reference = ?");
const OF_PAYMENT: &str = select!("WHERE payment_id = ? ORDER BY id");
const PROMISED: &str = "SELECT CAST(COALESCE(SUM(amount), 0) AS SIGNED) FROM refund WHERE payment_id = ? AND charge = ? AND state <> 'failed'";
const INSERT: &str = "INSERT INTO refund (id, payment_id, charge, amount, currency, reason, origin, state, reference, failed_because, next_look_at, \
    created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
const SAVE: &str = "UPDATE refund SET state = ?, reference = ?, failed_because = ?, next_look_at = ?, updated_at = ? WHERE id = ?";
const DUE: &str = "SELECT id, attempts FROM refund WHERE next_look_at <= ? ORDER BY next_look_at LIMIT ? FOR UPDATE SKIP LOCKED";
const CLAIM: &str = "UPDATE refund SET attempts = ?, next_look_at = ? WHERE id = ?";

impl FromRow<'_, MySqlRow> for Refund {
    fn from_row(row: &MySqlRow) -> sqlx::Result<Self> {
        Ok(Self {
            id: row.try_get("id")?,
            payment_id: row.try_get("payment_id")?,
            charge: row.try_get("charge")?,
            amount: money(row)?,
            reason: row.try_get("reason")?,
            origin: named(row, "origin", Origin::named)?,
            state: named(row, "state", RefundState::named)?,
            reference: row.try_get("reference")?,
            failed_because: row.try_get("failed_because")?,
            attempts: row.try_get("attempts")?,
            created_at: at(row, "created_at")?,
        })
    }
}

/// Writes a new refund.
pub async fn insert(
    connection: &mut MySqlConnection,
    refund: &Refund,
    next_look_at: Option<Timestamp>,
) -> sqlx::Result<()> {
    sqlx::query(INSERT)
        .bind(refund.id)
        .bind(refund.payment_id)
        .bind(&refund.charge)
        .bind(refund.amount.amount)
        .bind(refund.amount.currency.code())
        .bind(shortened(&refund.reason, 200))
        .bind(refund.origin.name())
        .bind(refund.state.name())
        .bind(&refund.reference)
        .bind(&refund.failed_because)
        .bind(next_look_at.map(At))
        .bind(At(refund.created_at))
        .bind(At(refund.created_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The refund.
pub async fn read(connection: &mut MySqlConnection, id: Uuid) -> sqlx::Result<Option<Refund>> {
    sqlx::query_as(READ)
        .bind(id)
        .fetch_optional(connection)
        .await
}

/// The refund of this name at its provider.
pub async fn by_reference(
    connection: &mut MySqlConnection,
    payment_id: Uuid,
    reference: &str,
) -> sqlx::Result<Option<Refund>> {
    sqlx::query_as(BY_REFERENCE)
        .bind(payment_id)
        .bind(reference)
        .fetch_optional(connection)
        .await
}

/// The refunds of a payment, the oldest first.
pub async fn of_payment(
    connection: &mut MySqlConnection,
    payment_id: Uuid,
) -> sqlx::Result<Vec<Refund>> {
    sqlx::query_as(OF_PAYMENT)
        .bind(payment_id)
        .fetch_all(connection)
        .await
}

/// How much of a charge is given back or on its way.
pub async fn promised(
    connection: &mut MySqlConnection,
    payment_id: Uuid,
    charge: &str,
) -> sqlx::Result<i64> {
    sqlx::query_scalar(PROMISED)
        .bind(payment_id)
        .bind(charge)
        .fetch_one(connection)
        .await
}

/// Writes what may change.
pub async fn save(
    connection: &mut MySqlConnection,
    refund: &Refund,
    next_look_at: Option<Timestamp>,
    now: Timestamp,
) -> sqlx::Result<()> {
    let failed_because = refund
        .failed_because
        .as_ref()
        .map(|reason| shortened(reason, 100));
    sqlx::query(SAVE)
        .bind(refund.state.name())
        .bind(&refund.reference)
        .bind(failed_because)
        .bind(next_look_at.map(At))
        .bind(At(now))
        .bind(refund.id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Refunds that are to be looked at, each given to one caller.
pub async fn claim_due(
    pool: &MySqlPool,
    most: u32,
    now: Timestamp,
    next: impl Fn(u32) -> Timestamp,
) -> sqlx::Result<Vec<Uuid>> {
    let mut transaction = pool.begin().await?;
    let due: Vec<(Uuid, u32)> = sqlx::query_as(DUE)
        .bind(At(now))
        .bind(most)
        .fetch_all(&mut *transaction)
        .await?;
    for (id, attempts) in &due {
        let attempts = attempts.saturating_add(1);
        sqlx::query(CLAIM)
            .bind(attempts)
            .bind(At(next(attempts)))
            .bind(id)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(due.into_iter().map(|(id, _)| id).collect())
}
