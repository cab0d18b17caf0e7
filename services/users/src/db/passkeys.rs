//! Passkeys, and what authenticators were asked.

use jiff::Timestamp;
use kit::{
    mariadb::{At, MySqlConnection},
    seal::DataKey,
};
use sqlx::Row as _;
use uuid::Uuid;

use super::{DbResult, changed_one, sealed};
use crate::secret::SecretHash;

const INSERT: &str = "INSERT INTO passkey (id, person, credential_hash, name, credential, created_at) VALUES (?, ?, ?, ?, ?, ?)";
const LIST: &str = "SELECT id, name, credential, created_at, last_used_at FROM passkey WHERE person = ? ORDER BY id";
const OWNER: &str = "SELECT person, id FROM passkey WHERE credential_hash = ?";
const USED: &str = "UPDATE passkey SET credential = ?, last_used_at = ? WHERE id = ?";
const DELETE: &str = "DELETE FROM passkey WHERE id = ? AND person = ?";
const ASK: &str =
    "INSERT INTO passkey_challenge (id, person, state, expires_at) VALUES (?, ?, ?, ?)";
const ASKED: &str = "SELECT state FROM passkey_challenge WHERE id = ? AND person <=> ? AND expires_at > ? FOR UPDATE";
const ANSWERED: &str = "DELETE FROM passkey_challenge WHERE id = ?";
const FORGET: &str = "DELETE FROM passkey_challenge WHERE expires_at <= ? LIMIT 1000";

/// A passkey, opened.
pub struct StoredPasskey {
    /// The id.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// The public key and its counter, as JSON.
    pub credential: Vec<u8>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last let somebody in.
    pub last_used_at: Option<Timestamp>,
}

/// Keeps a passkey. Refused by the constraint `passkey_credential` when it is kept already.
pub async fn insert(
    connection: &mut MySqlConnection,
    key: &DataKey,
    person: Uuid,
    credential_hash: &SecretHash,
    passkey: &StoredPasskey,
) -> DbResult<()> {
    let name = sealed::seal(key, "passkey.name", passkey.id, &passkey.name)?;
    let credential =
        sealed::seal_bytes(key, "passkey.credential", passkey.id, &passkey.credential)?;
    sqlx::query(INSERT)
        .bind(passkey.id)
        .bind(person)
        .bind(&credential_hash[..])
        .bind(name)
        .bind(credential)
        .bind(At(passkey.created_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The passkeys of a person, the oldest first.
pub async fn list(
    connection: &mut MySqlConnection,
    key: &DataKey,
    person: Uuid,
) -> DbResult<Vec<StoredPasskey>> {
    let rows = sqlx::query(LIST).bind(person).fetch_all(connection).await?;
    let open = |row: sqlx::mysql::MySqlRow| -> DbResult<StoredPasskey> {
        let id: Uuid = row.try_get(0)?;
        let credential: Vec<u8> = row.try_get(2)?;
        let (created_at, last_used_at): (At, Option<At>) = (row.try_get(3)?, row.try_get(4)?);
        Ok(StoredPasskey {
            id,
            name: sealed::text(key, "passkey.name", id, row.try_get(1)?)?,
            credential: sealed::bytes(key, "passkey.credential", id, &credential)?,
            created_at: created_at.into(),
            last_used_at: last_used_at.map(Into::into),
        })
    };
    rows.into_iter().map(open).collect()
}

/// Whose passkey this is, and its id.
pub async fn owner(
    connection: &mut MySqlConnection,
    credential_hash: &SecretHash,
) -> DbResult<Option<(Uuid, Uuid)>> {
    Ok(sqlx::query_as(OWNER)
        .bind(&credential_hash[..])
        .fetch_optional(connection)
        .await?)
}

/// Notes that a passkey was used, with its new counter.
pub async fn used(
    connection: &mut MySqlConnection,
    key: &DataKey,
    id: Uuid,
    credential: &[u8],
    at: Timestamp,
) -> DbResult<()> {
    let credential = sealed::seal_bytes(key, "passkey.credential", id, credential)?;
    sqlx::query(USED)
        .bind(credential)
        .bind(At(at))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Takes a passkey out; false when this person has none of this id.
pub async fn delete(connection: &mut MySqlConnection, person: Uuid, id: Uuid) -> DbResult<bool> {
    let result = sqlx::query(DELETE)
        .bind(id)
        .bind(person)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Keeps what an authenticator was asked.
pub async fn ask(
    connection: &mut MySqlConnection,
    id: Uuid,
    person: Option<Uuid>,
    state: &[u8],
    expires_at: Timestamp,
) -> DbResult<()> {
    sqlx::query(ASK)
        .bind(id)
        .bind(person)
        .bind(state)
        .bind(At(expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// What the authenticator of this person was asked, which can be answered once.
pub async fn answered(
    connection: &mut MySqlConnection,
    id: Uuid,
    person: Option<Uuid>,
    now: Timestamp,
) -> DbResult<Option<Vec<u8>>> {
    let state: Option<Vec<u8>> = sqlx::query_scalar(ASKED)
        .bind(id)
        .bind(person)
        .bind(At(now))
        .fetch_optional(&mut *connection)
        .await?;
    if state.is_some() {
        sqlx::query(ANSWERED).bind(id).execute(connection).await?;
    }
    Ok(state)
}

/// Forgets what was never answered.
pub async fn forget_challenges(connection: &mut MySqlConnection, now: Timestamp) -> DbResult<u64> {
    let result = sqlx::query(FORGET)
        .bind(At(now))
        .execute(connection)
        .await?;
    Ok(result.rows_affected())
}
