//! What the pages read and change of carts.

use super::{
    Localized,
    neighbor::{Neighbor, Who},
};
use crate::card::path_segment;
use http::Method;
use kit::{
    client::ClientError,
    money::{Currency, Money},
};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;

/// The cart service.
#[derive(Clone)]
pub struct Carts(pub Neighbor);

/// A cart.
#[derive(Debug, Clone, Deserialize)]
pub struct Cart {
    pub id: String,
    /// What opens a guest's cart; told once.
    pub token: Option<String>,
    #[serde(default)]
    pub lines: Vec<CartLine>,
    pub coupon: Option<String>,
    pub subtotal: Money,
    pub count: u64,
}

/// So and so many of one thing.
#[derive(Debug, Clone, Deserialize)]
pub struct CartLine {
    pub sku: String,
    pub slug: Localized,
    pub name: Localized,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    pub illustration: Option<String>,
    pub quantity: u32,
    pub unit_price: Option<Money>,
    pub line_total: Option<Money>,
    pub price_changed_from: Option<Money>,
    #[serde(default)]
    pub unavailable: bool,
}

impl Carts {
    /// Makes a cart for a guest.
    pub async fn open(&self, currency: Currency) -> Result<Cart, ClientError> {
        let body = json!({ "currency": currency });
        self.0
            .send(Method::POST, "/v1/carts", &Who::anyone(), &body)
            .await?
            .json()
    }

    /// A cart that one knows the id of.
    pub async fn read(&self, id: &str, who: &Who) -> Result<Cart, ClientError> {
        self.0.get(&cart(id), who).await
    }

    /// The cart of who is logged in; made when there is none.
    pub async fn mine(&self, who: &Who) -> Result<Cart, ClientError> {
        self.0.get("/v1/me/cart", who).await
    }

    /// Moves a guest's cart into the one of who is logged in.
    pub async fn merge(&self, who: &Who, id: &str, token: &str) -> Result<Cart, ClientError> {
        let body = json!({ "cart_id": id, "token": token });
        self.0
            .send(Method::POST, "/v1/me/cart/merge", who, &body)
            .await?
            .json()
    }

    /// Puts more of something in.
    pub async fn add(
        &self,
        id: &str,
        who: &Who,
        sku: &str,
        quantity: u32,
    ) -> Result<Cart, ClientError> {
        let body = json!({ "sku": sku, "quantity": quantity });
        self.0
            .send(Method::POST, &format!("{}/lines", cart(id)), who, &body)
            .await?
            .json()
    }

    /// Has so and so many of something; none takes it out.
    pub async fn put(
        &self,
        id: &str,
        who: &Who,
        sku: &str,
        quantity: u32,
    ) -> Result<Cart, ClientError> {
        let path = format!("{}/lines/{}", cart(id), path_segment(sku));
        let body = json!({ "quantity": quantity });
        self.0.send(Method::PUT, &path, who, &body).await?.json()
    }

    /// Tries a coupon when ordering.
    pub async fn put_coupon(&self, id: &str, who: &Who, code: &str) -> Result<(), ClientError> {
        let body = json!({ "code": code });
        self.0
            .send(Method::PUT, &format!("{}/coupon", cart(id)), who, &body)
            .await
            .map(drop)
    }

    /// Takes the coupon out.
    pub async fn remove_coupon(&self, id: &str, who: &Who) -> Result<(), ClientError> {
        self.0
            .answer(Method::DELETE, &format!("{}/coupon", cart(id)), who)
            .await
            .map(drop)
    }
}

fn cart(id: &str) -> String {
    format!("/v1/carts/{}", path_segment(id))
}
