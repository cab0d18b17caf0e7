//! What the operator asks a member and tells it, over HTTP.

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;

use super::copy::FROM_HEADER;
use super::{MemberAgent, ObeyError};
use crate::chain::chain;
use crate::control::listener::TlsListener;
use crate::databases::mariadb::plan::Order;
use crate::databases::mariadb::seen::Report;

/// `GET` answers a [`Report`].
pub const REPORT: &str = "/v1/report";
/// `POST` takes an [`Order`].
pub const ORDERS: &str = "/v1/orders";
/// `GET` answers all that the server holds, as `mbstream`.
pub const COPY: &str = "/v1/copy";

/// Serves for ever.
pub async fn serve(listener: TlsListener, member: MemberAgent) -> std::io::Result<()> {
    let router = Router::new()
        .route(REPORT, get(report))
        .route(ORDERS, post(obey))
        .route(COPY, get(copy))
        .with_state(member);
    axum::serve(listener, router).await
}

async fn report(State(member): State<MemberAgent>) -> Json<Report> {
    Json(member.report().await)
}

async fn copy(State(member): State<MemberAgent>) -> Response {
    match member.give_copy() {
        Ok((leads, stream)) => {
            let from = if leads { "primary" } else { "replica" };
            ([(FROM_HEADER, from)], Body::from_stream(stream)).into_response()
        }
        Err(error) => {
            tracing::warn!(error = chain(&error), "no copy can be given");
            (StatusCode::SERVICE_UNAVAILABLE, chain(&error)).into_response()
        }
    }
}

async fn obey(State(member): State<MemberAgent>, Json(order): Json<Order>) -> Response {
    match member.obey(&order).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let status = match &error {
                ObeyError::Stale(_) | ObeyError::NotRunning | ObeyError::NotYet => {
                    StatusCode::CONFLICT
                }
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            tracing::warn!(task = ?order.task, error = chain(&error), "an order was not carried out");
            (status, chain(&error)).into_response()
        }
    }
}
