//! `GET /v1/payments/{id}`: how a payment stands, for its shopper and for staff.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use kit::{
    Problem,
    auth::Identity,
    client::ClientError,
    extract::{Json, Path},
    mariadb,
    problem::ProblemSchema,
};
use uuid::Uuid;

use crate::{
    App,
    clients::orders::{self, ORDER_TOKEN},
    db::payments,
    owner::Owner,
    payment::Payment,
    view::{PaymentView, show},
};

/// What staff need to read payments.
pub const READ: &str = "payments:read";

/// Why a payment is not shown.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is none, or it is somebody else's: who asks is not told which.
    #[error("there is no such payment")]
    NotFound,
    /// The database.
    #[error("the database did not answer as expected")]
    Database(#[from] sqlx::Error),
    /// Orders could not be asked whose the order is.
    #[error("orders did not answer as expected")]
    Orders(#[from] ClientError),
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::NotFound => not_found(),
            ReadError::Database(error) => mariadb::unavailable(error),
            ReadError::Orders(error) => Self::unavailable(error),
        }
    }
}

/// 404.
pub fn not_found() -> Problem {
    Problem::not_found("no-such-payment", "There is no such payment.")
}

/// Reads a payment.
#[utoipa::path(
    get, path = "/v1/payments/{id}", tag = "payments", security((), ("token" = [])),
    params(
        ("id" = Uuid, Path, description = "the payment"),
        ("Order-Token" = Option<String>, Header, description = "a guest's proof that the order is theirs"),
    ),
    responses(
        (status = 200, body = PaymentView, headers(("Cache-Control" = String))),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn read_payment(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    caller: Option<Identity>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let payment = find(&app, id, caller.as_ref(), &headers).await?;
    Ok(answer(&app, &payment))
}

/// The answer that shows a payment.
pub fn answer(app: &App, payment: &Payment) -> Response {
    let not_kept = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
    (not_kept, Json(show(payment, app.surroundings()))).into_response()
}

/// Who asks, by what the request proves.
pub fn asker(caller: Option<&Identity>, headers: &HeaderMap) -> Owner {
    let token = headers.get(ORDER_TOKEN).map(HeaderValue::as_bytes);
    Owner::of(caller.map(Identity::subject), token)
}

/// The payment, if it is the caller's business: they began it, may see its order, or are staff.
pub async fn find(
    app: &App,
    id: Uuid,
    caller: Option<&Identity>,
    headers: &HeaderMap,
) -> Result<Payment, ReadError> {
    let mut connection = app.pool.acquire().await?;
    let payment = payments::read(&mut connection, id)
        .await?
        .ok_or(ReadError::NotFound)?;
    if caller.is_some_and(|caller| caller.may(READ)) {
        return Ok(payment);
    }
    let owner = payments::owner(&mut connection, id).await?;
    drop(connection);
    if owner.is(&asker(caller, headers)) {
        return Ok(payment);
    }
    // A guest may have got another token for the order since; orders knows.
    if orders::is_visible(&app.orders, payment.order_id, orders::proof(headers)).await? {
        return Ok(payment);
    }
    Err(ReadError::NotFound)
}
