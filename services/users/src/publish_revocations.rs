//! `GET /internal/v1/revocations`: whose access tokens are refused before they end. Every service asks once a second.

use std::collections::BTreeMap;

use axum::extract::State;
use kit::{Problem, extract::Json};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App,
    db::{DbResult, accounts},
    routes::Problems,
};

/// How far back the list goes, in seconds: further than a token can live.
pub const REACH: i64 = 15 * 60;

/// Who is refused.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Revocations {
    /// The second that the list begins with.
    pub since: i64,
    /// Of each person: tokens issued before this second are refused.
    pub people: BTreeMap<Uuid, i64>,
}

/// Tells whose tokens are refused. It names nobody, and says nothing that a token could not be tried for.
#[utoipa::path(get, path = "/internal/v1/revocations", tag = "internal", responses((status = 200, body = Revocations), Problems))]
pub async fn publish_revocations(State(app): State<App>) -> Result<Json<Revocations>, Problem> {
    Ok(Json(current(&app).await?))
}

/// Whose tokens are refused as of now.
pub async fn current(app: &App) -> DbResult<Revocations> {
    let mut connection = app.pool.acquire().await?;
    let since = app.clock.now().as_second().saturating_sub(REACH);
    let people = accounts::revocations(&mut connection, since).await?;
    Ok(Revocations {
        since,
        people: people.into_iter().collect(),
    })
}
