//! `POST /v1/payments/{id}/sync`: the shopper is back, and nobody knows yet whether the webhook was faster. The provider is asked, and what it
//! says ends in the same function as the webhook.

use axum::{extract::State, response::Response};
use http::HeaderMap;
use kit::{Problem, auth::Identity, extract::Path, mariadb, problem::ProblemSchema};
use uuid::Uuid;

use crate::{
    App,
    advance_payment::{AdvanceError, advance},
    read_payment::{answer, find, not_found},
    view::PaymentView,
};

impl From<AdvanceError> for Problem {
    fn from(error: AdvanceError) -> Self {
        match error {
            AdvanceError::Database(error) => mariadb::unavailable(error),
            AdvanceError::Provider(error) => Self::new(
                http::StatusCode::SERVICE_UNAVAILABLE,
                "provider-unavailable",
                "The payment provider does not answer at the moment. Nothing is lost: try again in a moment.",
            )
            .header(http::header::RETRY_AFTER, http::HeaderValue::from_static("5"))
            .with_source(error),
            AdvanceError::Unknown => not_found(),
        }
    }
}

/// Asks the provider how a payment stands.
#[utoipa::path(
    post, path = "/v1/payments/{id}/sync", tag = "payments", security((), ("token" = [])),
    params(
        ("id" = Uuid, Path, description = "the payment"),
        ("Order-Token" = Option<String>, Header, description = "a guest's proof that the order is theirs"),
    ),
    responses(
        (status = 200, body = PaymentView, headers(("Cache-Control" = String))),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json", description = "The provider, or something else it takes, is away."),
    )
)]
pub async fn sync_payment(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Option<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    find(&app, id, caller.as_ref(), &headers).await?;
    let payment = advance(&app, id).await?;
    Ok(answer(&app, &payment))
}
