//! `GET /v1/payments/dead-letters` and `POST /v1/payments/dead-letters/{id}/replay`: events that orders refused for good. Below
//! payments, because the shop's own `/v1/dead-letters` is that of orders.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem, audit,
    auth::Identity,
    extract::{Json, Path, Query},
    mariadb,
    outbox::{self, DeadLetter},
    page::{Page, PageQuery},
    problem::ProblemSchema,
};
use serde_json::json;
use uuid::Uuid;

use crate::App;

const WRITE: &str = "events:write";

/// Lists events that were refused, by who refused them.
#[utoipa::path(
    get, path = "/v1/payments/dead-letters", tag = "staff", security(("token" = [])), params(PageQuery),
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
    caller.require(WRITE)?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    outbox::dead_letters(&mut connection, &query)
        .await
        .map(Json)
}

/// Sends one again.
#[utoipa::path(
    post, path = "/v1/payments/dead-letters/{id}/replay", tag = "staff", security(("token" = [])), params(("id" = Uuid, Path)),
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
    caller.require(WRITE)?;
    let replayed = async {
        let mut transaction = app.pool.begin().await?;
        let is_known = outbox::replay(&mut transaction, id).await?;
        if is_known {
            audit::record(
                &mut transaction,
                &app.clock,
                caller.subject(),
                "event.replay",
                &id.to_string(),
                &json!({}),
            )
            .await?;
        }
        transaction.commit().await?;
        Ok(is_known)
    };
    let is_known: Result<bool, sqlx::Error> = replayed.await;
    if is_known.map_err(mariadb::unavailable)? {
        app.relay.ring();
        return Ok(StatusCode::ACCEPTED);
    }
    Err(Problem::not_found(
        "dead-letter-not-found",
        "There is no such dead letter.",
    ))
}
