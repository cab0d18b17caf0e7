//! `GET /v1/dead-letters` and `POST /v1/dead-letters/{id}/replay`: events that a neighbor refused for good.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem,
    auth::Identity,
    extract::{Json, Path, Query},
    outbox::DeadLetter,
    page::{Page, PageQuery},
    problem::ProblemSchema,
};
use uuid::Uuid;

use crate::App;

/// Lists events that were refused, by who refused them.
#[utoipa::path(
    get, path = "/v1/dead-letters", tag = "staff", security(("token" = [])), params(PageQuery),
    responses(
        (status = 200, body = Page<DeadLetter>),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
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
    post, path = "/v1/dead-letters/{id}/replay", tag = "staff", security(("token" = [])), params(("id" = Uuid, Path)),
    responses(
        (status = 202),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn replay_dead_letter(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
) -> Result<StatusCode, Problem> {
    app.relay.replay_dead_letter(&caller, id).await?;
    Ok(StatusCode::ACCEPTED)
}
