//! What the catalog says of a thing that is or may be in a cart.

use std::collections::BTreeMap;

use jiff::Timestamp;
use kit::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The dearest thing that is sold. Two hundred lines of 99 of it still fit an amount of money with room to spare, so that no sum of a cart can
/// overflow, whatever the catalog says.
const DEAREST: i64 = 1_000_000_000_000;
/// The longest SKU.
const LONGEST_SKU: usize = 64;

/// Text in every language of the shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LocalizedText {
    /// In English.
    pub en: String,
    /// In French.
    pub fr: String,
}

/// A variant of a product, as the catalog described it at some time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variant {
    /// Its code.
    pub sku: String,
    /// Its product.
    pub product_id: Uuid,
    /// The product's address on the site.
    pub slug: LocalizedText,
    /// The product's name.
    pub name: LocalizedText,
    /// A value for each of the product's options.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub options: BTreeMap<String, String>,
    /// The category's drawing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub illustration: Option<String>,
    /// What it costs, once a currency.
    pub prices: Vec<Money>,
    /// Whether it is for sale.
    pub published: bool,
    /// When the catalog said so.
    pub read_at: Timestamp,
}

impl Variant {
    /// What one costs; `None` where it is not for sale in this currency.
    pub fn price(&self, currency: Currency) -> Option<Money> {
        self.prices
            .iter()
            .copied()
            .find(|price| price.currency == currency)
            .filter(|price| self.published && (0..=DEAREST).contains(&price.amount))
    }
}

/// Whether text can be a SKU, by the rules of the catalog.
pub fn is_sku(text: &str) -> bool {
    (1..=LONGEST_SKU).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
}
