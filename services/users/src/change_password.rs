//! `PUT /v1/me/password`, and proving once more who one is.

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{
    Problem,
    auth::Identity,
    extract::Json,
    mariadb::{self, MySqlConnection},
};
use serde::Deserialize;

use crate::{
    App,
    db::{
        DbError, DbResult,
        accounts::{self, Account},
        resets, sessions, throttles,
    },
    events,
    hash_password::HasherError,
    issue_session::{self, Device, IssueError, SessionAnswer, own_account},
    note_audit::note,
    password::{self, Password, Weakness},
    routes::{BodyProblems, Problems},
    throttle::ACCOUNT,
    throttle_attempts::{ThrottleError, bucket, charge},
};

/// The password and the one to come.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordInput {
    current: Password,
    /// At least 8 characters, and none of the most used ones.
    new: Password,
}

/// Why the password stays.
#[derive(Debug, thiserror::Error)]
enum ChangeError {
    #[error(transparent)]
    Reauth(#[from] ReauthError),
    #[error("the password {0}")]
    Weak(#[from] Weakness),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<sqlx::Error> for ChangeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<HasherError> for ChangeError {
    fn from(error: HasherError) -> Self {
        Self::Reauth(error.into())
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::Reauth(ReauthError::WrongPassword) => wrong_password("current"),
            ChangeError::Reauth(error) => error.into(),
            ChangeError::Weak(weakness) => Self::invalid().field("new", weakness.to_string()),
            ChangeError::Db(error) => error.into(),
            ChangeError::Issue(error) => error.into(),
        }
    }
}

/// Why somebody is not believed to be who they say.
#[derive(Debug, thiserror::Error)]
pub enum ReauthError {
    /// The password is wrong.
    #[error("the password is wrong")]
    WrongPassword,
    /// Too many tries.
    #[error(transparent)]
    Throttle(#[from] ThrottleError),
    /// It could not be compared.
    #[error(transparent)]
    Hasher(#[from] HasherError),
}

impl From<ReauthError> for Problem {
    fn from(error: ReauthError) -> Self {
        match error {
            ReauthError::WrongPassword => wrong_password("password"),
            ReauthError::Throttle(error) => error.into(),
            ReauthError::Hasher(error) => error.into(),
        }
    }
}

/// Not 401: the token is as good as before.
fn wrong_password(field: &str) -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "wrong-password",
        "The password is wrong.",
    )
    .field(field, "is not your password")
}

/// Asks for the password once more before something that a stolen token shall not be enough for. Counted like logins.
pub async fn reauthenticate(
    app: &App,
    account: &Account,
    password: &Password,
) -> Result<(), ReauthError> {
    let bucket = bucket(app, "account", account.email.as_str()).map_err(ThrottleError::from)?;
    charge(app, &ACCOUNT, &bucket).await?;
    if password.is_absurd()
        || !app
            .hasher
            .matches(password, Some(&account.password_hash))
            .await?
    {
        return Err(ReauthError::WrongPassword);
    }
    let mut connection = app.pool.acquire().await.map_err(ThrottleError::from)?;
    throttles::give_back(&mut connection, &bucket)
        .await
        .map_err(ThrottleError::from)?;
    Ok(())
}

/// Changes the password. Every other session ends; the answer begins a new one.
#[utoipa::path(
    put, path = "/v1/me/password", tag = "accounts", request_body = PasswordInput, security(("token" = [])),
    responses((status = 200, body = SessionAnswer), Problems, BodyProblems)
)]
pub async fn change_password(
    State(app): State<App>,
    identity: Identity,
    device: Device,
    Json(input): Json<PasswordInput>,
) -> Result<Response, Problem> {
    let account = {
        let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
        own_account(&mut connection, &app, &identity).await?
    };
    let session = change(&app, &account, &device, &input).await?;
    app.follow_own_revocations().await;
    app.relay.ring();
    Ok(session.with_status(StatusCode::OK))
}

async fn change(
    app: &App,
    account: &Account,
    device: &Device,
    input: &PasswordInput,
) -> Result<SessionAnswer, ChangeError> {
    reauthenticate(app, account, &input.current).await?;
    password::check(&input.new, &account.email, &account.name)?;
    let hash = app.hasher.hash(&input.new).await?;
    let mut transaction = app.pool.begin().await?;
    accounts::lock(&mut transaction, account.id).await?;
    let account = accounts::find(&mut transaction, &app.sealer, account.id)
        .await?
        .filter(|now| !now.is_leaving && now.password_hash == account.password_hash)
        .ok_or(ReauthError::WrongPassword)?;
    set_password(&mut transaction, app, &account, &hash).await?;
    note(
        &mut transaction,
        app,
        account.id,
        "person.password_changed",
        account.id,
    )
    .await?;
    let session = issue_session::begin(&mut transaction, app, &account, device).await?;
    transaction.commit().await?;
    Ok(session)
}

/// Sets the password of a person that the transaction has locked: whoever was logged in is not any more, and no link in a mail works.
pub async fn set_password(
    connection: &mut MySqlConnection,
    app: &App,
    account: &Account,
    hash: &str,
) -> DbResult<()> {
    let now = app.clock.now();
    accounts::update_password(connection, account.id, hash).await?;
    resets::delete_of(connection, account.id).await?;
    sessions::revoke_all_of(connection, account.id, now).await?;
    accounts::revoke_tokens(connection, account.id, now).await?;
    throttles::clear(connection, &bucket(app, "account", account.email.as_str())?).await?;
    events::password_changed(connection, app, account.to()).await
}
