//! What orders reads of others: the cart, the catalog's prices, and the e-mail of a shopper who did not send one.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, Method, header};
use kit::{
    client::{Client, ClientError, Limits},
    money::{Currency, Money},
};
use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::text::LocalizedText;

/// Whoever waits for an order to be placed waits for these first.
const LIMITS: Limits = Limits {
    deadline: Duration::from_millis(1500),
    retries: 2,
};

/// The header in which a guest shows that a cart is theirs.
pub const CART_TOKEN: HeaderName = HeaderName::from_static("cart-token");

/// The services that orders asks.
#[derive(Debug, Clone)]
pub struct Neighbors {
    cart: Arc<Client>,
    catalog: Arc<Client>,
    users: Arc<Client>,
}

/// A cart.
#[derive(Debug, Clone, Deserialize)]
pub struct Cart {
    /// Its id.
    pub id: Uuid,
    /// Counts its changes.
    pub revision: u64,
    /// Of its prices.
    pub currency: Currency,
    /// What is in it.
    pub lines: Vec<CartLine>,
    /// The coupon to try.
    #[serde(default)]
    pub coupon: Option<String>,
}

/// A line of a cart.
#[derive(Debug, Clone, Deserialize)]
pub struct CartLine {
    /// The variant.
    pub sku: String,
    /// How many.
    pub quantity: u32,
}

#[derive(Debug, Deserialize)]
struct Variants {
    items: Vec<Variant>,
}

/// A variant, as the catalog has it now.
#[derive(Debug, Clone, Deserialize)]
pub struct Variant {
    /// Its name.
    pub sku: String,
    /// Its product.
    pub product_id: Uuid,
    /// The product's name.
    pub name: LocalizedText,
    /// The product's address on the site.
    pub slug: LocalizedText,
    /// The product's category.
    pub category: String,
    /// The category's picture.
    #[serde(default)]
    pub illustration: Option<String>,
    /// Its options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// What it costs, once a currency.
    pub prices: Vec<Money>,
    /// Whether it is for sale.
    pub published: bool,
}

/// A person's own account.
#[derive(Debug, Clone, Deserialize)]
pub struct Me {
    /// Where the person is written to.
    pub email: String,
}

impl Neighbors {
    /// The services at these addresses.
    pub fn new(cart: Url, catalog: Url, users: Url) -> Result<Self, reqwest::Error> {
        Ok(Self {
            cart: Arc::new(Client::new("cart", cart, LIMITS)?),
            catalog: Arc::new(Client::new("catalog", catalog, LIMITS)?),
            users: Arc::new(Client::new("users", users, LIMITS)?),
        })
    }

    /// Reads a cart with the shopper's own headers: the cart decides whether it is theirs. `None`: it is not, or there is none.
    pub async fn cart(&self, id: Uuid, shopper: &HeaderMap) -> Result<Option<Cart>, ClientError> {
        let headers = forwarded(shopper, &[header::AUTHORIZATION, CART_TOKEN]);
        let path = format!("/v1/carts/{id}");
        match self.cart.call(Method::GET, &path, headers, None).await {
            Ok(answer) => answer.json().map(Some),
            Err(error)
                if error
                    .status()
                    .is_some_and(|status| matches!(status.as_u16(), 401 | 403 | 404)) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Reads variants as they are now, whatever was remembered. What is unknown is left out.
    pub async fn variants(&self, skus: &[&str]) -> Result<Vec<Variant>, ClientError> {
        // A SKU has nothing in it that a query would have to escape.
        let path = format!("/v1/variants?live=true&sku={}", skus.join(","));
        let variants: Variants = self.catalog.get_json(&path).await?;
        Ok(variants.items)
    }

    /// Reads the account of the person whose token this is.
    pub async fn me(&self, shopper: &HeaderMap) -> Result<Me, ClientError> {
        let headers = forwarded(shopper, &[header::AUTHORIZATION]);
        let answer = self
            .users
            .call(Method::GET, "/v1/me", headers, None)
            .await?;
        answer.json()
    }

    /// Whether the cart service answers.
    pub async fn cart_reachable(&self) -> Result<(), String> {
        self.cart.reachable().await
    }

    /// Whether the catalog answers.
    pub async fn catalog_reachable(&self) -> Result<(), String> {
        self.catalog.reachable().await
    }
}

fn forwarded(shopper: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let header = |name: &HeaderName| Some((name.clone(), shopper.get(name)?.clone()));
    names.iter().filter_map(header).collect()
}
