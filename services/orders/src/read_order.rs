//! `GET /v1/orders/{id}`, and `GET /internal/v1/orders/{id}/payable` for payment.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use kit::{
    Problem,
    auth::Identity,
    etag,
    extract::{Json, Path},
    mariadb,
    money::Money,
    problem::ProblemSchema,
};
use serde::Serialize;
use uuid::Uuid;

use crate::{
    App,
    change_order::ChangeError,
    db::orders,
    load_order::{key_of, personal, view},
    open_order::{self, Shopper},
    state::OrderState,
    text::Locale,
    view::{OrderView, dashed},
};

/// What payment needs to be allowed to ask what is to be paid.
const PAY: &str = "orders:pay";

/// Reads an order: its owner's, one that `Order-Token` opens, or any for staff.
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders", security(("token" = []), ("order" = []), ()), params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = OrderView, headers(("ETag" = String))),
        (status = 304, description = "Nothing changed since the `ETag` in `If-None-Match`."),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_order(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    shopper: Shopper,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let order = open_order::read(&app, &mut connection, id, &shopper).await?;
    let tag = etag::of(order.revision);
    let common = [
        (header::ETAG, tag.clone()),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    if etag::not_modified(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, common).into_response());
    }
    let shown = view(&app, &mut connection, order).await?;
    Ok((common, Json(shown)).into_response())
}

/// What is to be paid.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Payable {
    /// Which order.
    pub order_id: Uuid,
    /// Its number for people.
    pub number: String,
    /// How much.
    pub amount: Money,
    /// Whether it is still to be paid: only when `placed`.
    pub state: OrderState,
    /// Who pays; absent once the person was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// In which language.
    pub locale: Locale,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// Says what is to be paid, to payment only.
#[utoipa::path(
    get, path = "/internal/v1/orders/{id}/payable", tag = "internal", security(("token" = [])), params(("id" = Uuid, Path)),
    responses(
        (status = 200, body = Payable),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_payable(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Identity,
) -> Result<Json<Payable>, Problem> {
    caller.require(PAY)?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let order = orders::read(&mut connection, id)
        .await
        .map_err(mariadb::unavailable)?;
    let order = order.ok_or(ChangeError::NotFound)?;
    let key = key_of(&app, &mut connection, &order).await?;
    let email = personal(key.as_ref(), &order)?.map(|personal| personal.email);
    Ok(Json(Payable {
        order_id: order.id,
        number: dashed(&order.number),
        amount: Money::new(order.sums.total, order.currency),
        state: order.states.order,
        email,
        locale: order.locale,
        expires_at: order.expires_at,
    }))
}
