//! `GET /v1/carts/{id}` and `GET /v1/me/cart`. Reading never writes.

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{Problem, auth::Identity, extract::Path, problem::ProblemSchema};
use uuid::Uuid;

use crate::{
    App,
    answer_cart::{Besides, answer},
    open_cart::{self, Visitor},
    owner::personal_cart,
    view::CartView,
};

/// Reads a cart, at the prices of now.
#[utoipa::path(
    get, path = "/v1/carts/{id}", tag = "carts", security(("token" = []), ("cart" = [])), params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_cart(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    visitor: Visitor,
) -> Result<Response, Problem> {
    let cart = open_cart::find(&app, id, &visitor).await?;
    Ok(answer(&app, StatusCode::OK, &cart, Besides::default()).await)
}

/// Reads the caller's personal cart, which everyone has.
#[utoipa::path(
    get, path = "/v1/me/cart", tag = "carts", security(("token" = [])),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_my_cart(State(app): State<App>, person: Identity) -> Result<Response, Problem> {
    let id = personal_cart(person.subject());
    let cart = open_cart::find(&app, id, &Visitor::person(person)).await?;
    Ok(answer(&app, StatusCode::OK, &cart, Besides::default()).await)
}
