//! Ending sessions: this one, another one, all of them.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path},
    mariadb,
};
use uuid::Uuid;

use crate::{
    App,
    db::{DbError, DbResult, accounts, sessions},
    issue_session::caller,
    refresh_session::RefreshInput,
    routes::{BodyProblems, Problems},
};

/// Logs out. A token that is not known, or was used before, is logged out already.
#[utoipa::path(
    post, path = "/v1/sessions/logout", tag = "sessions", request_body = RefreshInput,
    responses((status = 204), Problems, BodyProblems)
)]
pub async fn log_out(
    State(app): State<App>,
    Json(input): Json<RefreshInput>,
) -> Result<StatusCode, Problem> {
    mariadb::retrying(3, || end(&app, &input)).await?;
    app.follow_own_revocations().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn end(app: &App, input: &RefreshInput) -> DbResult<()> {
    let Some(hash) = input.refresh_token.hash() else {
        return Ok(());
    };
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    let Some((session, person)) = sessions::owner(&mut transaction, &hash).await? else {
        return Ok(());
    };
    accounts::lock(&mut transaction, person).await?;
    if sessions::revoke(&mut transaction, session, now).await? {
        // Access tokens don't say which session they are of. Other sessions get a new one with their refresh token.
        accounts::revoke_tokens(&mut transaction, person, now).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Ends one of the caller's sessions.
#[utoipa::path(
    delete, path = "/v1/me/sessions/{id}", tag = "sessions", params(("id" = Uuid, Path)), security(("token" = [])),
    responses((status = 204), Problems)
)]
pub async fn end_session(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    identity: Identity,
) -> Result<StatusCode, Problem> {
    let person = caller(&identity)?;
    let ended = mariadb::retrying(3, || end_one(&app, person, id)).await?;
    if !ended {
        return Err(Problem::not_found(
            "session-not-found",
            "There is no such session.",
        ));
    }
    app.follow_own_revocations().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_one(app: &App, person: Uuid, session: Uuid) -> DbResult<bool> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    accounts::lock(&mut transaction, person).await?;
    let ended = sessions::revoke_one_of(&mut transaction, person, session, now).await?;
    if ended {
        accounts::revoke_tokens(&mut transaction, person, now).await?;
    }
    transaction.commit().await?;
    Ok(ended)
}

/// Ends all of the caller's sessions, this one too.
#[utoipa::path(
    delete, path = "/v1/me/sessions", tag = "sessions", security(("token" = [])),
    responses((status = 204), Problems)
)]
pub async fn log_out_everywhere(
    State(app): State<App>,
    identity: Identity,
) -> Result<StatusCode, Problem> {
    let person = caller(&identity)?;
    mariadb::retrying(3, || end_all(&app, person)).await?;
    app.follow_own_revocations().await;
    Ok(StatusCode::NO_CONTENT)
}

async fn end_all(app: &App, person: Uuid) -> DbResult<()> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await.map_err(DbError::from)?;
    accounts::lock(&mut transaction, person).await?;
    sessions::revoke_all_of(&mut transaction, person, now).await?;
    accounts::revoke_tokens(&mut transaction, person, now).await?;
    transaction.commit().await?;
    Ok(())
}
