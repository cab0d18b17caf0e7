//! Orders, as far as payment asks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Line, serve};

/// An order of the test's own.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: Uuid,
    /// A guest's proof.
    pub(crate) token: String,
    /// Of a person, if it is a person's.
    pub(crate) bearer: Option<String>,
    pub(crate) payable: Value,
}

#[derive(Clone, Default)]
pub(crate) struct FakeOrders {
    orders: Arc<Mutex<HashMap<Uuid, Order>>>,
    pub(crate) line: Line,
    pub(crate) url: String,
}

impl FakeOrders {
    pub(crate) async fn start() -> Self {
        let mut fake = Self::default();
        let router = Router::new()
            .route("/v1/orders/{id}", get(read))
            .route("/internal/v1/orders/{id}/payable", get(payable))
            .with_state(fake.clone());
        fake.url = serve(fake.line.around(router)).await;
        fake
    }

    pub(crate) fn put(&self, order: Order) {
        self.orders.lock().expect("orders").insert(order.id, order);
    }

    fn get(&self, id: Uuid) -> Option<Order> {
        self.orders.lock().expect("orders").get(&id).cloned()
    }
}

async fn read(
    State(fake): State<FakeOrders>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Response {
    let Some(order) = fake.get(id) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let sent = |name: &str| headers.get(name).map(|value| value.as_bytes().to_vec());
    let by_token = sent("order-token").is_some_and(|token| token == order.token.as_bytes());
    let bearer = order
        .bearer
        .map(|bearer| format!("Bearer {bearer}").into_bytes());
    let by_bearer = bearer.is_some() && sent(header::AUTHORIZATION.as_str()) == bearer;
    if by_token || by_bearer {
        Json(json!({"id": id, "number": "A-1", "states": {"payment": "awaiting"}})).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

async fn payable(
    State(fake): State<FakeOrders>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Response {
    let is_service = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes().starts_with(b"Bearer ey"));
    match fake.get(id) {
        _ if !is_service => StatusCode::UNAUTHORIZED.into_response(),
        Some(order) => Json(order.payable).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
