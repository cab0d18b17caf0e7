//! `/v1/me/passkeys`: keys that a phone, a computer or a security key holds, and gives away to nobody (`WebAuthn`).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use jiff::{SignedDuration, Timestamp};
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path},
    mariadb,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::{Host, Url};
use uuid::Uuid;
use webauthn_rs::prelude::{
    CredentialID, Passkey, PasskeyRegistration, RegisterPublicKeyCredential, Webauthn,
    WebauthnBuilder, WebauthnError,
};

use crate::{
    App,
    change_password::reauthenticate,
    db::{
        DbError,
        accounts::{self, Account},
        passkeys::{self, StoredPasskey},
    },
    issue_session::{caller, own_account},
    manage_totp::ReauthInput,
    note_audit::note,
    person,
    routes::{BodyProblems, Problems},
    secret::SecretHash,
    session::later,
};

/// How long an authenticator has to answer; a little more than browsers give it.
pub const ANSWER_TTL: SignedDuration = SignedDuration::from_mins(6);
/// How many passkeys somebody keeps.
const MOST: usize = 20;

/// What an authenticator is asked.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Challenge {
    /// To be sent back with the answer.
    pub id: Uuid,
    /// What `navigator.credentials` takes, with its bytes as base64url.
    #[schema(value_type = Object)]
    pub options: Value,
}

/// A passkey that an authenticator has made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyInput {
    /// Of the challenge that it answers.
    challenge_id: Uuid,
    /// What its owner calls it.
    #[schema(max_length = 100)]
    name: String,
    /// What `navigator.credentials.create` answered, with its bytes as base64url.
    #[schema(value_type = Object)]
    credential: RegisterPublicKeyCredential,
}

/// Passkeys.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PasskeyList {
    /// The oldest first.
    pub items: Vec<PasskeyItem>,
}

/// A passkey.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PasskeyItem {
    /// The id.
    pub id: Uuid,
    /// What its owner calls it.
    pub name: String,
    /// Since when.
    pub created_at: Timestamp,
    /// When it last let somebody in.
    pub last_used_at: Option<Timestamp>,
}

impl From<StoredPasskey> for PasskeyItem {
    fn from(passkey: StoredPasskey) -> Self {
        Self {
            id: passkey.id,
            name: passkey.name,
            created_at: passkey.created_at,
            last_used_at: passkey.last_used_at,
        }
    }
}

/// What checks passkeys of the shop at this address: they belong to its host, and work on no other site, however alike it looks.
pub fn relying_party(shop: &Url, name: &str) -> Result<Webauthn, WebauthnError> {
    let host = shop.host_str().unwrap_or_default();
    if !matches!(shop.host(), Some(Host::Domain(_))) {
        // Browsers make passkeys for names only. A shop that is tried out under a bare address does without.
        tracing::warn!(host, "PUBLIC_URL names no host: there are no passkeys");
        let mut nowhere = shop.clone();
        // `localhost` can always be a host.
        let _always = nowhere.set_host(Some("localhost"));
        return WebauthnBuilder::new("localhost", &nowhere)?
            .rp_name(name)
            .build();
    }
    WebauthnBuilder::new(host, shop)?.rp_name(name).build()
}

/// What is kept of the id that an authenticator gave its key.
pub fn credential_hash(id: &[u8]) -> SecretHash {
    Sha256::digest(id).into()
}

/// The passkey that was kept.
pub fn opened(stored: &StoredPasskey) -> Result<Passkey, DbError> {
    serde_json::from_slice(&stored.credential)
        .map_err(|_not_a_passkey| DbError::Unreadable("passkey.credential"))
}

/// What is said of an answer that does not fit the challenge.
pub fn not_accepted() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "passkey-not-accepted",
        "The passkey was not accepted.",
    )
}

async fn known(
    connection: &mut mariadb::MySqlConnection,
    account: &Account,
) -> Result<Vec<StoredPasskey>, Problem> {
    Ok(passkeys::list(connection, &account.key, account.id).await?)
}

/// Begins: what the browser shall ask an authenticator for a new passkey.
#[utoipa::path(
    post, path = "/v1/me/passkeys/challenge", tag = "second factors", request_body = ReauthInput, security(("token" = [])),
    responses((status = 200, body = Challenge), Problems, BodyProblems)
)]
pub async fn begin_passkey(
    State(app): State<App>,
    identity: Identity,
    Json(input): Json<ReauthInput>,
) -> Result<Json<Challenge>, Problem> {
    let (account, known) = {
        let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
        let account = own_account(&mut connection, &app, &identity).await?;
        let known = known(&mut connection, &account).await?;
        (account, known)
    };
    reauthenticate(&app, &account, &input.password).await?;
    if known.len() >= MOST {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "too-many-passkeys",
            "You keep as many passkeys as there is room for.",
        ));
    }
    let exclude: Vec<CredentialID> = known
        .iter()
        .map(|stored| opened(stored).map(|passkey| passkey.cred_id().clone()))
        .collect::<Result<_, _>>()?;
    let (options, state) = app
        .webauthn
        .start_passkey_registration(
            account.id,
            account.email.as_str(),
            &account.name,
            Some(exclude),
        )
        .map_err(Problem::internal)?;
    let mut options = serde_json::to_value(options).map_err(Problem::internal)?;
    // The authenticator shall know whose it is, so that nobody has to say so to log in.
    let selection = &mut options["publicKey"]["authenticatorSelection"];
    selection["residentKey"] = "required".into();
    selection["requireResidentKey"] = true.into();
    let state = serde_json::to_vec(&state).map_err(Problem::internal)?;
    let id = app.clock.uuid();
    let expires_at = later(app.clock.now(), ANSWER_TTL);
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    passkeys::ask(&mut connection, id, Some(account.id), &state, expires_at).await?;
    Ok(Json(Challenge { id, options }))
}

/// Keeps a passkey that answers the challenge.
#[utoipa::path(
    post, path = "/v1/me/passkeys", tag = "second factors", request_body = PasskeyInput, security(("token" = [])),
    responses((status = 201, body = PasskeyItem, headers(("Location" = String))), Problems, BodyProblems)
)]
pub async fn add_passkey(
    State(app): State<App>,
    identity: Identity,
    Json(input): Json<PasskeyInput>,
) -> Result<Response, Problem> {
    let name =
        person::name(&input.name).map_err(|detail| Problem::invalid().field("name", detail))?;
    let now = app.clock.now();
    let person = caller(&identity)?;
    let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
    accounts::lock(&mut transaction, person).await?;
    let account = own_account(&mut transaction, &app, &identity).await?;
    let state = passkeys::answered(&mut transaction, input.challenge_id, Some(account.id), now)
        .await?
        .ok_or_else(not_accepted)?;
    let state: PasskeyRegistration = serde_json::from_slice(&state).map_err(Problem::internal)?;
    let passkey = app
        .webauthn
        .finish_passkey_registration(&input.credential, &state)
        .map_err(|error| not_accepted().with_source(error))?;
    let stored = StoredPasskey {
        id: app.clock.uuid(),
        name,
        credential: serde_json::to_vec(&passkey).map_err(Problem::internal)?,
        created_at: now,
        last_used_at: None,
    };
    let hash = credential_hash(passkey.cred_id());
    match passkeys::insert(&mut transaction, &account.key, account.id, &hash, &stored).await {
        Err(error) if error.constraint().is_some() => return Err(not_accepted()),
        inserted => inserted?,
    }
    note(
        &mut transaction,
        &app,
        account.id,
        "person.passkey_added",
        account.id,
    )
    .await?;
    transaction.commit().await.map_err(mariadb::unavailable)?;
    let location = HeaderValue::from_str(&format!("/v1/me/passkeys/{}", stored.id))
        .map_err(Problem::internal)?;
    let answer = Json(PasskeyItem::from(stored));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], answer).into_response())
}

/// Lists the caller's passkeys.
#[utoipa::path(
    get, path = "/v1/me/passkeys", tag = "second factors", security(("token" = [])),
    responses((status = 200, body = PasskeyList), Problems)
)]
pub async fn list_passkeys(
    State(app): State<App>,
    identity: Identity,
) -> Result<Json<PasskeyList>, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let account = own_account(&mut connection, &app, &identity).await?;
    let items = known(&mut connection, &account).await?;
    Ok(Json(PasskeyList {
        items: items.into_iter().map(PasskeyItem::from).collect(),
    }))
}

/// Takes a passkey out.
#[utoipa::path(
    delete, path = "/v1/me/passkeys/{id}", tag = "second factors", params(("id" = Uuid, Path)), security(("token" = [])),
    responses((status = 204), Problems)
)]
pub async fn delete_passkey(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    identity: Identity,
) -> Result<StatusCode, Problem> {
    let person = caller(&identity)?;
    let mut transaction = app.pool.begin().await.map_err(mariadb::unavailable)?;
    if !passkeys::delete(&mut transaction, person, id).await? {
        return Err(Problem::not_found(
            "passkey-not-found",
            "There is no such passkey.",
        ));
    }
    note(
        &mut transaction,
        &app,
        person,
        "person.passkey_removed",
        person,
    )
    .await?;
    transaction.commit().await.map_err(mariadb::unavailable)?;
    Ok(StatusCode::NO_CONTENT)
}
