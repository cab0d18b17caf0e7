//! The second factor: a code from the app, or one of the recovery codes.

use kit::mariadb::MySqlConnection;

use crate::{
    App,
    db::{DbResult, accounts::Account, factors},
    recovery,
};

/// How somebody proved the second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    /// None is asked for.
    NotNeeded,
    /// The code of the moment.
    Code,
    /// A recovery code, which is used up.
    RecoveryCode,
    /// None was given.
    Missing,
    /// A wrong one was given.
    Wrong,
}

/// Checks the second factor of a person that the transaction holds, and uses it up.
pub async fn verify_factor(
    connection: &mut MySqlConnection,
    app: &App,
    account: &Account,
    given: Option<&str>,
) -> DbResult<Proof> {
    let Some(key) = &account.totp else {
        return Ok(Proof::NotNeeded);
    };
    let Some(given) = given.map(str::trim).filter(|given| !given.is_empty()) else {
        return Ok(Proof::Missing);
    };
    if let Some(step) = key.matching_step(given, app.clock.now(), account.totp_last_step) {
        // Two with the same code at the same moment: one of them.
        let is_first = factors::use_step(connection, account.id, step).await?;
        return Ok(if is_first { Proof::Code } else { Proof::Wrong });
    }
    if let Some(hash) = recovery::hash(given)
        && factors::use_code(connection, account.id, &hash).await?
    {
        return Ok(Proof::RecoveryCode);
    }
    Ok(Proof::Wrong)
}
