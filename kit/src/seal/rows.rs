use sqlx::MySqlConnection;
use uuid::Uuid;

use super::{DataKey, SealError, Sealer};

/// The table, as the `sql` of a [`Migration`](crate::mariadb::Migration).
pub const MIGRATION: &str = "
CREATE TABLE IF NOT EXISTS person_key (
    person BINARY(16) NOT NULL PRIMARY KEY,
    wrapped VARBINARY(200) NOT NULL,
    created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
) ENGINE = InnoDB;
";

const READ: &str = "SELECT wrapped FROM person_key WHERE person = ?";
const INSERT: &str = "INSERT IGNORE INTO person_key (person, wrapped) VALUES (?, ?)";
const ERASE: &str = "DELETE FROM person_key WHERE person = ?";

/// The person's key; `None` when there never was one, or it was erased.
pub async fn open(
    sealer: &Sealer,
    connection: &mut MySqlConnection,
    person: Uuid,
) -> Result<Option<DataKey>, SealError> {
    let wrapped: Option<Vec<u8>> = sqlx::query_scalar(READ)
        .bind(person)
        .fetch_optional(connection)
        .await?;
    wrapped
        .map(|wrapped| sealer.unwrap(person, &wrapped))
        .transpose()
}

/// The person's key, made when there is none.
pub async fn open_or_create(
    sealer: &Sealer,
    connection: &mut MySqlConnection,
    person: Uuid,
) -> Result<DataKey, SealError> {
    if let Some(key) = open(sealer, &mut *connection, person).await? {
        return Ok(key);
    }
    let (key, wrapped) = sealer.create(person)?;
    let inserted = sqlx::query(INSERT)
        .bind(person)
        .bind(wrapped)
        .execute(&mut *connection)
        .await?;
    if inserted.rows_affected() == 1 {
        return Ok(key);
    }
    // A rival was first; its key is the one that is kept.
    open(sealer, connection, person)
        .await?
        .ok_or(SealError::Refused)
}

/// Erases the person's key, and with it all that it sealed. False when there is none.
pub async fn erase(connection: &mut MySqlConnection, person: Uuid) -> Result<bool, sqlx::Error> {
    let deleted = sqlx::query(ERASE).bind(person).execute(connection).await?;
    Ok(deleted.rows_affected() == 1)
}
