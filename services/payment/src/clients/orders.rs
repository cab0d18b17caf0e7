//! What is asked of the shop's orders: whether the shopper may see one, and what is to be paid for it.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use kit::{
    client::{Client, ClientError},
    money::Money,
};
use serde::Deserialize;
use uuid::Uuid;

/// The header that a guest proves with that an order is theirs.
pub const ORDER_TOKEN: HeaderName = HeaderName::from_static("order-token");

/// An order as far as its shopper's payment is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct SeenOrder {
    /// Its id.
    pub id: Uuid,
}

/// What is to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Payable {
    /// The order.
    pub order_id: Uuid,
    /// Its number, for people.
    pub number: String,
    /// How much.
    pub amount: Money,
    /// Whether it waits for money.
    pub state: String,
    /// Whose it is. Not kept here.
    #[serde(default)]
    pub email: String,
    /// The shopper's language.
    pub locale: String,
    /// Until when.
    #[serde(default)]
    pub expires_at: Option<Timestamp>,
}

/// What proves that a shopper may see an order: passed on as it came, for orders to judge.
pub fn proof(headers: &HeaderMap) -> HeaderMap {
    [header::AUTHORIZATION, ORDER_TOKEN]
        .into_iter()
        .filter_map(|name| {
            let value = headers.get(&name)?.clone();
            Some((name, value))
        })
        .collect()
}

/// Whether whoever sent these headers may see the order.
pub async fn is_visible(
    orders: &Client,
    order_id: Uuid,
    proof: HeaderMap,
) -> Result<bool, ClientError> {
    if proof.is_empty() {
        return Ok(false);
    }
    let path = format!("/v1/orders/{order_id}");
    match orders.call(Method::GET, &path, proof, None).await {
        Ok(answer) => Ok(answer.json::<SeenOrder>()?.id == order_id),
        Err(error) if says_no(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is to be paid for the order; none when there is no such order.
pub async fn payable(
    orders: &Client,
    order_id: Uuid,
    token: HeaderValue,
) -> Result<Option<Payable>, ClientError> {
    let path = format!("/internal/v1/orders/{order_id}/payable");
    let headers = HeaderMap::from_iter([(header::AUTHORIZATION, token)]);
    match orders.call(Method::GET, &path, headers, None).await {
        Ok(answer) => answer.json().map(Some),
        Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => Ok(None),
        Err(error) => Err(error),
    }
}

fn says_no(error: &ClientError) -> bool {
    matches!(
        error.status(),
        Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND)
    )
}
