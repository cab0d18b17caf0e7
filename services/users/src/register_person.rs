//! `POST /v1/registrations` and its confirmation.
//!
//! Whether an address has an account is nobody's business but its owner's. So the answer is the same, the work is the same, and the mail
//! tells the rest.

use axum::{extract::State, response::Response};
use http::StatusCode;
use jiff::SignedDuration;
use kit::{Problem, clock::random_bytes, extract::Json};
use serde::{Deserialize, Serialize};

use crate::{
    App,
    answer_evenly::answer_evenly,
    db::{
        DbError, accounts,
        registrations::{self, Registration},
        sealed,
    },
    email::{Email, NOT_AN_EMAIL},
    events::{self, To},
    hash_password::HasherError,
    issue_session::{self, Device, IssueError, SessionAnswer},
    note_audit::note,
    password::{self, Password},
    person::{self, Locale},
    routes::{BodyProblems, Problems},
    secret::Secret,
    session::later,
    throttle::{MAIL, MAILING_CLIENT},
    throttle_attempts::{Client, ThrottleError, bucket, charge, charge_in, client_bucket},
};

/// How long the link works.
const TTL: SignedDuration = SignedDuration::from_hours(24);

/// Who wants an account.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegistrationInput {
    #[schema(max_length = 254)]
    email: String,
    /// At least 8 characters, and none of the most used ones.
    password: Password,
    #[schema(max_length = 100)]
    name: String,
    #[serde(default)]
    locale: Locale,
}

/// What everybody is told who registers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MailSent {
    /// What happens next.
    pub message: &'static str,
}

/// A token from a mail.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenInput {
    token: Secret,
}

/// Why nobody was registered.
#[derive(Debug, thiserror::Error)]
enum RegisterError {
    #[error(transparent)]
    Throttle(#[from] ThrottleError),
    #[error(transparent)]
    Hasher(#[from] HasherError),
    #[error(transparent)]
    Issue(#[from] IssueError),
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("the token is unknown, was used, or is too old")]
    Token,
}

impl From<sqlx::Error> for RegisterError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<RegisterError> for Problem {
    fn from(error: RegisterError) -> Self {
        match error {
            RegisterError::Throttle(error) => error.into(),
            RegisterError::Hasher(error) => error.into(),
            RegisterError::Issue(error) => error.into(),
            RegisterError::Db(error) => error.into(),
            RegisterError::Token => token_not_valid(),
        }
    }
}

/// What is said of a link that does not work.
pub fn token_not_valid() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "token-not-valid",
        "This link does not work: it was used, or is too old.",
    )
    .field("token", "was used, is too old, or was never ours")
}

/// Asks for an account. The rest is in the mail.
#[utoipa::path(
    post, path = "/v1/registrations", tag = "accounts", request_body = RegistrationInput,
    responses((status = 202, body = MailSent, description = "The same whether or not the address has an account."), Problems, BodyProblems)
)]
pub async fn register(
    State(app): State<App>,
    client: Client,
    Json(input): Json<RegistrationInput>,
) -> Result<(StatusCode, Json<MailSent>), Problem> {
    let (email, name) = checked(&input)?;
    let attempt = async {
        charge(
            &app,
            &MAILING_CLIENT,
            &client_bucket(&app, "mails", &client)?,
        )
        .await?;
        let password_hash = app.hasher.hash(&input.password).await?;
        keep(&app, email, name, input.locale, password_hash).await
    };
    answer_evenly(attempt).await?;
    app.relay.ring();
    let message = "We have sent a mail to this address. Follow the link in it.";
    Ok((StatusCode::ACCEPTED, Json(MailSent { message })))
}

fn checked(input: &RegistrationInput) -> Result<(Email, String), Problem> {
    let mut problem = Problem::invalid();
    let email = Email::parse(&input.email);
    let name = person::name(&input.name);
    if let Err(detail) = name {
        problem = problem.field("name", detail);
    }
    if let Some(Err(weakness)) = email
        .as_ref()
        .map(|email| password::check(&input.password, email, &input.name))
    {
        problem = problem.field("password", weakness.to_string());
    }
    match (email, name) {
        (Some(email), Ok(name)) if problem.errors().is_empty() => Ok((email, name)),
        (None, _) => Err(problem.field("email", NOT_AN_EMAIL)),
        _ => Err(problem),
    }
}

async fn keep(
    app: &App,
    email: Email,
    name: String,
    locale: Locale,
    password_hash: String,
) -> Result<(), RegisterError> {
    let now = app.clock.now();
    let email_index = app.email_index(&email)?;
    let token = Secret::from_bytes(random_bytes());
    let id = app.clock.uuid();
    let mut transaction = app.pool.begin().await?;
    let may_mail = charge_in(
        &mut transaction,
        app,
        &MAIL,
        &bucket(app, "mail", email.as_str())?,
    )
    .await?;
    let account = accounts::find_by_email(&mut transaction, &app.sealer, &email_index).await?;
    // Kept for an address that has an account as well, under a token that nobody is told.
    let key = sealed::new_key(&mut transaction, &app.sealer, id).await?;
    let registration = Registration {
        id,
        email,
        email_index,
        name,
        locale,
        password_hash,
    };
    let hash = token.hash().ok_or(RegisterError::Token)?;
    registrations::insert(
        &mut transaction,
        &key,
        &registration,
        &hash,
        later(now, TTL),
    )
    .await?;
    // Who has our mails sent again and again to somebody gets the same answer, and the other is left in peace.
    match (may_mail, account) {
        (Err(_too_many), _) => {}
        (Ok(()), None) => {
            let to = To {
                person: id,
                email: &registration.email,
                name: &registration.name,
                locale,
            };
            events::registered(&mut transaction, app, to, &token).await?;
        }
        (Ok(()), Some(account)) => {
            events::registration_repeated(&mut transaction, app, account.to()).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// Proves that the address is theirs, which makes the account, and logs in.
#[utoipa::path(
    post, path = "/v1/registrations/confirm", tag = "accounts", request_body = TokenInput,
    responses((status = 200, body = SessionAnswer), Problems, BodyProblems)
)]
pub async fn confirm_registration(
    State(app): State<App>,
    device: Device,
    Json(input): Json<TokenInput>,
) -> Result<Response, Problem> {
    let session = confirm(&app, &device, &input.token).await?;
    Ok(session.with_status(StatusCode::OK))
}

async fn confirm(
    app: &App,
    device: &Device,
    token: &Secret,
) -> Result<SessionAnswer, RegisterError> {
    let now = app.clock.now();
    let hash = token.hash().ok_or(RegisterError::Token)?;
    let mut transaction = app.pool.begin().await?;
    let (registration, key) = registrations::take(&mut transaction, &app.sealer, &hash, now)
        .await?
        .ok_or(RegisterError::Token)?;
    let new = accounts::NewAccount {
        id: registration.id,
        email: &registration.email,
        email_index: registration.email_index,
        name: &registration.name,
        locale: registration.locale,
        password_hash: &registration.password_hash,
        at: now,
    };
    match accounts::insert(&mut transaction, &key, &new).await {
        // Registered twice, and confirmed with the other link.
        Err(error) if error.constraint().as_deref() == Some("person_email") => {
            return Err(RegisterError::Token);
        }
        inserted => inserted?,
    }
    registrations::delete(&mut transaction, registration.id).await?;
    // The others can't be confirmed any more.
    for other in registrations::of_email(&mut transaction, &registration.email_index).await? {
        registrations::delete(&mut transaction, other).await?;
        sealed::forget_key(&mut transaction, other).await?;
    }
    let account = accounts::find(&mut transaction, &app.sealer, registration.id)
        .await?
        .ok_or(DbError::Unreadable("person"))?;
    note(
        &mut transaction,
        app,
        account.id,
        "person.registered",
        account.id,
    )
    .await?;
    let session = issue_session::begin(&mut transaction, app, &account, device).await?;
    transaction.commit().await?;
    Ok(session)
}
