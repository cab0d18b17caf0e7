//! `POST /v1/sessions`: e-mail address, password and, where asked for, a second factor.

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{Problem, extract::Json};
use serde::Deserialize;

use crate::{
    App,
    db::{
        DbError,
        accounts::{self, Account},
        throttles,
    },
    email::Email,
    hash_password::HasherError,
    issue_session::{self, Device, IssueError, SessionAnswer},
    note_audit::note,
    password::Password,
    routes::{BodyProblems, Problems},
    throttle::{ACCOUNT, CLIENT},
    throttle_attempts::{Client, ThrottleError, bucket, charge, check, client_bucket},
    verify_factor::{Proof, verify_factor},
};

/// Who logs in.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogInInput {
    #[schema(max_length = 254)]
    email: String,
    password: Password,
    /// The code of the app, or a recovery code; asked for with `/problems/second-factor-required`.
    #[schema(max_length = 40)]
    totp: Option<String>,
}

/// Why somebody is not let in.
#[derive(Debug, thiserror::Error)]
pub enum LogInError {
    /// No such account, or not its password, or not its second factor: never told which.
    #[error("wrong credentials")]
    WrongCredentials,
    /// The password was right; there is more to prove.
    #[error("the second factor is missing")]
    SecondFactorRequired,
    /// Later.
    #[error(transparent)]
    Throttle(#[from] ThrottleError),
    /// Passwords could not be compared.
    #[error(transparent)]
    Hasher(#[from] HasherError),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// There are no tokens.
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<sqlx::Error> for LogInError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<LogInError> for Problem {
    fn from(error: LogInError) -> Self {
        match error {
            LogInError::WrongCredentials => Self::new(
                StatusCode::UNAUTHORIZED,
                "wrong-credentials",
                "The e-mail address, the password or the code is wrong.",
            ),
            LogInError::SecondFactorRequired => Self::new(
                StatusCode::UNAUTHORIZED,
                "second-factor-required",
                "Enter the code from your authenticator app.",
            )
            .field("totp", "is needed to log in to this account"),
            LogInError::Throttle(error) => error.into(),
            LogInError::Hasher(error) => error.into(),
            LogInError::Db(error) => error.into(),
            LogInError::Issue(error) => error.into(),
        }
    }
}

/// Logs in.
#[utoipa::path(
    post, path = "/v1/sessions", tag = "sessions", request_body = LogInInput,
    responses((status = 201, body = SessionAnswer), Problems, BodyProblems)
)]
pub async fn log_in(
    State(app): State<App>,
    client: Client,
    device: Device,
    Json(input): Json<LogInInput>,
) -> Result<Response, Problem> {
    let session = let_in(&app, &client, &device, &input).await?;
    Ok(session.with_status(StatusCode::CREATED))
}

async fn let_in(
    app: &App,
    client: &Client,
    device: &Device,
    input: &LogInInput,
) -> Result<SessionAnswer, LogInError> {
    let client_bucket = client_bucket(app, "login", client)?;
    check(app, &CLIENT, &client_bucket).await?;
    let email = Email::parse(&input.email).ok_or(LogInError::WrongCredentials)?;
    if input.password.is_absurd() {
        return Err(LogInError::WrongCredentials);
    }
    let account_bucket = bucket(app, "account", email.as_str())?;
    charge(app, &ACCOUNT, &account_bucket).await?;

    let account = {
        let mut connection = app.pool.acquire().await?;
        let email_index = app.email_index(&email)?;
        accounts::find_by_email(&mut connection, &app.sealer, &email_index).await?
    };
    // No connection is kept meanwhile: comparing takes longer than all the rest.
    let kept = account
        .as_ref()
        .map(|account| account.password_hash.as_str());
    let matches = app.hasher.matches(&input.password, kept).await?;
    let outcome = match account.filter(|_| matches) {
        Some(account) => begin(app, &account, device, input, &account_bucket).await,
        None => Err(LogInError::WrongCredentials),
    };
    if let Err(LogInError::WrongCredentials) = outcome {
        charge(app, &CLIENT, &client_bucket).await?;
    }
    outcome
}

/// The password was right.
async fn begin(
    app: &App,
    account: &Account,
    device: &Device,
    input: &LogInInput,
    account_bucket: &throttles::Bucket,
) -> Result<SessionAnswer, LogInError> {
    let new_hash = if app.hasher.is_outdated(&account.password_hash) {
        Some(app.hasher.hash(&input.password).await?)
    } else {
        None
    };
    let mut transaction = app.pool.begin().await?;
    if !accounts::lock(&mut transaction, account.id).await? {
        return Err(LogInError::WrongCredentials);
    }
    let seen = &account.password_hash;
    // As it is now that nobody else can change it: the password may have been reset while it was compared.
    let account = accounts::find(&mut transaction, &app.sealer, account.id)
        .await?
        .filter(|account| !account.is_leaving && account.password_hash == *seen)
        .ok_or(LogInError::WrongCredentials)?;
    match verify_factor(&mut transaction, app, &account, input.totp.as_deref()).await? {
        Proof::NotNeeded | Proof::Code => {}
        Proof::RecoveryCode => {
            note(
                &mut transaction,
                app,
                account.id,
                "person.recovery_code_used",
                account.id,
            )
            .await?;
        }
        Proof::Missing => {
            // Half a login is no failure. Nor is it a success, which would give back what wrong codes have cost.
            throttles::give_back(&mut transaction, account_bucket).await?;
            transaction.commit().await?;
            return Err(LogInError::SecondFactorRequired);
        }
        Proof::Wrong => return Err(LogInError::WrongCredentials),
    }
    if let Some(hash) = new_hash {
        accounts::rehash(&mut transaction, &account, &hash).await?;
    }
    throttles::clear(&mut transaction, account_bucket).await?;
    let session = issue_session::begin(&mut transaction, app, &account, device).await?;
    transaction.commit().await?;
    Ok(session)
}
