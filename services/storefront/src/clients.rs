//! What the pages read of the catalog: the few fields they show, and how long they wait for them.

pub mod cart;
pub mod factors;
pub mod neighbor;
pub mod orders;
pub mod payments;
pub mod users;

use crate::language::Language;
use form_urlencoded::Serializer;
use http::StatusCode;
use kit::{
    client::{Client, ClientError},
    money::{Currency, Money},
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, sync::Arc};

/// How many products a page of a listing holds.
pub const LISTING_LIMIT: u32 = 24;

/// The catalog, as its REST interface shows it.
#[derive(Clone)]
pub struct Catalog {
    client: Arc<Client>,
}

/// Text in both languages.
#[derive(Debug, Clone, Deserialize)]
pub struct Localized {
    pub en: String,
    pub fr: String,
}

/// A category.
#[derive(Debug, Clone, Deserialize)]
pub struct Category {
    pub key: String,
    pub parent: Option<String>,
    pub name: Localized,
    pub slug: Localized,
    pub illustration: Option<String>,
    #[serde(default)]
    pub product_count: u64,
}

/// A product in a listing, in one language and currency.
#[derive(Debug, Clone, Deserialize)]
pub struct ProductSummary {
    pub id: String,
    pub key: String,
    pub name: String,
    pub slug: String,
    pub category: Option<String>,
    pub brand: Option<String>,
    pub price: Option<PriceRange>,
    pub compare_at: Option<Money>,
    #[serde(default)]
    pub variant_count: u64,
    pub image: Option<Image>,
    pub illustration: Option<String>,
}

/// The prices of a product's variants.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PriceRange {
    pub from: Money,
    pub to: Money,
}

/// A photo.
#[derive(Debug, Clone, Deserialize)]
pub struct Image {
    pub url: String,
    pub alt: Localized,
    pub width: u32,
    pub height: u32,
}

/// A product with all that its page shows.
#[derive(Debug, Clone, Deserialize)]
pub struct Product {
    pub key: String,
    pub name: Localized,
    pub description: Localized,
    pub slug: Localized,
    pub category: Option<String>,
    pub brand: Option<String>,
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub options: Vec<String>,
    pub variants: Vec<Variant>,
    #[serde(default)]
    pub images: Vec<Image>,
}

/// A product in one size, color or other choice.
#[derive(Debug, Clone, Deserialize)]
pub struct Variant {
    pub sku: String,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    pub prices: Vec<Money>,
    #[serde(default)]
    pub compare_at: Vec<Money>,
}

/// One page of products.
#[derive(Debug, Clone, Deserialize)]
pub struct Listing {
    pub items: Vec<ProductSummary>,
    pub next_cursor: Option<String>,
    #[serde(default)]
    pub total: u64,
    pub facets: Option<Facets>,
    pub corrected_query: Option<String>,
}

/// How many products of a listing have what.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Facets {
    #[serde(default)]
    pub categories: Vec<CategoryCount>,
    #[serde(default)]
    pub brands: Vec<ValueCount>,
    #[serde(default)]
    pub attributes: BTreeMap<String, Vec<ValueCount>>,
    pub price: Option<PriceBounds>,
}

/// A category and how many products of a listing are in it.
#[derive(Debug, Clone, Deserialize)]
pub struct CategoryCount {
    pub key: String,
    pub name: String,
    pub count: u64,
}

/// A value and how many products of a listing have it.
#[derive(Debug, Clone, Deserialize)]
pub struct ValueCount {
    pub value: String,
    pub count: u64,
}

/// The lowest and the highest price of a listing.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct PriceBounds {
    pub min: Money,
    pub max: Money,
}

/// What a few typed letters may become.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Suggestions {
    #[serde(default)]
    pub queries: Vec<String>,
    #[serde(default)]
    pub products: Vec<ProductSummary>,
    #[serde(default)]
    pub categories: Vec<CategoryName>,
}

/// A category by name.
#[derive(Debug, Clone, Deserialize)]
pub struct CategoryName {
    pub key: String,
    pub name: String,
}

#[derive(Deserialize)]
struct Categories {
    items: Vec<Category>,
}

/// Why the catalog gave no answer that a page could show.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// There is no such thing.
    #[error("the catalog has no such thing")]
    NotFound,
    /// It did not accept what was asked.
    #[error("the catalog did not accept the question")]
    Refused,
    /// It is down, too slow, or makes no sense.
    #[error("the catalog can't be read")]
    Unavailable(#[source] ClientError),
}

impl From<ClientError> for CatalogError {
    fn from(error: ClientError) -> Self {
        match error.status() {
            Some(StatusCode::NOT_FOUND | StatusCode::GONE) => Self::NotFound,
            Some(status) if status.is_client_error() => Self::Refused,
            _ => Self::Unavailable(error),
        }
    }
}

impl ProductSummary {
    /// Whether it costs less than it did.
    pub fn is_reduced(&self) -> bool {
        match (self.price, self.compare_at) {
            (Some(price), Some(was)) => {
                price.from.currency == was.currency && price.from.amount < was.amount
            }
            _ => false,
        }
    }
}

impl Localized {
    /// The text in a language; in the other one when it is missing.
    pub fn text(&self, language: Language) -> &str {
        let (wanted, other) = match language {
            Language::En => (&self.en, &self.fr),
            Language::Fr => (&self.fr, &self.en),
        };
        if wanted.is_empty() { other } else { wanted }
    }

    /// The text in a language; in the other one when it is missing.
    pub fn into_text(self, language: Language) -> String {
        self.text(language).to_owned()
    }
}

impl Catalog {
    /// The catalog behind a client.
    pub fn new(client: Client) -> Self {
        Self {
            client: Arc::new(client),
        }
    }

    /// All categories, in tree order.
    pub async fn categories(&self) -> Result<Vec<Category>, CatalogError> {
        self.get::<Categories>("/v1/categories")
            .await
            .map(|categories| categories.items)
    }

    /// Products by a query in the catalog's own terms.
    pub async fn products(&self, query: &str) -> Result<Listing, CatalogError> {
        self.get(&format!("/v1/products?{query}")).await
    }

    /// The first products of a category (of the shop when there is none), in the order of `sort`.
    pub async fn first_products(
        &self,
        wanted: &Shelf<'_>,
        language: Language,
        currency: Currency,
    ) -> Result<Vec<ProductSummary>, CatalogError> {
        let query = wanted.query(language, currency);
        self.products(&query).await.map(|listing| listing.items)
    }

    /// The product whose page has this slug.
    pub async fn product_by_slug(
        &self,
        language: Language,
        slug: &str,
    ) -> Result<Product, CatalogError> {
        let slug = crate::card::path_segment(slug);
        self.get(&format!("/v1/products/by-slug/{}/{slug}", language.code()))
            .await
    }

    /// What the first letters of a search may become.
    pub async fn suggestions(
        &self,
        letters: &str,
        language: Language,
        currency: Currency,
    ) -> Result<Suggestions, CatalogError> {
        let query = suggestions_query(letters, language, currency);
        self.get(&format!("/v1/suggestions?{query}")).await
    }

    /// Whether it answers at all.
    pub async fn reachable(&self) -> Result<(), String> {
        self.client.reachable().await
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CatalogError> {
        self.client.get_json(path).await.map_err(CatalogError::from)
    }
}

/// A few products to show together.
pub struct Shelf<'a> {
    pub category: Option<&'a str>,
    pub sort: Option<&'static str>,
    pub limit: u32,
    pub cursor: Option<&'a str>,
}

impl Shelf<'_> {
    /// The query of the catalog's listing.
    pub fn query(&self, language: Language, currency: Currency) -> String {
        let mut query = Serializer::new(String::new());
        query.append_pair("lang", language.code());
        query.append_pair("currency", currency.code());
        query.append_pair("limit", &self.limit.to_string());
        for (name, value) in [
            ("category", self.category),
            ("sort", self.sort),
            ("cursor", self.cursor),
        ] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        query.finish()
    }
}

fn suggestions_query(letters: &str, language: Language, currency: Currency) -> String {
    Serializer::new(String::new())
        .append_pair("q", letters)
        .append_pair("lang", language.code())
        .append_pair("currency", currency.code())
        .append_pair("limit", "6")
        .finish()
}
