//! `POST /v1/password-resets` and its confirmation: for who forgot the password.

use axum::extract::State;
use http::StatusCode;
use jiff::SignedDuration;
use kit::{Problem, clock::random_bytes, extract::Json};
use serde::Deserialize;

use crate::{
    App,
    answer_evenly::answer_evenly,
    change_password::set_password,
    db::{DbError, accounts, resets},
    email::{Email, NOT_AN_EMAIL},
    events,
    hash_password::HasherError,
    note_audit::note,
    password::{self, Password, Weakness},
    register_person::{MailSent, token_not_valid},
    routes::{BodyProblems, Problems},
    secret::Secret,
    session::later,
    throttle::{MAIL, MAILING_CLIENT},
    throttle_attempts::{Client, ThrottleError, bucket, charge, charge_in, client_bucket},
};

/// How long the link works.
const TTL: SignedDuration = SignedDuration::from_mins(30);

/// Who forgot the password.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ResetInput {
    #[schema(max_length = 254)]
    email: String,
}

/// Another password, by the token in the mail.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasswordInput {
    token: Secret,
    /// At least 8 characters, and none of the most used ones.
    password: Password,
}

/// Why the password was not reset.
#[derive(Debug, thiserror::Error)]
enum ResetError {
    #[error("the token is unknown, was used, or is too old")]
    Token,
    #[error("the password {0}")]
    Weak(#[from] Weakness),
    #[error(transparent)]
    Throttle(#[from] ThrottleError),
    #[error(transparent)]
    Hasher(#[from] HasherError),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for ResetError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<ResetError> for Problem {
    fn from(error: ResetError) -> Self {
        match error {
            ResetError::Token => token_not_valid(),
            ResetError::Weak(weakness) => Self::invalid().field("password", weakness.to_string()),
            ResetError::Throttle(error) => error.into(),
            ResetError::Hasher(error) => error.into(),
            ResetError::Db(error) => error.into(),
        }
    }
}

/// Asks for a link by which another password can be chosen. The rest is in the mail.
#[utoipa::path(
    post, path = "/v1/password-resets", tag = "accounts", request_body = ResetInput,
    responses((status = 202, body = MailSent, description = "The same whether or not the address has an account."), Problems, BodyProblems)
)]
pub async fn request_reset(
    State(app): State<App>,
    client: Client,
    Json(input): Json<ResetInput>,
) -> Result<(StatusCode, Json<MailSent>), Problem> {
    let email = Email::parse(&input.email)
        .ok_or_else(|| Problem::invalid().field("email", NOT_AN_EMAIL))?;
    let attempt = async {
        charge(
            &app,
            &MAILING_CLIENT,
            &client_bucket(&app, "mails", &client)?,
        )
        .await?;
        keep(&app, &email).await
    };
    answer_evenly(attempt).await?;
    app.relay.ring();
    let message =
        "If this address has an account, we have sent a mail to it. Follow the link in it.";
    Ok((StatusCode::ACCEPTED, Json(MailSent { message })))
}

async fn keep(app: &App, email: &Email) -> Result<(), ResetError> {
    let now = app.clock.now();
    let token = Secret::from_bytes(random_bytes());
    let hash = token.hash().ok_or(ResetError::Token)?;
    let email_index = app.email_index(email)?;
    let mut transaction = app.pool.begin().await?;
    let may_mail = charge_in(
        &mut transaction,
        app,
        &MAIL,
        &bucket(app, "mail", email.as_str())?,
    )
    .await?;
    let account = accounts::find_by_email(&mut transaction, &app.sealer, &email_index).await?;
    let person = account.as_ref().map(|account| account.id);
    resets::insert(&mut transaction, &hash, person, later(now, TTL)).await?;
    if let (Ok(()), Some(account)) = (may_mail, account) {
        events::password_reset_requested(&mut transaction, app, account.to(), &token).await?;
        note(
            &mut transaction,
            app,
            account.id,
            "person.reset_requested",
            account.id,
        )
        .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Chooses another password. Every session ends, and a second factor is still asked for at the next login.
#[utoipa::path(
    post, path = "/v1/password-resets/confirm", tag = "accounts", request_body = NewPasswordInput,
    responses((status = 204), Problems, BodyProblems)
)]
pub async fn confirm_reset(
    State(app): State<App>,
    Json(input): Json<NewPasswordInput>,
) -> Result<StatusCode, Problem> {
    reset(&app, &input).await?;
    app.follow_own_revocations().await;
    app.relay.ring();
    Ok(StatusCode::NO_CONTENT)
}

async fn reset(app: &App, input: &NewPasswordInput) -> Result<(), ResetError> {
    let token = input.token.hash().ok_or(ResetError::Token)?;
    let now = app.clock.now();
    // Looked at first, so that guesses cost no hash.
    let account = {
        let mut connection = app.pool.acquire().await?;
        let person = resets::find(&mut connection, &token, now)
            .await?
            .ok_or(ResetError::Token)?;
        accounts::find(&mut connection, &app.sealer, person)
            .await?
            .filter(|account| !account.is_leaving)
            .ok_or(ResetError::Token)?
    };
    password::check(&input.password, &account.email, &account.name)?;
    let hash = app.hasher.hash(&input.password).await?;
    let mut transaction = app.pool.begin().await?;
    accounts::lock(&mut transaction, account.id).await?;
    // Whoever came second with the same link finds it used.
    if resets::find(&mut transaction, &token, now).await? != Some(account.id) {
        return Err(ResetError::Token);
    }
    set_password(&mut transaction, app, &account, &hash).await?;
    note(
        &mut transaction,
        app,
        account.id,
        "person.password_reset",
        account.id,
    )
    .await?;
    transaction.commit().await?;
    Ok(())
}
