//! Second factors: the authenticator app, and the codes for when it is gone.

use kit::mariadb::MySqlConnection;
use uuid::Uuid;

use super::{DbResult, accounts::Account, changed_one, sealed};
use crate::{secret::SecretHash, totp::TotpKey};

const PROPOSE: &str = "UPDATE person SET totp_pending = ? WHERE id = ?";
const CONFIRM: &str = "UPDATE person SET totp_key = ?, totp_pending = NULL, totp_last_step = ?, revision = revision + 1 WHERE id = ?";
const REMOVE: &str = "UPDATE person SET totp_key = NULL, totp_pending = NULL, totp_last_step = NULL, revision = revision + 1 WHERE id = ?";
const USE_STEP: &str = "UPDATE person SET totp_last_step = ? WHERE id = ? AND (totp_last_step IS NULL OR totp_last_step < ?)";
const CLEAR_CODES: &str = "DELETE FROM recovery_code WHERE person = ?";
const INSERT_CODE: &str = "INSERT INTO recovery_code (person, hash) VALUES (?, ?)";
const USE_CODE: &str = "DELETE FROM recovery_code WHERE person = ? AND hash = ?";
const COUNT_CODES: &str = "SELECT COUNT(*) FROM recovery_code WHERE person = ?";

/// Keeps a key until its first code comes.
pub async fn propose(
    connection: &mut MySqlConnection,
    account: &Account,
    key: &TotpKey,
) -> DbResult<()> {
    let pending = sealed::seal_bytes(
        &account.key,
        "person.totp_pending",
        account.id,
        key.as_bytes(),
    )?;
    sqlx::query(PROPOSE)
        .bind(pending)
        .bind(account.id)
        .execute(connection)
        .await?;
    Ok(())
}

/// From now on this key's codes are asked for, later ones than `step`.
pub async fn confirm(
    connection: &mut MySqlConnection,
    account: &Account,
    key: &TotpKey,
    step: i64,
) -> DbResult<()> {
    let sealed = sealed::seal_bytes(&account.key, "person.totp_key", account.id, key.as_bytes())?;
    sqlx::query(CONFIRM)
        .bind(sealed)
        .bind(step)
        .bind(account.id)
        .execute(connection)
        .await?;
    Ok(())
}

/// No codes are asked for any more.
pub async fn remove(connection: &mut MySqlConnection, person: Uuid) -> DbResult<()> {
    sqlx::query(REMOVE)
        .bind(person)
        .execute(&mut *connection)
        .await?;
    sqlx::query(CLEAR_CODES)
        .bind(person)
        .execute(connection)
        .await?;
    Ok(())
}

/// Uses up a step; false when it or a later one was used meanwhile.
pub async fn use_step(connection: &mut MySqlConnection, person: Uuid, step: i64) -> DbResult<bool> {
    let result = sqlx::query(USE_STEP)
        .bind(step)
        .bind(person)
        .bind(step)
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// Replaces the recovery codes.
pub async fn put_codes(
    connection: &mut MySqlConnection,
    person: Uuid,
    hashes: &[SecretHash],
) -> DbResult<()> {
    sqlx::query(CLEAR_CODES)
        .bind(person)
        .execute(&mut *connection)
        .await?;
    for hash in hashes {
        sqlx::query(INSERT_CODE)
            .bind(person)
            .bind(&hash[..])
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Uses up a recovery code; false when the person has none such.
pub async fn use_code(
    connection: &mut MySqlConnection,
    person: Uuid,
    hash: &SecretHash,
) -> DbResult<bool> {
    let result = sqlx::query(USE_CODE)
        .bind(person)
        .bind(&hash[..])
        .execute(connection)
        .await?;
    Ok(changed_one(&result))
}

/// How many recovery codes are left.
pub async fn codes_left(connection: &mut MySqlConnection, person: Uuid) -> DbResult<i64> {
    Ok(sqlx::query_scalar(COUNT_CODES)
        .bind(person)
        .fetch_one(connection)
        .await?)
}
