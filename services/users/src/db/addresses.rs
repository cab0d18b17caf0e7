//! Postal addresses that people keep.

use kit::{mariadb::MySqlConnection, seal::DataKey};
use uuid::Uuid;

use super::{DbError, DbResult, changed_one, sealed};
use crate::address::Address;

const LIST: &str = "SELECT id, body FROM address WHERE person = ? ORDER BY id";
const COUNT: &str = "SELECT COUNT(*) FROM address WHERE person = ?";
const INSERT: &str = "INSERT INTO address (id, person, body) VALUES (?, ?, ?)";
/// Counts a row as changed though it holds the same as before, because sealing never gives the same twice.
const UPDATE: &str = "UPDATE address SET body = ? WHERE id = ? AND person = ?";
const DELETE: &str = "DELETE FROM address WHERE id = ? AND person = ?";

/// The addresses of a person, the oldest first.
pub async fn list(
    connection: &mut MySqlConnection,
    key: &DataKey,
    person: Uuid,
) -> DbResult<Vec<(Uuid, Address)>> {
    let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(LIST)
        .bind(person)
        .fetch_all(connection)
        .await?;
    let open = |(id, body): (Uuid, Vec<u8>)| -> DbResult<(Uuid, Address)> {
        let json = sealed::bytes(key, "address.body", id, &body)?;
        let address = serde_json::from_slice(&json)
            .map_err(|_not_an_address| DbError::Unreadable("address.body"))?;
        Ok((id, address))
    };
    rows.into_iter().map(open).collect()
}

/// How many a person keeps.
pub async fn count(connection: &mut MySqlConnection, person: Uuid) -> DbResult<i64> {
    Ok(sqlx::query_scalar(COUNT)
        .bind(person)
        .fetch_one(connection)
        .await?)
}

/// Keeps one more.
pub async fn insert(
    connection: &mut MySqlConnection,
    key: &DataKey,
    person: Uuid,
    id: Uuid,
    address: &Address,
) -> DbResult<()> {
    sqlx::query(INSERT)
        .bind(id)
        .bind(person)
        .bind(body(key, id, address)?)
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes one; false when this person has none of this id.
pub async fn update(
    connection: &mut MySqlConnection,
    key: &DataKey,
    person: Uuid,
    id: Uuid,
    address: &Address,
) -> DbResult<bool> {
    let result = sqlx::query(UPDATE)
        .bind(body(key, id, address)?)
        .bind(id)
        .bind(person)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Takes one out; false when this person has none of this id.
pub async fn delete(connection: &mut MySqlConnection, person: Uuid, id: Uuid) -> DbResult<bool> {
    let result = sqlx::query(DELETE)
        .bind(id)
        .bind(person)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

fn body(key: &DataKey, id: Uuid, address: &Address) -> DbResult<Vec<u8>> {
    let json =
        serde_json::to_vec(address).map_err(|_not_json| DbError::Unreadable("address.body"))?;
    sealed::seal_bytes(key, "address.body", id, &json)
}
