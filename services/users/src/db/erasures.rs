//! Erasures under way.

use jiff::Timestamp;
use kit::mariadb::{At, MySqlConnection};
use uuid::Uuid;

use super::DbResult;

const INSERT: &str = "INSERT INTO erasure (person, asked_at, next_at) VALUES (?, ?, ?)";
const INSERT_STEP: &str = "INSERT INTO erasure_step (person, service) VALUES (?, ?)";
/// One replica works on it; whether it gets far enough shows when the time it put it off to has come.
const CLAIM: &str = "SELECT person, attempts FROM erasure WHERE next_at <= ? ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED";
const PUT_OFF: &str = "UPDATE erasure SET attempts = attempts + 1, next_at = ? WHERE person = ?";
const OPEN_STEPS: &str = "SELECT service FROM erasure_step WHERE person = ? AND done_at IS NULL";
const STEP_DONE: &str =
    "UPDATE erasure_step SET done_at = ?, last_error = NULL WHERE person = ? AND service = ?";
const STEP_FAILED: &str = "UPDATE erasure_step SET last_error = ? WHERE person = ? AND service = ?";
const DONE: &str = "UPDATE erasure SET done_at = ?, next_at = NULL WHERE person = ?";

/// Notes that a person is to be erased in all of `services`.
pub async fn insert(
    connection: &mut MySqlConnection,
    person: Uuid,
    services: &[&str],
    now: Timestamp,
) -> DbResult<()> {
    sqlx::query(INSERT)
        .bind(person)
        .bind(At(now))
        .bind(At(now))
        .execute(&mut *connection)
        .await?;
    for service in services {
        sqlx::query(INSERT_STEP)
            .bind(person)
            .bind(*service)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// One that is due, and how often it was tried; nobody else gets it until the transaction ends.
pub async fn claim(
    connection: &mut MySqlConnection,
    now: Timestamp,
) -> DbResult<Option<(Uuid, u32)>> {
    Ok(sqlx::query_as(CLAIM)
        .bind(At(now))
        .fetch_optional(connection)
        .await?)
}

/// Has it tried again at `next_at`, unless it is done by then.
pub async fn put_off(
    connection: &mut MySqlConnection,
    person: Uuid,
    next_at: Timestamp,
) -> DbResult<()> {
    sqlx::query(PUT_OFF)
        .bind(At(next_at))
        .bind(person)
        .execute(connection)
        .await?;
    Ok(())
}

/// The services that have not answered yet.
pub async fn open_steps(connection: &mut MySqlConnection, person: Uuid) -> DbResult<Vec<String>> {
    Ok(sqlx::query_scalar(OPEN_STEPS)
        .bind(person)
        .fetch_all(connection)
        .await?)
}

/// Notes that a service has erased what it kept.
pub async fn step_done(
    connection: &mut MySqlConnection,
    person: Uuid,
    service: &str,
    at: Timestamp,
) -> DbResult<()> {
    sqlx::query(STEP_DONE)
        .bind(At(at))
        .bind(person)
        .bind(service)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes why a service has not. The text must name no one.
pub async fn step_failed(
    connection: &mut MySqlConnection,
    person: Uuid,
    service: &str,
    error: &str,
) -> DbResult<()> {
    let error: String = error.chars().take(400).collect();
    sqlx::query(STEP_FAILED)
        .bind(error)
        .bind(person)
        .bind(service)
        .execute(connection)
        .await?;
    Ok(())
}

/// Notes that nothing of the person is left.
pub async fn done(connection: &mut MySqlConnection, person: Uuid, at: Timestamp) -> DbResult<()> {
    sqlx::query(DONE)
        .bind(At(at))
        .bind(person)
        .execute(connection)
        .await?;
    Ok(())
}
