//! The shop's pages: rendered on the server, in French and English, from what the catalog says.
//!
//! Reading order: a request becomes a [`answer_page::Visit`]; a use case (`show_…`) reads the catalog and builds a page of the nouns; the
//! page's template renders it; the visit turns it, or what went wrong, into an answer.

pub mod config;
pub mod routes;

pub mod language;
pub mod messages;
pub mod money;
pub mod unit_price;

pub mod assets;
pub mod card;
pub mod category_tree;
pub mod drawing;
pub mod json_ld;
pub mod listing;
pub mod listing_page;
pub mod listing_query;
pub mod shell;
pub mod sitemap;
pub mod variant;

mod choose_language;
mod serve_asset;
mod show_category;
mod show_departments;
mod show_error;
mod show_home;
mod show_product;
mod show_search;
mod write_sitemap;

pub mod answer_page;
pub mod clients;
pub mod page_error;
pub mod read_menu;

use crate::{clients::Catalog, config::Config, language::Language, read_menu::Menu};
use kit::{
    client::{Client, Limits},
    money::Currency,
};
use std::{sync::Arc, time::Duration};

pub use routes::router;

/// How long a page waits for any of its parts.
const LIMITS: Limits = Limits {
    deadline: Duration::from_millis(1500),
    retries: 1,
};

/// What every request shares.
#[derive(Clone)]
pub struct App {
    /// The catalog.
    pub catalog: Catalog,
    /// The categories, kept.
    pub menu: Menu,
    /// Where shoppers reach the shop, without a slash at the end.
    pub origin: Arc<str>,
    /// The currency of all prices.
    pub currency: Currency,
    /// For shoppers who ask for neither language.
    pub default_language: Language,
}

impl App {
    /// The application as configured; connects to nothing yet.
    pub fn new(config: &Config) -> Result<Self, StartError> {
        let client = Client::new("catalog", config.catalog_url.clone(), LIMITS)
            .map_err(|error| StartError(error.into()))?;
        let catalog = Catalog::new(client);
        Ok(Self {
            menu: Menu::new(catalog.clone()),
            catalog,
            origin: config.public_url.as_str().trim_end_matches('/').into(),
            currency: config.currency,
            default_language: config.default_language,
        })
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be made")]
pub struct StartError(#[source] Box<dyn std::error::Error + Send + Sync>);
