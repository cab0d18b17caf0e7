//! What shoppers ask for: found in the shop itself, so that any catalog can be loaded.

use serde::Deserialize;
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
    slug: String,
    name: String,
    category: String,
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

async fn list(
    client: &reqwest::Client,
    base: &Url,
    language: &str,
) -> Result<Vec<Product>, LoadError> {
    let path = format!("/v1/products?lang={language}&currency=EUR&limit=100&sort=name");
    let unreachable = |error| LoadError::Discover(format!("{base}{path}"), error);
    let url = format!("{}{path}", base.as_str().trim_end_matches('/'));
    let response = client
        .get(url)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(unreachable)?;
    let products: Products = response.json().await.map_err(unreachable)?;
    Ok(products.items)
}
