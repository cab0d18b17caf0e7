//! What the cart reads of the catalog.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use jiff::Timestamp;
use kit::{
    client::{Client, ClientError, Limits},
    money::Money,
};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::variant::{LocalizedText, Variant};

/// A cart is shown at its last prices rather than late.
const LIMITS: Limits = Limits {
    deadline: Duration::from_millis(1500),
    retries: 1,
};

/// The catalog.
#[derive(Debug, Clone)]
pub struct Catalog(Arc<Client>);

#[derive(Debug, Deserialize)]
struct Variants {
    items: Vec<VariantAnswer>,
}

#[derive(Debug, Deserialize)]
struct VariantAnswer {
    sku: String,
    product_id: Uuid,
    name: LocalizedText,
    slug: LocalizedText,
    #[serde(default)]
    illustration: Option<String>,
    #[serde(default)]
    options: BTreeMap<String, String>,
    prices: Vec<Money>,
    published: bool,
}

impl Catalog {
    /// The catalog at an address.
    pub fn new(base: Url) -> Result<Self, reqwest::Error> {
        Client::new("catalog", base, LIMITS).map(|client| Self(Arc::new(client)))
    }

    /// What it says of some SKUs, all in one question. SKUs it doesn't know are left out.
    pub async fn variants(
        &self,
        skus: &[&str],
        now: Timestamp,
    ) -> Result<Vec<Variant>, ClientError> {
        // A SKU is letters, digits and `._-`: nothing to escape.
        let path = format!("/v1/variants?sku={}", skus.join(","));
        let answer: Variants = self.0.get_json(&path).await?;
        Ok(answer
            .items
            .into_iter()
            .map(|item| item.into_variant(now))
            .collect())
    }

    /// Whether it answers at all.
    pub async fn reachable(&self) -> Result<(), String> {
        self.0.reachable().await
    }
}

impl VariantAnswer {
    fn into_variant(self, read_at: Timestamp) -> Variant {
        Variant {
            sku: self.sku,
            product_id: self.product_id,
            slug: self.slug,
            name: self.name,
            options: self.options,
            illustration: self.illustration,
            prices: self.prices,
            published: self.published,
            read_at,
        }
    }
}
