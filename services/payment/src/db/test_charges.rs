//! The books of the test provider.

use jiff::Timestamp;
use kit::mariadb::At;
use sqlx::{MySqlPool, Row as _};
use uuid::Uuid;

use super::named;
use crate::outcome::TestState;

const READ: &str = "SELECT state, due_at FROM test_charge WHERE payment_id = ?";
const BEGIN: &str = "INSERT IGNORE INTO test_charge (payment_id, state, due_at) VALUES (?, ?, ?)";
const CHANGE: &str =
    "UPDATE test_charge SET state = ?, due_at = ? WHERE payment_id = ? AND state = ?";
const CANCEL: &str = "INSERT INTO test_charge (payment_id, state) VALUES (?, 'canceled') \
    ON DUPLICATE KEY UPDATE state = IF(state IN ('action', 'declined'), 'canceled', state)";

/// How a payment stands; none when its shopper has not chosen.
pub async fn read(
    pool: &MySqlPool,
    payment_id: Uuid,
    now: Timestamp,
) -> sqlx::Result<Option<TestState>> {
    let Some(row) = sqlx::query(READ)
        .bind(payment_id)
        .fetch_optional(pool)
        .await?
    else {
        return Ok(None);
    };
    let state = named(&row, "state", TestState::named)?;
    let due_at: Option<At> = row.try_get("due_at")?;
    // Late money comes by itself.
    let came = state == TestState::Late && due_at.is_some_and(|due_at| due_at.0 <= now);
    Ok(Some(if came { TestState::Charged } else { state }))
}

/// Notes what the shopper chose; false when somebody else chose meanwhile.
pub async fn choose(
    pool: &MySqlPool,
    payment_id: Uuid,
    before: Option<TestState>,
    after: TestState,
    due_at: Option<Timestamp>,
) -> sqlx::Result<bool> {
    let due_at = due_at.map(At);
    let done = match before {
        None => {
            sqlx::query(BEGIN)
                .bind(payment_id)
                .bind(after.name())
                .bind(due_at)
                .execute(pool)
                .await?
        }
        Some(before) => {
            sqlx::query(CHANGE)
                .bind(after.name())
                .bind(due_at)
                .bind(payment_id)
                .bind(before.name())
                .execute(pool)
                .await?
        }
    };
    Ok(done.rows_affected() == 1 || before == Some(after))
}

/// Calls it off, if no money was taken or is on its way.
pub async fn cancel(pool: &MySqlPool, payment_id: Uuid) -> sqlx::Result<()> {
    sqlx::query(CANCEL).bind(payment_id).execute(pool).await?;
    Ok(())
}
