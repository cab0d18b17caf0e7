//! `POST /v1/carts`: a guest begins to shop.

use axum::{extract::State, response::Response};
use http::{HeaderValue, StatusCode, header};
use kit::{Problem, clock::random_bytes, extract::Json, money::Currency, problem::ProblemSchema};
use serde::Deserialize;

use crate::{
    App,
    answer_cart::{Besides, answer},
    owner::Owner,
    view::CartView,
    write_change,
};

/// What a guest may choose.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCart {
    /// The currency of the cart's prices; the shop's when absent.
    #[schema(value_type = Option<String>, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: Option<Currency>,
}

/// Makes a guest's cart. Its token is in this answer and never again.
#[utoipa::path(
    post, path = "/v1/carts", tag = "carts", request_body = NewCart,
    responses(
        (status = 201, body = CartView<'static>, headers(("ETag" = String), ("Location" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn create_cart(
    State(app): State<App>,
    Json(wanted): Json<NewCart>,
) -> Result<Response, Problem> {
    let (owner, token) = Owner::guest(random_bytes());
    let currency = wanted.currency.unwrap_or(app.currency);
    let cart = write_change::begin(&app, app.clock.uuid(), owner, currency).await?;
    let besides = Besides {
        token: Some(&token),
        ..Besides::default()
    };
    let mut response = answer(&app, StatusCode::CREATED, &cart, besides).await;
    let location = HeaderValue::try_from(format!("/v1/carts/{}", cart.id));
    let location = location.map_err(Problem::internal)?;
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}
