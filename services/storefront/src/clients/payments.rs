//! What the pages read and change of payments.

use super::neighbor::{Neighbor, Who};
use crate::card::path_segment;
use form_urlencoded::Serializer;
use http::Method;
use kit::{client::ClientError, money::Currency};
use serde::Deserialize;
use serde_json::json;

/// The payment service.
#[derive(Clone)]
pub struct Payments(pub Neighbor);

/// A way to pay.
#[derive(Debug, Clone, Deserialize)]
pub struct PaymentMethod {
    pub provider: String,
}

/// An attempt to pay an order.
#[derive(Debug, Clone, Deserialize)]
pub struct Payment {
    pub id: String,
    pub order_id: String,
    pub state: String,
    pub action: Option<Action>,
}

/// What the shopper must do to pay.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Go to the provider.
    Redirect { url: String },
    /// Fill in the provider's own fields on our page, or go to the provider's page where no script runs.
    StripeElements {
        client_secret: String,
        publishable_key: String,
        hosted_url: String,
    },
}

impl Payments {
    /// The ways to pay.
    pub async fn methods(
        &self,
        currency: Currency,
        country: Option<&str>,
    ) -> Result<Vec<PaymentMethod>, ClientError> {
        let country = country.map(|country| ("country", country));
        let query = Serializer::new(String::new())
            .append_pair("currency", currency.code())
            .extend_pairs(country)
            .finish();
        let path = format!("/v1/payment-methods?{query}");
        self.0.get(&path, &Who::anyone()).await
    }

    /// Begins to pay an order, once for each key of `who`.
    pub async fn begin(
        &self,
        who: &Who,
        order: &str,
        provider: &str,
        return_path: &str,
    ) -> Result<Payment, ClientError> {
        let body = json!({ "order_id": order, "provider": provider, "return_url": return_path });
        self.0
            .send(Method::POST, "/v1/payments", who, &body)
            .await?
            .json()
    }

    /// How far a payment is, as last heard.
    pub async fn read(&self, id: &str, who: &Who) -> Result<Payment, ClientError> {
        self.0.get(&payment(id), who).await
    }

    /// How far a payment is, as its provider says now.
    pub async fn sync(&self, id: &str, who: &Who) -> Result<Payment, ClientError> {
        let path = format!("{}/sync", payment(id));
        self.0
            .send(Method::POST, &path, who, &json!({}))
            .await?
            .json()
    }
}

fn payment(id: &str) -> String {
    format!("/v1/payments/{}", path_segment(id))
}
