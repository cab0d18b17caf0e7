//! `/v1/me/totp`: an authenticator app as a second factor.

use axum::extract::State;
use http::StatusCode;
use kit::{Problem, auth::Identity, clock::random_bytes, extract::Json, mariadb};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    change_password::reauthenticate,
    db::{
        accounts::{self, Account},
        factors,
    },
    issue_session::own_account,
    note_audit::note,
    password::Password,
    recovery,
    routes::{BodyProblems, Problems},
    secret::SecretHash,
    throttle::ACCOUNT,
    throttle_attempts::{bucket, charge},
    totp::TotpKey,
    verify_factor::{Proof, verify_factor},
};

/// The password, once more.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReauthInput {
    /// Not the one to come.
    pub password: Password,
}

/// What the app needs.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TotpAnswer {
    /// To be typed.
    pub secret: String,
    /// To be shown as a picture.
    pub uri: String,
}

/// A code from the app.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeInput {
    #[schema(max_length = 40, example = "123456")]
    code: String,
}

/// Codes for the day the phone is gone.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RecoveryCodes {
    /// Each works once. Not shown again.
    pub recovery_codes: Vec<String>,
}

/// What it takes to go without.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveInput {
    password: Password,
    /// A code from the app, or a recovery code.
    #[schema(max_length = 40, example = "123456")]
    code: String,
}

fn wrong_code() -> Problem {
    Problem::invalid().field("code", "is not the code of this moment, or was used before")
}

async fn account_of(app: &App, identity: &Identity) -> Result<Account, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    own_account(&mut connection, app, identity).await
}

/// Begins: makes a key for the app. Nothing is asked for at login until its first code was confirmed.
#[utoipa::path(
    post, path = "/v1/me/totp", tag = "second factors", request_body = ReauthInput, security(("token" = [])),
    responses((status = 200, body = TotpAnswer), Problems, BodyProblems)
)]
pub async fn begin_totp(
    State(app): State<App>,
    identity: Identity,
    Json(input): Json<ReauthInput>,
) -> Result<Json<TotpAnswer>, Problem> {
    let account = account_of(&app, &identity).await?;
    if account.totp.is_some() {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "totp-in-use",
            "An authenticator app is in use already. Remove it first.",
        ));
    }
    reauthenticate(&app, &account, &input.password).await?;
    let key = TotpKey::from_bytes(random_bytes());
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    factors::propose(&mut connection, &account, &key).await?;
    let uri = key.uri(&app.shop_name, account.email.as_str());
    Ok(Json(TotpAnswer {
        secret: key.as_text(),
        uri,
    }))
}

/// Confirms with a first code: from now on one is asked for at login.
#[utoipa::path(
    post, path = "/v1/me/totp/confirm", tag = "second factors", request_body = CodeInput, security(("token" = [])),
    responses((status = 200, body = RecoveryCodes), Problems, BodyProblems)
)]
pub async fn confirm_totp(
    State(app): State<App>,
    identity: Identity,
    Json(input): Json<CodeInput>,
) -> Result<Json<RecoveryCodes>, Problem> {
    let id = account_of(&app, &identity).await?.id;
    let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
    accounts::lock(&mut transaction, id).await?;
    let account = own_account(&mut transaction, &app, &identity).await?;
    let (Some(key), None) = (&account.totp_pending, &account.totp) else {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "totp-not-begun",
            "Ask for a key for your app first.",
        ));
    };
    let step = key
        .matching_step(&input.code, app.clock.now(), None)
        .ok_or_else(wrong_code)?;
    factors::confirm(&mut transaction, &account, key, step).await?;
    let codes: Vec<String> = (0..recovery::COUNT)
        .map(|_| recovery::code(random_bytes()))
        .collect();
    let hashes: Vec<SecretHash> = codes
        .iter()
        .filter_map(|code| recovery::hash(code))
        .collect();
    factors::put_codes(&mut transaction, account.id, &hashes).await?;
    note(
        &mut transaction,
        &app,
        account.id,
        "person.totp_added",
        account.id,
    )
    .await?;
    transaction.commit().await.map_err(mariadb::unavailable)?;
    Ok(Json(RecoveryCodes {
        recovery_codes: codes,
    }))
}

/// Goes without again.
#[utoipa::path(
    delete, path = "/v1/me/totp", tag = "second factors", request_body = RemoveInput, security(("token" = [])),
    responses((status = 204), Problems, BodyProblems)
)]
pub async fn remove_totp(
    State(app): State<App>,
    identity: Identity,
    Json(input): Json<RemoveInput>,
) -> Result<StatusCode, Problem> {
    let account = account_of(&app, &identity).await?;
    reauthenticate(&app, &account, &input.password).await?;
    let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
    accounts::lock(&mut transaction, account.id).await?;
    let account = own_account(&mut transaction, &app, &identity).await?;
    match verify_factor(&mut transaction, &app, &account, Some(&input.code)).await? {
        Proof::Code | Proof::RecoveryCode => {}
        Proof::NotNeeded => return Ok(StatusCode::NO_CONTENT),
        Proof::Missing | Proof::Wrong => {
            return Err(charge_wrong_code(&app, &account).await?);
        }
    }
    factors::remove(&mut transaction, account.id).await?;
    note(
        &mut transaction,
        &app,
        account.id,
        "person.totp_removed",
        account.id,
    )
    .await?;
    transaction.commit().await.map_err(mariadb::unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Codes are guessed no faster here than at login.
async fn charge_wrong_code(app: &App, account: &Account) -> Result<Problem, Problem> {
    let bucket = bucket(app, "account", account.email.as_str())?;
    charge(app, &ACCOUNT, &bucket).await?;
    Ok(wrong_code())
}
