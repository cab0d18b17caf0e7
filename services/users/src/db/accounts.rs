//! People who have an account.

use jiff::Timestamp;
use kit::{
    mariadb::{At, MySqlConnection},
    seal::{self, DataKey, Sealer},
};
use sqlx::{Row as _, mysql::MySqlRow};
use uuid::Uuid;

use super::{DbError, DbResult, changed_one, sealed};
use crate::{
    email::Email,
    events::To,
    person::Locale,
    role::{Role, Roles},
    totp::TotpKey,
};

macro_rules! accounts_where {
    ($condition:literal) => {
        concat!(
            "SELECT id, email, name, locale, password_hash, totp_key, totp_pending, totp_last_step, revision, created_at, leaving_at, \
             (SELECT GROUP_CONCAT(role) FROM person_role WHERE person_role.person = person.id) FROM person WHERE ",
            $condition
        )
    };
}

const FIND: &str = accounts_where!("id = ?");
const FIND_BY_EMAIL: &str = accounts_where!("email_index = ?");
const PAGE: &str = accounts_where!("id < ? ORDER BY id DESC LIMIT ?");
const LOCK: &str = "SELECT 1 FROM person WHERE id = ? FOR UPDATE";
const HOLD: &str = "SELECT 1 FROM person WHERE id = ? LOCK IN SHARE MODE";
const INSERT: &str = "INSERT INTO person (id, email_index, email, name, locale, password_hash, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
const UPDATE_PROFILE: &str =
    "UPDATE person SET name = ?, locale = ?, revision = revision + 1 WHERE id = ?";
const UPDATE_PASSWORD: &str =
    "UPDATE person SET password_hash = ?, revision = revision + 1 WHERE id = ?";
const REHASH: &str = "UPDATE person SET password_hash = ? WHERE id = ? AND password_hash = ?";
const LEAVE: &str =
    "UPDATE person SET email_index = NULL, leaving_at = ?, password_hash = '' WHERE id = ?";
const DELETE: &str = "DELETE FROM person WHERE id = ?";
const ARE_REVOKED_FROM: &str = "SELECT not_before FROM revocation WHERE person = ?";
const REVOKE: &str = "INSERT INTO revocation (person, not_before) VALUES (?, ?) ON DUPLICATE KEY UPDATE not_before = IF(not_before < VALUES(not_before), VALUES(not_before), not_before + 1)";
const REVOCATIONS: &str = "SELECT person, not_before FROM revocation WHERE not_before >= ?";
const FORGET_REVOCATIONS: &str = "DELETE FROM revocation WHERE not_before < ?";

/// A person with an account, opened.
pub struct Account {
    /// The person's id.
    pub id: Uuid,
    /// The address the account is known by.
    pub email: Email,
    /// The name.
    pub name: String,
    /// The language.
    pub locale: Locale,
    /// The hash of the password, with its parameters.
    pub password_hash: String,
    /// The key of the authenticator app, once confirmed.
    pub totp: Option<TotpKey>,
    /// One that awaits its first code.
    pub totp_pending: Option<TotpKey>,
    /// The last step a code was used of.
    pub totp_last_step: Option<i64>,
    /// The revision, for `ETag`.
    pub revision: u64,
    /// When the account was confirmed.
    pub created_at: Timestamp,
    /// Whether the person has asked to be erased.
    pub is_leaving: bool,
    /// The roles.
    pub roles: Roles,
    /// What seals everything that belongs to the person.
    pub key: DataKey,
}

impl Account {
    /// As the addressee of a mail.
    pub fn to(&self) -> To<'_> {
        To {
            person: self.id,
            email: &self.email,
            name: &self.name,
            locale: self.locale,
        }
    }
}

/// The account of this id.
pub async fn find(
    connection: &mut MySqlConnection,
    sealer: &Sealer,
    id: Uuid,
) -> DbResult<Option<Account>> {
    let row = sqlx::query(FIND)
        .bind(id)
        .fetch_optional(&mut *connection)
        .await?;
    open(connection, sealer, row).await
}

/// The account known by this address.
pub async fn find_by_email(
    connection: &mut MySqlConnection,
    sealer: &Sealer,
    email_index: &[u8; 32],
) -> DbResult<Option<Account>> {
    let row = sqlx::query(FIND_BY_EMAIL)
        .bind(&email_index[..])
        .fetch_optional(&mut *connection)
        .await?;
    open(connection, sealer, row).await
}

/// Accounts made before the one named, the newest first.
pub async fn page(
    connection: &mut MySqlConnection,
    sealer: &Sealer,
    before: Uuid,
    limit: u32,
) -> DbResult<Vec<Account>> {
    let rows = sqlx::query(PAGE)
        .bind(before)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    let mut accounts = Vec::with_capacity(rows.len());
    for row in rows {
        accounts.extend(open(connection, sealer, Some(row)).await?);
    }
    Ok(accounts)
}

async fn open(
    connection: &mut MySqlConnection,
    sealer: &Sealer,
    row: Option<MySqlRow>,
) -> DbResult<Option<Account>> {
    let Some(row) = row else { return Ok(None) };
    let id: Uuid = row.try_get(0)?;
    // Without the key nothing of the person can be read: erased meanwhile.
    let Some(key) = seal::open(sealer, connection, id).await? else {
        return Ok(None);
    };
    let totp = |column: usize, name: &'static str| -> DbResult<Option<TotpKey>> {
        let bytes: Option<Vec<u8>> = row.try_get(column)?;
        let Some(bytes) = bytes else { return Ok(None) };
        let bytes = sealed::bytes(&key, name, id, &bytes)?;
        Ok(TotpKey::from_slice(&bytes))
    };
    let roles: Option<String> = row.try_get(11)?;
    let roles = roles.unwrap_or_default();
    let locale: String = row.try_get(3)?;
    let email = sealed::text(&key, "person.email", id, row.try_get(1)?)?;
    let leaving_at: Option<At> = row.try_get(10)?;
    let created_at: At = row.try_get(9)?;
    Ok(Some(Account {
        id,
        email: Email::parse(&email).ok_or(DbError::Unreadable("person.email"))?,
        name: sealed::text(&key, "person.name", id, row.try_get(2)?)?,
        locale: Locale::parse_or_default(&locale),
        password_hash: row.try_get(4)?,
        totp: totp(5, "person.totp_key")?,
        totp_pending: totp(6, "person.totp_pending")?,
        totp_last_step: row.try_get(7)?,
        revision: row.try_get(8)?,
        created_at: created_at.into(),
        is_leaving: leaving_at.is_some(),
        roles: Roles::new(roles.split(',').filter_map(Role::parse)),
        key,
    }))
}

/// Keeps everybody else from changing the person until the transaction ends. Whether there is such a person.
pub async fn lock(connection: &mut MySqlConnection, id: Uuid) -> DbResult<bool> {
    let row = sqlx::query(LOCK)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// The same, beside others who only hold on to the person as it is.
pub async fn hold(connection: &mut MySqlConnection, id: Uuid) -> DbResult<bool> {
    let row = sqlx::query(HOLD)
        .bind(id)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

/// Who becomes a person.
pub struct NewAccount<'a> {
    /// The id.
    pub id: Uuid,
    /// The address.
    pub email: &'a Email,
    /// By which the address is found.
    pub email_index: [u8; 32],
    /// The name.
    pub name: &'a str,
    /// The language.
    pub locale: Locale,
    /// The hash of the password.
    pub password_hash: &'a str,
    /// Now.
    pub at: Timestamp,
}

/// Makes an account. Refused by the constraint `person_email` when the address has one.
pub async fn insert(
    connection: &mut MySqlConnection,
    key: &DataKey,
    new: &NewAccount<'_>,
) -> DbResult<()> {
    let email = sealed::seal(key, "person.email", new.id, new.email.as_str())?;
    let name = sealed::seal(key, "person.name", new.id, new.name)?;
    sqlx::query(INSERT)
        .bind(new.id)
        .bind(&new.email_index[..])
        .bind(email)
        .bind(name)
        .bind(new.locale.as_str())
        .bind(new.password_hash)
        .bind(At(new.at))
        .execute(connection)
        .await?;
    Ok(())
}

/// Changes name and language.
pub async fn update_profile(
    connection: &mut MySqlConnection,
    account: &Account,
    name: &str,
    locale: Locale,
) -> DbResult<bool> {
    let name = sealed::seal(&account.key, "person.name", account.id, name)?;
    let result = sqlx::query(UPDATE_PROFILE)
        .bind(name)
        .bind(locale.as_str())
        .bind(account.id)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Gives the person another password.
pub async fn update_password(
    connection: &mut MySqlConnection,
    id: Uuid,
    hash: &str,
) -> DbResult<bool> {
    let result = sqlx::query(UPDATE_PASSWORD)
        .bind(hash)
        .bind(id)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Keeps the same password under a new hash, unless it was changed meanwhile.
pub async fn rehash(
    connection: &mut MySqlConnection,
    account: &Account,
    hash: &str,
) -> DbResult<bool> {
    let result = sqlx::query(REHASH)
        .bind(hash)
        .bind(account.id)
        .bind(&account.password_hash)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Closes the account at once: its address is free, and nobody can log in.
pub async fn leave(connection: &mut MySqlConnection, id: Uuid, at: Timestamp) -> DbResult<bool> {
    let result = sqlx::query(LEAVE)
        .bind(At(at))
        .bind(id)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Takes the person out, with everything that belongs to it.
pub async fn delete(connection: &mut MySqlConnection, id: Uuid) -> DbResult<bool> {
    let result = sqlx::query(DELETE).bind(id).execute(connection).await?;
    Ok(changed_one(&result))
}

/// The second before which the person's access tokens are refused.
pub async fn not_before(connection: &mut MySqlConnection, id: Uuid) -> DbResult<Option<i64>> {
    Ok(sqlx::query_scalar(ARE_REVOKED_FROM)
        .bind(id)
        .fetch_optional(connection)
        .await?)
}

/// Has the person's access tokens refused that were issued until now.
pub async fn revoke_tokens(
    connection: &mut MySqlConnection,
    id: Uuid,
    at: Timestamp,
) -> DbResult<()> {
    // Tokens tell the second they were issued in, not the fraction, so the whole of this second is over. One that was issued after an
    // earlier revocation within the same second says the next one: that is over too, then.
    let not_before = at.as_second().saturating_add(1);
    sqlx::query(REVOKE)
        .bind(id)
        .bind(not_before)
        .execute(connection)
        .await?;
    Ok(())
}

/// Whose tokens are refused, of those refused from this second on or later.
pub async fn revocations(
    connection: &mut MySqlConnection,
    since: i64,
) -> DbResult<Vec<(Uuid, i64)>> {
    Ok(sqlx::query_as(REVOCATIONS)
        .bind(since)
        .fetch_all(connection)
        .await?)
}

/// Forgets revocations that no token can outlive.
pub async fn forget_revocations(connection: &mut MySqlConnection, before: i64) -> DbResult<u64> {
    let result = sqlx::query(FORGET_REVOCATIONS)
        .bind(before)
        .execute(connection)
        .await?;
    Ok(result.rows_affected())
}
