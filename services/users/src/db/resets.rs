//! Links by which somebody who forgot the password chooses another.

use jiff::Timestamp;
use kit::mariadb::{At, MySqlConnection};
use uuid::Uuid;

use super::DbResult;
use crate::secret::SecretHash;

const INSERT: &str = "INSERT INTO password_reset (token_hash, person, expires_at) VALUES (?, ?, ?)";
const FIND: &str = "SELECT person FROM password_reset WHERE token_hash = ? AND expires_at > ? AND person IS NOT NULL";
const DELETE_OF: &str = "DELETE FROM password_reset WHERE person = ?";
const FORGET: &str = "DELETE FROM password_reset WHERE expires_at <= ? LIMIT 1000";

/// Keeps a link; of nobody when the address has no account.
pub async fn insert(
    connection: &mut MySqlConnection,
    token: &SecretHash,
    person: Option<Uuid>,
    expires_at: Timestamp,
) -> DbResult<()> {
    sqlx::query(INSERT)
        .bind(&token[..])
        .bind(person)
        .bind(At(expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Whose link this is.
pub async fn find(
    connection: &mut MySqlConnection,
    token: &SecretHash,
    now: Timestamp,
) -> DbResult<Option<Uuid>> {
    Ok(sqlx::query_scalar(FIND)
        .bind(&token[..])
        .bind(At(now))
        .fetch_optional(connection)
        .await?)
}

/// Takes out every link of a person: one of them was used, or the password changed otherwise.
pub async fn delete_of(connection: &mut MySqlConnection, person: Uuid) -> DbResult<()> {
    sqlx::query(DELETE_OF)
        .bind(person)
        .execute(connection)
        .await?;
    Ok(())
}

/// Forgets links that are too old to be used.
pub async fn forget(connection: &mut MySqlConnection, now: Timestamp) -> DbResult<u64> {
    let result = sqlx::query(FORGET)
        .bind(At(now))
        .execute(connection)
        .await?;
    Ok(result.rows_affected())
}
