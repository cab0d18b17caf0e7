//! `POST /v1/sessions/passkey`: logging in with what one has, and a look or a touch. Nothing to type, nothing to steal.

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{Problem, extract::Json, mariadb};
use serde::Deserialize;
use uuid::Uuid;
use webauthn_rs::prelude::{DiscoverableAuthentication, DiscoverableKey, PublicKeyCredential};

use crate::{
    App,
    db::{accounts, passkeys, throttles},
    issue_session::{self, Device, SessionAnswer},
    log_in::LogInError,
    manage_passkeys::{ANSWER_TTL, Challenge, credential_hash, not_accepted, opened},
    routes::{BodyProblems, Problems},
    session::later,
    throttle::CLIENT,
    throttle_attempts::{Client, charge, client_bucket},
};

/// What an authenticator answered.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyLogIn {
    /// Of the challenge that it answers.
    challenge_id: Uuid,
    /// What `navigator.credentials.get` answered, with its bytes as base64url.
    #[schema(value_type = Object)]
    credential: PublicKeyCredential,
}

/// Begins: what the browser shall ask an authenticator. The same for everybody: the authenticator knows whose it is.
#[utoipa::path(
    post, path = "/v1/sessions/passkey/challenge", tag = "sessions",
    responses((status = 200, body = Challenge), Problems)
)]
pub async fn begin_passkey_log_in(
    State(app): State<App>,
    client: Client,
) -> Result<Json<Challenge>, Problem> {
    charge(&app, &CLIENT, &client_bucket(&app, "passkey", &client)?).await?;
    let (mut options, state) = app
        .webauthn
        .start_discoverable_authentication()
        .map_err(Problem::internal)?;
    // The page may offer it in the form or behind a button; that is its own choice.
    options.mediation = None;
    let options = serde_json::to_value(options).map_err(Problem::internal)?;
    let state = serde_json::to_vec(&state).map_err(Problem::internal)?;
    let id = app.clock.uuid();
    let expires_at = later(app.clock.now(), ANSWER_TTL);
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    passkeys::ask(&mut connection, id, None, &state, expires_at).await?;
    Ok(Json(Challenge { id, options }))
}

/// Logs in. The authenticator has made sure of the person, so no code is asked for.
#[utoipa::path(
    post, path = "/v1/sessions/passkey", tag = "sessions", request_body = PasskeyLogIn,
    responses((status = 201, body = SessionAnswer), Problems, BodyProblems)
)]
pub async fn log_in_with_passkey(
    State(app): State<App>,
    client: Client,
    device: Device,
    Json(input): Json<PasskeyLogIn>,
) -> Result<Response, Problem> {
    let session = let_in(&app, &device, &input).await?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    throttles::give_back(&mut connection, &client_bucket(&app, "passkey", &client)?).await?;
    Ok(session.with_status(StatusCode::CREATED))
}

async fn let_in(
    app: &App,
    device: &Device,
    input: &PasskeyLogIn,
) -> Result<SessionAnswer, Problem> {
    let now = app.clock.now();
    let unknown = || Problem::from(LogInError::WrongCredentials);
    let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
    let state = passkeys::answered(&mut transaction, input.challenge_id, None, now)
        .await?
        .ok_or_else(not_accepted)?;
    let state: DiscoverableAuthentication =
        serde_json::from_slice(&state).map_err(Problem::internal)?;
    let (person, credential_id) = app
        .webauthn
        .identify_discoverable_authentication(&input.credential)
        .map_err(|error| unknown().with_source(error))?;
    let (owner, id) = passkeys::owner(&mut transaction, &credential_hash(credential_id))
        .await?
        .filter(|(owner, _)| *owner == person)
        .ok_or_else(unknown)?;
    accounts::lock(&mut transaction, owner).await?;
    let account = accounts::find(&mut transaction, &app.sealer, owner)
        .await?
        .filter(|account| !account.is_leaving)
        .ok_or_else(unknown)?;
    let stored = passkeys::list(&mut transaction, &account.key, owner).await?;
    let stored = stored
        .iter()
        .find(|passkey| passkey.id == id)
        .ok_or_else(unknown)?;
    let mut passkey = opened(stored)?;
    let key = DiscoverableKey::from(&passkey);
    let result = app
        .webauthn
        .finish_discoverable_authentication_v2(&input.credential, state, &key)
        .map_err(|error| unknown().with_source(error))?;
    passkey.update_credential(&result);
    let credential = serde_json::to_vec(&passkey).map_err(Problem::internal)?;
    passkeys::used(&mut transaction, &account.key, id, &credential, now).await?;
    let session = issue_session::begin(&mut transaction, app, &account, device).await?;
    transaction.commit().await.map_err(mariadb::unavailable)?;
    Ok(session)
}
