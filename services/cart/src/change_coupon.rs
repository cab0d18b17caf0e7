//! `PUT` and `DELETE /v1/carts/{id}/coupon`: a code is kept; what it is worth is decided when ordering.

use axum::{extract::State, response::Response};
use http::StatusCode;
use kit::{
    Problem,
    etag::IfMatch,
    extract::{Json, Path},
    problem::ProblemSchema,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    answer_cart::{Besides, answer},
    cart::{Cart, Change},
    open_cart::Visitor,
    view::CartView,
};

/// The longest code.
const LONGEST: usize = 64;

/// A coupon to try.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponCode {
    /// Its code.
    #[schema(
        example = "WELCOME10",
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_-]+$"
    )]
    pub code: String,
}

/// Keeps a coupon code with the cart.
#[utoipa::path(
    put, path = "/v1/carts/{id}/coupon", tag = "coupon", request_body = CouponCode, security(("token" = []), ("cart" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` of the cart that the change is made to")),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "The cart changed meanwhile."),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn put_coupon(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    visitor: Visitor,
    if_match: Option<IfMatch>,
    Json(coupon): Json<CouponCode>,
) -> Result<Response, Problem> {
    let code = coupon.code.trim();
    let is_code = (1..=LONGEST).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if !is_code {
        let wanted = format!("must be 1 to {LONGEST} letters, digits, - or _");
        return Err(Problem::invalid().field("code", wanted));
    }
    set(&app, id, &visitor, if_match.as_ref(), Some(code)).await
}

/// Takes the coupon code out.
#[utoipa::path(
    delete, path = "/v1/carts/{id}/coupon", tag = "coupon", security(("token" = []), ("cart" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "the `ETag` of the cart that the change is made to")),
    responses(
        (status = 200, body = CartView<'static>, headers(("ETag" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 412, body = ProblemSchema, content_type = "application/problem+json", description = "The cart changed meanwhile."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn delete_coupon(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    visitor: Visitor,
    if_match: Option<IfMatch>,
) -> Result<Response, Problem> {
    set(&app, id, &visitor, if_match.as_ref(), None).await
}

async fn set(
    app: &App,
    id: Uuid,
    visitor: &Visitor,
    if_match: Option<&IfMatch>,
    code: Option<&str>,
) -> Result<Response, Problem> {
    let decide = |cart: &Cart| {
        let is_so = cart.coupon.as_ref().map(|coupon| coupon.code.as_str()) == code;
        Ok((!is_so).then(|| Change::CouponSet {
            code: code.map(str::to_owned),
        }))
    };
    let cart = visitor.write(app, id, if_match, decide).await?;
    Ok(answer(app, StatusCode::OK, &cart, Besides::default()).await)
}
