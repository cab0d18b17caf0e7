//! `GET /v1/users/dead-letters` and `POST /v1/users/dead-letters/{id}/replay`: mails that notifications refused for good. Below
//! users, because the shop's own `/v1/dead-letters` is that of orders.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path, Query},
    outbox::DeadLetter,
    page::{Page, PageQuery},
};
use uuid::Uuid;

use crate::{App, routes::Problems};

/// Lists events that were refused, by who refused them. What they say is not shown.
#[utoipa::path(
    get, path = "/v1/users/dead-letters", tag = "staff", params(PageQuery), security(("token" = [])),
    responses((status = 200, body = Page<DeadLetter>), Problems)
)]
pub async fn list_dead_letters(
    State(app): State<App>,
    caller: Identity,
    Query(query): Query<PageQuery>,
) -> Result<Json<Page<DeadLetter>>, Problem> {
    app.relay.list_dead_letters(&caller, &query).await.map(Json)
}

/// Sends one again.
#[utoipa::path(
    post, path = "/v1/users/dead-letters/{id}/replay", tag = "staff", params(("id" = Uuid, Path)), security(("token" = [])),
    responses((status = 202, description = "It is sent again."), Problems)
)]
pub async fn replay_dead_letter(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
) -> Result<StatusCode, Problem> {
    app.relay.replay_dead_letter(&caller, id).await?;
    Ok(StatusCode::ACCEPTED)
}
