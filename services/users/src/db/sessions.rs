//! Sessions, and the refresh tokens of each.

use jiff::Timestamp;
use kit::{
    mariadb::{At, MySqlConnection},
    seal::DataKey,
};
use sqlx::Row as _;
use uuid::Uuid;

use super::{DbError, DbResult, changed_one, sealed};
use crate::{
    secret::SecretHash,
    session::{Family, Presented},
};

const INSERT: &str = "INSERT INTO session (id, person, device, began_at, last_used_at, ends_at) VALUES (?, ?, ?, ?, ?, ?)";
const INSERT_TOKEN: &str = "INSERT INTO refresh_token (hash, session) VALUES (?, ?)";
const OWNER: &str = "SELECT session.id, session.person FROM refresh_token JOIN session ON session.id = refresh_token.session WHERE refresh_token.hash = ?";
const LOCK: &str = "SELECT ends_at, last_used_at, revoked_at FROM session WHERE id = ? FOR UPDATE";
const TOKEN: &str = "SELECT token.used_at, token.nonce, next.used_at FROM refresh_token token \
    LEFT JOIN refresh_token next ON next.hash = token.successor WHERE token.hash = ?";
const USE_TOKEN: &str =
    "UPDATE refresh_token SET used_at = ?, nonce = ?, successor = ? WHERE hash = ?";
const TOUCH: &str = "UPDATE session SET last_used_at = ? WHERE id = ?";
const REVOKE: &str = "UPDATE session SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL";
const REVOKE_ONE_OF: &str =
    "UPDATE session SET revoked_at = ? WHERE id = ? AND person = ? AND revoked_at IS NULL";
const REVOKE_ALL_OF: &str =
    "UPDATE session SET revoked_at = ? WHERE person = ? AND revoked_at IS NULL";
const SHORTEN_ALL_OF: &str = "UPDATE session SET ends_at = LEAST(ends_at, ?) WHERE person = ?";
const LIST: &str = "SELECT id, device, began_at, last_used_at, ends_at FROM session \
    WHERE person = ? AND revoked_at IS NULL AND ends_at > ? ORDER BY last_used_at DESC, id DESC LIMIT 100";
/// Kept for a while after their end, so that the replay of an old token is still seen as one.
const FORGET: &str = "DELETE FROM session WHERE ends_at <= ? OR revoked_at <= ? LIMIT 1000";

/// A session as its owner sees it.
pub struct Session {
    /// The id.
    pub id: Uuid,
    /// What the browser called itself.
    pub device: Option<String>,
    /// When somebody logged in.
    pub began_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub ends_at: Timestamp,
}

/// Begins a session.
pub async fn insert(
    connection: &mut MySqlConnection,
    key: &DataKey,
    person: Uuid,
    session: &Session,
) -> DbResult<()> {
    let device = session
        .device
        .as_deref()
        .map(|device| sealed::seal(key, "session.device", session.id, device))
        .transpose()?;
    sqlx::query(INSERT)
        .bind(session.id)
        .bind(person)
        .bind(device)
        .bind(At(session.began_at))
        .bind(At(session.last_used_at))
        .bind(At(session.ends_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Adds the token that can be used next.
pub async fn insert_token(
    connection: &mut MySqlConnection,
    session: Uuid,
    token: &SecretHash,
) -> DbResult<()> {
    sqlx::query(INSERT_TOKEN)
        .bind(&token[..])
        .bind(session)
        .execute(connection)
        .await?;
    Ok(())
}

/// The session and the person that a token belongs to.
pub async fn owner(
    connection: &mut MySqlConnection,
    token: &SecretHash,
) -> DbResult<Option<(Uuid, Uuid)>> {
    Ok(sqlx::query_as(OWNER)
        .bind(&token[..])
        .fetch_optional(connection)
        .await?)
}

/// The session, kept from everybody else until the transaction ends.
pub async fn lock(connection: &mut MySqlConnection, id: Uuid) -> DbResult<Option<Family>> {
    let row: Option<(At, At, Option<At>)> = sqlx::query_as(LOCK)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|(ends_at, last_used_at, revoked_at)| Family {
        ends_at: ends_at.into(),
        last_used_at: last_used_at.into(),
        is_revoked: revoked_at.is_some(),
    }))
}

/// What is known of a token, and what makes its successor again.
pub async fn token(
    connection: &mut MySqlConnection,
    token: &SecretHash,
) -> DbResult<Option<(Presented, Option<[u8; 32]>)>> {
    let row = sqlx::query(TOKEN)
        .bind(&token[..])
        .fetch_optional(connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let (used_at, next_used_at): (Option<At>, Option<At>) = (row.try_get(0)?, row.try_get(2)?);
    let nonce: Option<Vec<u8>> = row.try_get(1)?;
    let nonce = nonce
        .map(TryInto::try_into)
        .transpose()
        .map_err(|_wrong_length| DbError::Unreadable("refresh_token.nonce"))?;
    let presented = Presented {
        used_at: used_at.map(Into::into),
        is_successor_used: next_used_at.is_some(),
    };
    Ok(Some((presented, nonce)))
}

/// Marks a token as used for a successor.
pub async fn use_token(
    connection: &mut MySqlConnection,
    token: &SecretHash,
    at: Timestamp,
    nonce: &[u8; 32],
    successor: &SecretHash,
) -> DbResult<bool> {
    let result = sqlx::query(USE_TOKEN)
        .bind(At(at))
        .bind(&nonce[..])
        .bind(&successor[..])
        .bind(&token[..])
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Notes that a session was used.
pub async fn touch(connection: &mut MySqlConnection, id: Uuid, at: Timestamp) -> DbResult<()> {
    sqlx::query(TOUCH)
        .bind(At(at))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(())
}

/// Ends a session; false when it was over.
pub async fn revoke(connection: &mut MySqlConnection, id: Uuid, at: Timestamp) -> DbResult<bool> {
    let result = sqlx::query(REVOKE)
        .bind(At(at))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Ends a session of this person; false when there is none.
pub async fn revoke_one_of(
    connection: &mut MySqlConnection,
    person: Uuid,
    id: Uuid,
    at: Timestamp,
) -> DbResult<bool> {
    let result = sqlx::query(REVOKE_ONE_OF)
        .bind(At(at))
        .bind(id)
        .bind(person)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Ends all sessions of a person.
pub async fn revoke_all_of(
    connection: &mut MySqlConnection,
    person: Uuid,
    at: Timestamp,
) -> DbResult<u64> {
    let result = sqlx::query(REVOKE_ALL_OF)
        .bind(At(at))
        .bind(person)
        .execute(connection)
        .await?;
    Ok(result.rows_affected())
}

/// Has all sessions of a person end at `ends_at` at the latest.
pub async fn shorten_all_of(
    connection: &mut MySqlConnection,
    person: Uuid,
    ends_at: Timestamp,
) -> DbResult<()> {
    sqlx::query(SHORTEN_ALL_OF)
        .bind(At(ends_at))
        .bind(person)
        .execute(connection)
        .await?;
    Ok(())
}

/// The sessions of a person that are not over, the last used first.
pub async fn list(
    connection: &mut MySqlConnection,
    key: &DataKey,
    person: Uuid,
    now: Timestamp,
) -> DbResult<Vec<Session>> {
    let rows = sqlx::query(LIST)
        .bind(person)
        .bind(At(now))
        .fetch_all(connection)
        .await?;
    let open = |row: sqlx::mysql::MySqlRow| -> DbResult<Session> {
        let id: Uuid = row.try_get(0)?;
        let device: Option<Vec<u8>> = row.try_get(1)?;
        let (began_at, last_used_at, ends_at): (At, At, At) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        Ok(Session {
            id,
            device: device
                .map(|device| sealed::text(key, "session.device", id, &device))
                .transpose()?,
            began_at: began_at.into(),
            last_used_at: last_used_at.into(),
            ends_at: ends_at.into(),
        })
    };
    rows.into_iter().map(open).collect()
}

/// Forgets sessions that ended before `before`, some at a time.
pub async fn forget(connection: &mut MySqlConnection, before: Timestamp) -> DbResult<u64> {
    let result = sqlx::query(FORGET)
        .bind(At(before))
        .bind(At(before))
        .execute(connection)
        .await?;
    Ok(result.rows_affected())
}
