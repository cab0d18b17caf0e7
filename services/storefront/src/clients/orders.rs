//! What the pages read and change of orders and stock.

mod order;

pub use order::{
    Addresses, Happened, Order, OrderLine, Refund, Return, Shipment, ShippedBy, States, Withdrawal,
};

use super::{
    Localized,
    neighbor::{Neighbor, Who},
};
use crate::{address::Address, card::path_segment};
use bytes::Bytes;
use form_urlencoded::Serializer;
use http::Method;
use jiff::Timestamp;
use kit::{
    client::ClientError,
    money::{Currency, Money},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The order service.
#[derive(Clone)]
pub struct Orders(pub Neighbor);

/// How much there is of something.
#[derive(Debug, Clone, Deserialize)]
pub struct Stock {
    pub sku: String,
    pub availability: String,
    /// How many are left, when they are few.
    pub left: Option<u64>,
}

/// A way to send an order.
#[derive(Debug, Clone, Deserialize)]
pub struct ShippingMethod {
    pub id: String,
    pub name: Localized,
    pub price: Money,
    pub free_from: Option<Money>,
    pub days: Option<[u16; 2]>,
}

/// What an order costs.
#[derive(Debug, Clone, Deserialize)]
pub struct Totals {
    pub subtotal: Money,
    pub discount_total: Money,
    pub shipping_total: Money,
    pub tax_total: Money,
    pub total: Money,
    #[serde(default = "yes")]
    pub tax_included: bool,
}

/// What a cart would cost.
#[derive(Debug, Clone, Deserialize)]
pub struct Quote {
    pub totals: Totals,
    pub coupon: Option<TriedCoupon>,
    #[serde(default)]
    pub out_of_stock: Vec<Shortage>,
}

/// A coupon that was tried.
#[derive(Debug, Clone, Deserialize)]
pub struct TriedCoupon {
    pub usable: bool,
}

/// Something of which there is not enough.
#[derive(Debug, Clone, Deserialize)]
pub struct Shortage {
    pub sku: String,
}

/// A list, page by page.
#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

/// An order of a list.
#[derive(Debug, Clone, Deserialize)]
pub struct OrderSummary {
    pub id: String,
    pub number: String,
    pub status: String,
    pub placed_at: Timestamp,
    pub total: Money,
}

/// An order just placed.
#[derive(Debug, Clone, Deserialize)]
pub struct Placed {
    pub id: String,
    pub states: States,
    /// What opens a guest's order.
    pub access_token: Option<String>,
}

/// What a lookup by number and e-mail found.
#[derive(Debug, Clone, Deserialize)]
pub struct Found {
    pub order_id: String,
    pub access_token: String,
}

/// An order to be placed.
#[derive(Debug, Clone, Serialize)]
pub struct NewOrder<'a> {
    pub cart: CartRef<'a>,
    pub email: &'a str,
    pub locale: &'a str,
    pub shipping_address: &'a Address,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_address: Option<&'a Address>,
    pub shipping_method: &'a str,
    pub expected_total: Money,
}

/// The cart of an order.
#[derive(Debug, Clone, Serialize)]
pub struct CartRef<'a> {
    pub id: &'a str,
}

/// Lines of an order to be returned.
#[derive(Debug, Clone, Serialize)]
pub struct ReturnLine {
    pub sku: String,
    pub quantity: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

const fn yes() -> bool {
    true
}

impl Orders {
    /// How much there is of some things.
    pub async fn stock(&self, skus: &[&str]) -> Result<Vec<Stock>, ClientError> {
        let query = Serializer::new(String::new())
            .append_pair("sku", &skus.join(","))
            .finish();
        let path = format!("/v1/stock?{query}");
        self.0
            .glance::<Page<Stock>>(&path, &Who::anyone())
            .await
            .map(|page| page.items)
    }

    /// The ways to send something to a country.
    pub async fn shipping_methods(
        &self,
        country: &str,
        currency: Currency,
    ) -> Result<Vec<ShippingMethod>, ClientError> {
        let query = Serializer::new(String::new())
            .append_pair("country", country)
            .append_pair("currency", currency.code())
            .finish();
        let path = format!("/v1/shipping-methods?{query}");
        self.0
            .get::<Page<ShippingMethod>>(&path, &Who::anyone())
            .await
            .map(|page| page.items)
    }

    /// What a cart would cost, sent this way to this country.
    pub async fn quote(
        &self,
        who: &Who,
        cart: &str,
        country: &str,
        shipping_method: &str,
    ) -> Result<Quote, ClientError> {
        let body = json!({ "cart": { "id": cart }, "country": country, "shipping_method": shipping_method });
        self.0
            .send(Method::POST, "/v1/quotes", who, &body)
            .await?
            .json()
    }

    /// Places an order, once for each key of `who`.
    pub async fn place(&self, who: &Who, order: &NewOrder<'_>) -> Result<Placed, ClientError> {
        self.0
            .send(Method::POST, "/v1/orders", who, order)
            .await?
            .json()
    }

    /// An order.
    pub async fn read(&self, id: &str, who: &Who) -> Result<Order, ClientError> {
        self.0.get(&order(id), who).await
    }

    /// The orders of who is logged in, the newest first.
    pub async fn mine(
        &self,
        who: &Who,
        cursor: Option<&str>,
    ) -> Result<Page<OrderSummary>, ClientError> {
        let cursor = cursor.map(|cursor| ("cursor", cursor));
        let query = Serializer::new(String::new())
            .append_pair("limit", "20")
            .extend_pairs(cursor)
            .finish();
        self.0.get(&format!("/v1/me/orders?{query}"), who).await
    }

    /// A guest's order, by what stands in their mail.
    pub async fn look_up(
        &self,
        who: &Who,
        number: &str,
        email: &str,
    ) -> Result<Found, ClientError> {
        let body = json!({ "number": number, "email": email });
        self.0
            .send(Method::POST, "/v1/order-lookups", who, &body)
            .await?
            .json()
    }

    /// Calls an order off.
    pub async fn cancel(&self, id: &str, who: &Who) -> Result<(), ClientError> {
        self.0
            .send(
                Method::POST,
                &format!("{}/cancel", order(id)),
                who,
                &json!({}),
            )
            .await
            .map(drop)
    }

    /// Announces a return.
    pub async fn return_lines(
        &self,
        id: &str,
        who: &Who,
        lines: &[ReturnLine],
    ) -> Result<(), ClientError> {
        let path = format!("{}/returns", order(id));
        self.0
            .send(Method::POST, &path, who, &json!({ "lines": lines }))
            .await
            .map(drop)
    }

    /// Withdraws from the contract: from all of it when there are no lines.
    pub async fn withdraw(
        &self,
        id: &str,
        who: &Who,
        lines: Option<&[ReturnLine]>,
    ) -> Result<(), ClientError> {
        let path = format!("{}/withdrawal", order(id));
        let body = match lines {
            Some(lines) => json!({ "lines": lines }),
            None => json!({}),
        };
        self.0.send(Method::POST, &path, who, &body).await.map(drop)
    }

    /// The invoice, as PDF.
    pub async fn invoice(&self, id: &str, who: &Who) -> Result<Bytes, ClientError> {
        let path = format!("{}/invoice.pdf", order(id));
        self.pdf(&path, who).await
    }

    /// The credit note of a refund that was carried out, as PDF.
    pub async fn credit_note(
        &self,
        id: &str,
        refund: &str,
        who: &Who,
    ) -> Result<Bytes, ClientError> {
        let refund = path_segment(refund);
        let path = format!("{}/refunds/{refund}/credit-note.pdf", order(id));
        self.pdf(&path, who).await
    }

    async fn pdf(&self, path: &str, who: &Who) -> Result<Bytes, ClientError> {
        let answer = self.0.answer(Method::GET, path, who).await?;
        Ok(answer.body)
    }
}

fn order(id: &str) -> String {
    format!("/v1/orders/{}", path_segment(id))
}
