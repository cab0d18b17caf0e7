//! What a client gets when somebody has logged in: a short-lived access token, and a refresh token for the next one.

use axum::{
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use jiff::Timestamp;
use kit::{
    Problem,
    auth::{AUDIENCE, Claims, ISSUER, Identity},
    clock::random_bytes,
    extract::Json,
    mariadb::MySqlConnection,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App,
    db::{
        DbError, DbResult,
        accounts::{self, Account},
        sessions,
    },
    person::Locale,
    role::{Role, Roles},
    secret::Secret,
    session::{self, ACCESS_TTL, later},
};

/// A session as the client keeps it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SessionAnswer {
    /// Sent as `Authorization: Bearer …`.
    pub access_token: String,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// Exchanged once for the next pair.
    pub refresh_token: Secret,
    /// Who it is.
    pub person: PersonAnswer,
}

/// A person, as the person sees it.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PersonAnswer {
    /// The id.
    pub id: Uuid,
    /// The address.
    pub email: String,
    /// The name.
    pub name: String,
    /// The language.
    pub locale: Locale,
    /// The roles.
    pub roles: Vec<Role>,
    /// What they allow.
    pub permissions: Vec<&'static str>,
    /// Whether a code from an app is asked for at login.
    pub has_totp: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl From<&Account> for PersonAnswer {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id,
            email: account.email.as_str().to_owned(),
            name: account.name.clone(),
            locale: account.locale,
            roles: account.roles.iter().collect(),
            permissions: account.roles.permissions().into_iter().collect(),
            has_totp: account.totp.is_some(),
            created_at: account.created_at,
        }
    }
}

impl SessionAnswer {
    /// The answer with this status.
    pub fn with_status(self, status: StatusCode) -> Response {
        (status, Json(self)).into_response()
    }
}

/// What the browser calls itself, so that people know which session is which.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for Device {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        const LONGEST: usize = 150;
        let agent = parts
            .headers
            .get(header::USER_AGENT)
            .and_then(|value| value.to_str().ok());
        Ok(Self(
            agent.map(|agent| agent.chars().take(LONGEST).collect()),
        ))
    }
}

/// Begins a session of a person that the transaction holds.
pub async fn begin(
    connection: &mut MySqlConnection,
    app: &App,
    account: &Account,
    device: &Device,
) -> Result<SessionAnswer, IssueError> {
    let now = app.clock.now();
    let session = sessions::Session {
        id: app.clock.uuid(),
        device: device.0.clone(),
        began_at: now,
        last_used_at: now,
        ends_at: session::ends_at(now, account.roles.is_staff()),
    };
    let token = Secret::from_bytes(random_bytes());
    sessions::insert(connection, &account.key, account.id, &session).await?;
    sessions::insert_token(
        connection,
        session.id,
        &token.hash().ok_or(DbError::Unreadable("refresh_token"))?,
    )
    .await?;
    answer(connection, app, account, token).await
}

/// The answer with a new access token.
pub async fn answer(
    connection: &mut MySqlConnection,
    app: &App,
    account: &Account,
    refresh_token: Secret,
) -> Result<SessionAnswer, IssueError> {
    let now = app.clock.now();
    // Tokens tell the second they were issued in. One that follows a revocation within the same second says the next one.
    let not_before = accounts::not_before(connection, account.id).await?;
    let issued_at = not_before.map_or(now.as_second(), |second| second.max(now.as_second()));
    let expires_at = later(now, ACCESS_TTL);
    let claims = Claims {
        iss: ISSUER.to_owned(),
        aud: AUDIENCE.to_owned(),
        sub: account.id.to_string(),
        iat: issued_at,
        exp: expires_at.as_second(),
        permissions: owned(&account.roles),
        roles: account
            .roles
            .iter()
            .map(|role| role.as_str().to_owned())
            .collect(),
    };
    Ok(SessionAnswer {
        access_token: app.signer.sign(&claims)?,
        expires_at,
        refresh_token,
        person: account.into(),
    })
}

fn owned(roles: &Roles) -> Vec<String> {
    let permissions = roles.permissions();
    permissions.into_iter().map(str::to_owned).collect()
}

/// Why there is no session.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The key.
    #[error(transparent)]
    Key(#[from] kit::auth::KeyError),
}

impl From<IssueError> for Problem {
    fn from(error: IssueError) -> Self {
        match error {
            IssueError::Db(error) => error.into(),
            IssueError::Key(error) => Self::internal(error),
        }
    }
}

/// The person who calls; services and command lines have no account.
pub fn caller(identity: &Identity) -> Result<Uuid, Problem> {
    Uuid::try_parse(identity.subject()).map_err(|_not_a_person| {
        Problem::new(
            StatusCode::FORBIDDEN,
            "people-only",
            "Only a person has an account.",
        )
    })
}

/// The account of the person who calls.
pub async fn own_account(
    connection: &mut MySqlConnection,
    app: &App,
    identity: &Identity,
) -> Result<Account, Problem> {
    let id = caller(identity)?;
    let account: DbResult<Option<Account>> = accounts::find(connection, &app.sealer, id).await;
    account?
        .filter(|account| !account.is_leaving)
        .ok_or_else(gone)
}

/// The account behind a token is gone: the client has to forget it.
pub fn gone() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "token-invalid",
        "The access token was not accepted. Log in again.",
    )
    .header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static(r#"Bearer error="invalid_token""#),
    )
}
