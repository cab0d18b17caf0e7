//! Registrations that wait for the click on the link.

use jiff::Timestamp;
use kit::{
    mariadb::{At, MySqlConnection},
    seal::{self, DataKey, Sealer},
};
use sqlx::Row as _;
use uuid::Uuid;

use super::{DbError, DbResult, sealed};
use crate::{email::Email, person::Locale, secret::SecretHash};

const INSERT: &str = "INSERT INTO registration (id, token_hash, email_index, email, name, locale, password_hash, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
const TAKE: &str = "SELECT id, email_index, email, name, locale, password_hash FROM registration WHERE token_hash = ? AND expires_at > ? FOR UPDATE";
const DELETE: &str = "DELETE FROM registration WHERE id = ?";
const OF_EMAIL: &str = "SELECT id FROM registration WHERE email_index = ?";
const EXPIRED: &str = "SELECT id FROM registration WHERE expires_at <= ? LIMIT ?";

/// A registration, opened.
pub struct Registration {
    /// The id that the person will have.
    pub id: Uuid,
    /// The address to be proved.
    pub email: Email,
    /// By which it is found.
    pub email_index: [u8; 32],
    /// The name.
    pub name: String,
    /// The language.
    pub locale: Locale,
    /// The hash of the password.
    pub password_hash: String,
}

/// Keeps a registration until `expires_at`.
pub async fn insert(
    connection: &mut MySqlConnection,
    key: &DataKey,
    new: &Registration,
    token: &SecretHash,
    expires_at: Timestamp,
) -> DbResult<()> {
    let email = sealed::seal(key, "registration.email", new.id, new.email.as_str())?;
    let name = sealed::seal(key, "registration.name", new.id, &new.name)?;
    sqlx::query(INSERT)
        .bind(new.id)
        .bind(&token[..])
        .bind(&new.email_index[..])
        .bind(email)
        .bind(name)
        .bind(new.locale.as_str())
        .bind(&new.password_hash)
        .bind(At(expires_at))
        .execute(connection)
        .await?;
    Ok(())
}

/// The registration of this token, kept from everybody else until the transaction ends.
pub async fn take(
    connection: &mut MySqlConnection,
    sealer: &Sealer,
    token: &SecretHash,
    now: Timestamp,
) -> DbResult<Option<(Registration, DataKey)>> {
    let row = sqlx::query(TAKE)
        .bind(&token[..])
        .bind(At(now))
        .fetch_optional(&mut *connection)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let id: Uuid = row.try_get(0)?;
    let Some(key) = seal::open(sealer, connection, id).await? else {
        return Ok(None);
    };
    let email_index: Vec<u8> = row.try_get(1)?;
    let email = sealed::text(&key, "registration.email", id, row.try_get(2)?)?;
    let locale: String = row.try_get(4)?;
    let registration = Registration {
        id,
        email: Email::parse(&email).ok_or(DbError::Unreadable("registration.email"))?,
        email_index: email_index
            .try_into()
            .map_err(|_wrong_length| DbError::Unreadable("registration.email_index"))?,
        name: sealed::text(&key, "registration.name", id, row.try_get(3)?)?,
        locale: Locale::parse_or_default(&locale),
        password_hash: row.try_get(5)?,
    };
    Ok(Some((registration, key)))
}

/// Takes a registration out.
pub async fn delete(connection: &mut MySqlConnection, id: Uuid) -> DbResult<()> {
    sqlx::query(DELETE).bind(id).execute(connection).await?;
    Ok(())
}

/// Registrations of the same address.
pub async fn of_email(
    connection: &mut MySqlConnection,
    email_index: &[u8; 32],
) -> DbResult<Vec<Uuid>> {
    Ok(sqlx::query_scalar(OF_EMAIL)
        .bind(&email_index[..])
        .fetch_all(connection)
        .await?)
}

/// Some that nobody confirmed in time.
pub async fn expired(
    connection: &mut MySqlConnection,
    now: Timestamp,
    limit: u32,
) -> DbResult<Vec<Uuid>> {
    Ok(sqlx::query_scalar(EXPIRED)
        .bind(At(now))
        .bind(limit)
        .fetch_all(connection)
        .await?)
}
