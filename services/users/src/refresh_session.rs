//! `POST /v1/sessions/refresh`: a refresh token for the next pair of tokens.

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{Problem, clock::random_bytes, extract::Json, mariadb};
use serde::Deserialize;

use crate::{
    App,
    db::{DbError, accounts, sessions},
    issue_session::{self, IssueError, SessionAnswer},
    note_audit::note,
    routes::{BodyProblems, Problems},
    secret::Secret,
    session::{Verdict, judge},
};

/// A refresh token.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshInput {
    /// As it came with the access token.
    pub refresh_token: Secret,
}

/// Why a session does not go on.
#[derive(Debug, thiserror::Error)]
enum RefreshError {
    #[error("the refresh token is unknown, or its session is over")]
    Over,
    #[error("a used refresh token came again: its session was ended")]
    Replayed,
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Issue(#[from] IssueError),
}

impl From<sqlx::Error> for RefreshError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<RefreshError> for Problem {
    fn from(error: RefreshError) -> Self {
        match error {
            RefreshError::Over | RefreshError::Replayed => over().with_source(error),
            RefreshError::Db(error) => error.into(),
            RefreshError::Issue(error) => error.into(),
        }
    }
}

/// A session that does not go on, whatever the reason: thieves learn nothing.
fn over() -> Problem {
    Problem::new(
        StatusCode::UNAUTHORIZED,
        "session-over",
        "The session is over. Log in again.",
    )
}

/// Exchanges a refresh token. Each can be used once; within ten seconds it gives the same answer again, in case that was lost.
#[utoipa::path(
    post, path = "/v1/sessions/refresh", tag = "sessions", request_body = RefreshInput,
    responses((status = 200, body = SessionAnswer), Problems, BodyProblems)
)]
pub async fn refresh_session(
    State(app): State<App>,
    Json(input): Json<RefreshInput>,
) -> Result<Response, Problem> {
    let session = mariadb::retrying(3, || exchange(&app, &input.refresh_token)).await?;
    Ok(session.with_status(StatusCode::OK))
}

async fn exchange(app: &App, token: &Secret) -> Result<SessionAnswer, RefreshError> {
    let hash = token.hash().ok_or(RefreshError::Over)?;
    let mut transaction = app.pool.begin().await?;
    let (session, person) = sessions::owner(&mut transaction, &hash)
        .await?
        .ok_or(RefreshError::Over)?;
    // Roles and revocations stay as they are until the token is signed.
    if !accounts::hold(&mut transaction, person).await? {
        return Err(RefreshError::Over);
    }
    let family = sessions::lock(&mut transaction, session)
        .await?
        .ok_or(RefreshError::Over)?;
    let (presented, nonce) = sessions::token(&mut transaction, &hash)
        .await?
        .ok_or(RefreshError::Over)?;
    let now = app.clock.now();
    let successor = match (judge(&family, &presented, now), nonce) {
        (Verdict::Rotate, _) => {
            let nonce = random_bytes();
            let successor = token.successor(&nonce);
            let next = successor.hash().ok_or(RefreshError::Over)?;
            sessions::insert_token(&mut transaction, session, &next).await?;
            sessions::use_token(&mut transaction, &hash, now, &nonce, &next).await?;
            sessions::touch(&mut transaction, session, now).await?;
            successor
        }
        (Verdict::Repeat, Some(nonce)) => token.successor(&nonce),
        (Verdict::Replayed | Verdict::Repeat, _) => {
            sessions::revoke(&mut transaction, session, now).await?;
            accounts::revoke_tokens(&mut transaction, person, now).await?;
            note(&mut transaction, app, person, "session.replayed", person).await?;
            transaction.commit().await?;
            app.follow_own_revocations().await;
            return Err(RefreshError::Replayed);
        }
        (Verdict::Ended, _) => return Err(RefreshError::Over),
    };
    let account = accounts::find(&mut transaction, &app.sealer, person)
        .await?
        .filter(|account| !account.is_leaving)
        .ok_or(RefreshError::Over)?;
    let answer = issue_session::answer(&mut transaction, app, &account, successor).await?;
    transaction.commit().await?;
    Ok(answer)
}
