//! `DELETE /v1/payments/{id}/problem`: staff have seen to it. What happened stays in the books, and who saw to it in the audit trail.

use axum::extract::State;
use http::StatusCode;
use kit::{Problem, audit, auth::Identity, extract::Path, mariadb, problem::ProblemSchema};
use serde_json::json;
use uuid::Uuid;

use crate::{
    App,
    db::{payments, standings},
    read_payment::not_found,
    schedule::next_look,
};

const WRITE: &str = "payments:write";

/// Takes a payment off the list of those that need a look.
#[utoipa::path(
    delete, path = "/v1/payments/{id}/problem", tag = "staff", security(("token" = [])),
    params(("id" = Uuid, Path, description = "the payment")),
    responses(
        (status = 204, description = "also when there was none"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn resolve_problem(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
) -> Result<StatusCode, Problem> {
    caller.require(WRITE)?;
    let is_known = resolve(&app, id, caller.subject())
        .await
        .map_err(mariadb::unavailable)?;
    if is_known {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(not_found())
    }
}

async fn resolve(app: &App, id: Uuid, actor: &str) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    let Some(mut payment) = payments::lock(&mut transaction, id).await? else {
        return Ok(false);
    };
    let Some(trouble) = payment.trouble.take() else {
        return Ok(true);
    };
    let standing = standings::read(&mut transaction, payment.order_id).await?;
    let look = next_look(&payment, &standing, now);
    payments::save(&mut transaction, &payment, look, now).await?;
    let details = json!({"problem": trouble});
    audit::record(
        &mut transaction,
        &app.clock,
        actor,
        "payment.resolve",
        &id.to_string(),
        &details,
    )
    .await?;
    transaction.commit().await?;
    Ok(true)
}
