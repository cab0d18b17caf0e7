//! Columns that only the person's own key opens. Each value is bound to its column and row: moved elsewhere, it can't be opened.

use kit::{
    mariadb::MySqlConnection,
    seal::{self, DataKey, Field, Sealer},
};
use uuid::Uuid;

use super::{DbError, DbResult};

/// A key for who is about to become a person.
pub async fn new_key(
    connection: &mut MySqlConnection,
    sealer: &Sealer,
    person: Uuid,
) -> DbResult<DataKey> {
    Ok(seal::open_or_create(sealer, connection, person).await?)
}

/// Takes a person's key away, and with it all that it sealed.
pub async fn forget_key(connection: &mut MySqlConnection, person: Uuid) -> DbResult<()> {
    seal::erase(connection, person).await?;
    Ok(())
}

/// Seals a text.
pub fn seal(key: &DataKey, column: &'static str, row: Uuid, text: &str) -> DbResult<Vec<u8>> {
    seal_bytes(key, column, row, text.as_bytes())
}

/// Seals bytes.
pub fn seal_bytes(
    key: &DataKey,
    column: &'static str,
    row: Uuid,
    bytes: &[u8],
) -> DbResult<Vec<u8>> {
    Ok(key.seal(&field(column, row), bytes)?)
}

/// Opens bytes.
pub fn bytes(key: &DataKey, column: &'static str, row: Uuid, bytes: &[u8]) -> DbResult<Vec<u8>> {
    Ok(key.unseal(&field(column, row), bytes)?)
}

/// Opens a text.
pub fn text(key: &DataKey, column: &'static str, row: Uuid, sealed: &[u8]) -> DbResult<String> {
    let text = bytes(key, column, row, sealed)?;
    String::from_utf8(text).map_err(|_not_text| DbError::Unreadable(column))
}

fn field(column: &'static str, row: Uuid) -> Field<'static> {
    let (table, column) = column.split_once('.').unwrap_or(("", column));
    Field { table, column, row }
}
