//! `POST /v1/orders/{id}/refunds`: staff give money back.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::StatusCode;
use kit::{
    Problem, audit,
    auth::Identity,
    extract::{Json, Path},
    idempotency::{self, Attempt, Key},
    mariadb::retrying,
    money::Money,
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::{
    App,
    change_order::{ATTEMPTS, ChangeError, GiveBack, give_back, save},
    invalid::Mistakes,
    open_order::{WRITE, lock_for_staff},
    view::RefundView,
};

/// How much goes back, and why.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundInput {
    /// In the order's currency; at most what was paid and is not promised back.
    pub amount: Money,
    /// For staff and the shopper's history.
    #[schema(min_length = 1, max_length = 200)]
    pub reason: String,
}

/// Gives money back.
#[utoipa::path(
    post, path = "/v1/orders/{id}/refunds", tag = "fulfillment", security(("token" = [])), request_body = RefundInput,
    params(("id" = Uuid, Path), ("Idempotency-Key" = String, Header, description = "the same for every attempt at the same refund")),
    responses(
        (status = 201, body = RefundView),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "More than was paid; or the same key is under way."),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, body = ProblemSchema, content_type = "application/problem+json", description = "The key was used for another request."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn refund_order(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
    key: Key,
    Json(input): Json<RefundInput>,
) -> Result<Response, Problem> {
    caller.require(WRITE)?;
    let mut mistakes = Mistakes::default();
    mistakes.require(
        input.amount.amount > 0,
        "amount.amount",
        "must be above zero",
    );
    let is_said = (1..=200).contains(&input.reason.trim().chars().count());
    mistakes.require(is_said, "reason", "must be 1 to 200 characters");
    mistakes.none()?;
    let request = idempotency::Request::new(
        "POST /v1/orders/{id}/refunds",
        caller.subject(),
        &key,
        &(id, &input),
    );
    let (refunding, caller) = (&app, &caller);
    idempotency::once(&app.pool, &app.clock, &request, |attempt| async move {
        let shown = refund(refunding, id, caller.subject(), &input, &attempt).await?;
        refunding.relay.ring();
        Ok((StatusCode::CREATED, Json(shown)).into_response())
    })
    .await
}

async fn refund(
    app: &App,
    id: Uuid,
    actor: &str,
    input: &RefundInput,
    attempt: &Attempt,
) -> Result<RefundView, ChangeError> {
    retrying(ATTEMPTS, || async {
        let mut transaction = app.pool.begin().await?;
        let mut order = lock_for_staff(&mut transaction, id).await?;
        if input.amount.currency != order.currency {
            let mut mistakes = Mistakes::default();
            mistakes.require(
                false,
                "amount.currency",
                format!("must be {}", order.currency),
            );
            return Err(mistakes.into());
        }
        let give = GiveBack {
            payment: order.payment_id,
            return_id: None,
            amount: input.amount,
            reason: input.reason.trim(),
            of_order: true,
            actor,
        };
        let refund = give_back(app, &mut transaction, &order, give).await?;
        save(&mut transaction, &mut order).await?;
        let details = json!({"refund_id": refund.id, "amount": refund.amount});
        audit::record(
            &mut transaction,
            &app.clock,
            actor,
            "order.refund",
            &id.to_string(),
            &details,
        )
        .await?;
        let shown = RefundView::from(refund);
        attempt
            .finish(&mut transaction, StatusCode::CREATED, &shown)
            .await
            .map_err(ChangeError::Answer)?;
        transaction.commit().await?;
        Ok(shown)
    })
    .await
}
