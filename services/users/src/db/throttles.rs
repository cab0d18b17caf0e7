//! Failures of accounts and clients.

use jiff::Timestamp;
use kit::mariadb::{At, MySqlConnection};

use super::DbResult;
use crate::throttle::Record;

const FIND: &str = "SELECT failures, last_at FROM throttle WHERE bucket = ?";
/// Makes sure that there is a row to be locked: two who come first at once shall wait for each other.
const ENSURE: &str = "INSERT INTO throttle (bucket, failures, last_at) VALUES (?, 0, ?) ON DUPLICATE KEY UPDATE failures = failures";
const LOCK: &str = "SELECT failures, last_at FROM throttle WHERE bucket = ? FOR UPDATE";
const PUT: &str = "UPDATE throttle SET failures = ?, last_at = ? WHERE bucket = ?";
const GIVE_BACK: &str =
    "UPDATE throttle SET failures = failures - 1 WHERE bucket = ? AND failures > 0";
const CLEAR: &str = "DELETE FROM throttle WHERE bucket = ?";
const FORGET: &str = "DELETE FROM throttle WHERE last_at < ? LIMIT 1000";

/// Of whom: a keyed hash.
pub type Bucket = [u8; 32];

/// What is remembered.
pub async fn find(connection: &mut MySqlConnection, bucket: &Bucket) -> DbResult<Option<Record>> {
    let row: Option<(u32, At)> = sqlx::query_as(FIND)
        .bind(&bucket[..])
        .fetch_optional(connection)
        .await?;
    Ok(row.map(record))
}

/// The same, kept from everybody else until the transaction ends.
pub async fn lock(
    connection: &mut MySqlConnection,
    bucket: &Bucket,
    now: Timestamp,
) -> DbResult<Record> {
    sqlx::query(ENSURE)
        .bind(&bucket[..])
        .bind(At(now))
        .execute(&mut *connection)
        .await?;
    let row: (u32, At) = sqlx::query_as(LOCK)
        .bind(&bucket[..])
        .fetch_one(connection)
        .await?;
    Ok(record(row))
}

/// Remembers.
pub async fn put(
    connection: &mut MySqlConnection,
    bucket: &Bucket,
    record: &Record,
) -> DbResult<()> {
    sqlx::query(PUT)
        .bind(record.failures)
        .bind(At(record.last_at))
        .bind(&bucket[..])
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes one failure back.
pub async fn give_back(connection: &mut MySqlConnection, bucket: &Bucket) -> DbResult<()> {
    sqlx::query(GIVE_BACK)
        .bind(&bucket[..])
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets all failures of one.
pub async fn clear(connection: &mut MySqlConnection, bucket: &Bucket) -> DbResult<()> {
    sqlx::query(CLEAR)
        .bind(&bucket[..])
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets what happened before.
pub async fn forget(connection: &mut MySqlConnection, before: Timestamp) -> DbResult<u64> {
    let result = sqlx::query(FORGET)
        .bind(At(before))
        .execute(connection)
        .await?;
    Ok(result.rows_affected())
}

fn record((failures, last_at): (u32, At)) -> Record {
    Record {
        failures,
        last_at: last_at.into(),
    }
}
