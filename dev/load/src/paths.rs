//! What shoppers ask for: found in the shop itself, so that any catalog can be loaded.

use std::time::{Duration, Instant};

use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use crate::LoadError;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Mix {
    /// Home, departments, products and searches, one to ten to twenty to five, in both languages.
    Browse,
    /// Product pages only.
    Products,
    /// Product searches against the catalog's API.
    Search,
}

#[derive(Deserialize)]
struct Products {
    items: Vec<Product>,
}

#[derive(Deserialize)]
struct Product {
    id: String,
    slug: String,
    name: String,
    category: String,
}

#[derive(Deserialize)]
struct WholeProduct {
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct Variant {
    sku: String,
}

/// The paths of a mix, in an order that spreads each kind evenly.
pub(crate) async fn discover(
    client: &reqwest::Client,
    base: &Url,
    mix: Mix,
) -> Result<Vec<String>, LoadError> {
    let mut paths = Vec::new();
    for language in ["en", "fr"] {
        let products = list(client, base, language).await?;
        for (index, product) in products.iter().enumerate() {
            let word = product.name.split_whitespace().next().unwrap_or("tea");
            let query: String = url::form_urlencoded::byte_serialize(word.as_bytes()).collect();
            match mix {
                Mix::Products => paths.push(format!("/{language}/p/{}", product.slug)),
                Mix::Search => paths.push(format!(
                    "/v1/products?lang={language}&currency=EUR&facets=true&q={query}"
                )),
                Mix::Browse => {
                    paths.push(format!("/{language}/p/{}", product.slug));
                    match index % 20 {
                        0 => paths.push(format!("/{language}/")),
                        1..=10 => paths.push(format!("/{language}/c/{}", product.category)),
                        11..=15 => paths.push(format!("/{language}/search?q={query}")),
                        _ => {}
                    }
                }
            }
        }
    }
    if paths.is_empty() {
        Err(LoadError::Empty)
    } else {
        Ok(paths)
    }
}

/// What can be bought: a SKU of each of the first products of the shop.
pub(crate) async fn skus(client: &reqwest::Client, base: &Url) -> Result<Vec<String>, LoadError> {
    let mut skus = Vec::new();
    for product in list(client, base, "en").await? {
        let path = format!("/v1/products/{}", product.id);
        let whole: WholeProduct = get(client, base, &path).await?;
        skus.extend(whole.variants.into_iter().next().map(|variant| variant.sku));
    }
    if skus.is_empty() {
        Err(LoadError::Empty)
    } else {
        Ok(skus)
    }
}

/// How long products that were just loaded may take to be listed: each replica of the catalog reads them first, and a gateway may know an older list.
const UNTIL_LISTED: Duration = Duration::from_secs(20);

async fn list(
    client: &reqwest::Client,
    base: &Url,
    language: &str,
) -> Result<Vec<Product>, LoadError> {
    let path = format!("/v1/products?lang={language}&currency=EUR&limit=100&sort=name");
    let started = Instant::now();
    loop {
        let products: Products = get(client, base, &path).await?;
        if !products.items.is_empty() || started.elapsed() > UNTIL_LISTED {
            return Ok(products.items);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn get<T: DeserializeOwned>(
    client: &reqwest::Client,
    base: &Url,
    path: &str,
) -> Result<T, LoadError> {
    let url = format!("{}{path}", base.as_str().trim_end_matches('/'));
    let unreachable = |error| LoadError::Discover(url.clone(), error);
    let response = client
        .get(&url)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(unreachable)?;
    response.json().await.map_err(unreachable)
}
