//! `DELETE /v1/me`: somebody wants to be forgotten.
//!
//! The account is closed at once. Every service is then asked to forget, again and again until it has answered
//! ([`carry_out_erasures`](crate::carry_out_erasures)); only then goes what is needed to ask them.

use axum::extract::State;
use http::StatusCode;
use kit::{Problem, auth::Identity, extract::Json, mariadb};
use serde::Deserialize;

use crate::{
    App,
    change_password::reauthenticate,
    db::{
        DbError,
        accounts::{self, Account},
        erasures, roles, sessions,
    },
    issue_session::own_account,
    note_audit::note,
    password::Password,
    role::{Refusal, Role},
    routes::{BodyProblems, Problems},
};

/// The password, once more.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EraseInput {
    password: Password,
}

#[derive(Debug, thiserror::Error)]
enum EraseError {
    #[error(transparent)]
    LastAdmin(Refusal),
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<sqlx::Error> for EraseError {
    fn from(error: sqlx::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<EraseError> for Problem {
    fn from(error: EraseError) -> Self {
        match error {
            EraseError::LastAdmin(refusal) => Self::new(
                StatusCode::CONFLICT,
                "last-admin",
                "The last admin can't be taken away.",
            )
            .detail(format!("{refusal}: make somebody else admin first")),
            EraseError::Db(error) => error.into(),
        }
    }
}

/// Erases the caller: the account at once, everything else as soon as each service has answered.
#[utoipa::path(
    delete, path = "/v1/me", tag = "accounts", request_body = EraseInput, security(("token" = [])),
    responses((status = 202, description = "It is under way. A mail says when nothing is left."), Problems, BodyProblems)
)]
pub async fn erase_me(
    State(app): State<App>,
    identity: Identity,
    Json(input): Json<EraseInput>,
) -> Result<StatusCode, Problem> {
    let account = {
        let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
        own_account(&mut connection, &app, &identity).await?
    };
    reauthenticate(&app, &account, &input.password).await?;
    mariadb::retrying(3, || close(&app, &account)).await?;
    app.follow_own_revocations().await;
    app.erasure_asked.notify_one();
    Ok(StatusCode::ACCEPTED)
}

async fn close(app: &App, account: &Account) -> Result<(), EraseError> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    if account.roles.contains(Role::Admin)
        && roles::others_with(&mut transaction, Role::Admin, account.id).await? == 0
    {
        return Err(EraseError::LastAdmin(Refusal::LastAdmin));
    }
    accounts::lock(&mut transaction, account.id).await?;
    let is_first = accounts::find(&mut transaction, &app.sealer, account.id)
        .await?
        .is_some_and(|account| !account.is_leaving);
    if !is_first {
        return Ok(());
    }
    accounts::leave(&mut transaction, account.id, now).await?;
    sessions::revoke_all_of(&mut transaction, account.id, now).await?;
    accounts::revoke_tokens(&mut transaction, account.id, now).await?;
    let services: Vec<&str> = app
        .people_services
        .iter()
        .map(|service| service.name.as_str())
        .collect();
    erasures::insert(&mut transaction, account.id, &services, now).await?;
    note(
        &mut transaction,
        app,
        account.id,
        "person.erasure_asked",
        account.id,
    )
    .await?;
    transaction.commit().await?;
    Ok(())
}
