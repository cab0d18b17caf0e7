//! The catalog: products, categories, search and bulk import.
//!
//! Writes go to `MongoDB`, ordered by a journal ([`db::journal`]). Listings, facets and search are answered from memory ([`search`]), which
//! [`refresh`] keeps up with the journal. So shoppers are served while the database is away, and the database never sees a scan.

pub mod config;
pub mod routes;

pub mod text;

pub mod category;
pub mod invalid;
pub mod listing;
pub mod product;
pub mod slug;

pub mod search;

pub mod list_products;
pub mod read_product;
pub mod read_variants;
pub mod suggest;

pub mod save;
pub mod write_product;

pub mod put_category;
pub mod read_categories;

pub mod import;
pub mod import_categories;
pub mod import_products;

pub mod refresh;

pub mod db;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::extract::FromRef;
pub use config::Config;
use kit::{Health, auth::Verifier, clock::Clock};
use quick_cache::sync::Cache;
pub use routes::{openapi, router};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::{
    db::{
        Db,
        journal::{Journal, Patience},
    },
    product::Product,
    search::SearchIndex,
};

/// How many products are remembered as last read, to serve them while the database is away.
const REMEMBERED_PRODUCTS: usize = 4096;
/// How many SKUs are remembered with their product.
const REMEMBERED_SKUS: usize = 16_384;
/// Imports at the same time; each holds some megabytes.
const IMPORTS_AT_ONCE: usize = 4;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// Time and ids.
    pub clock: Clock,
    /// Who calls.
    pub verifier: Verifier,
    /// The database.
    pub db: Db,
    /// The order of writes.
    pub journal: Journal,
    /// The read model.
    pub index: Arc<SearchIndex>,
    /// Products as last read.
    pub remembered: Arc<Cache<Uuid, Arc<Product>>>,
    /// The product of each SKU, as last asked.
    pub sku_owners: Arc<Cache<String, Uuid>>,
    /// Rung after each write, so that the read model follows at once.
    pub written: Arc<Notify>,
    /// Room for imports.
    pub imports: Arc<Semaphore>,
    /// Whether the read model was built.
    pub is_built: Arc<AtomicBool>,
}

impl App {
    /// A catalog that knows nothing yet; [`refresh::run`] fills it.
    pub fn new(db: Db, verifier: Verifier, clock: Clock) -> tantivy::Result<Self> {
        Self::with_patience(db, verifier, clock, Patience::default())
    }

    /// The same with other deadlines between writers.
    pub fn with_patience(
        db: Db,
        verifier: Verifier,
        clock: Clock,
        patience: Patience,
    ) -> tantivy::Result<Self> {
        Ok(Self {
            clock,
            verifier,
            journal: Journal::new(db.clone(), patience),
            db,
            index: Arc::new(SearchIndex::new()?),
            remembered: Arc::new(Cache::new(REMEMBERED_PRODUCTS)),
            sku_owners: Arc::new(Cache::new(REMEMBERED_SKUS)),
            written: Arc::default(),
            imports: Arc::new(Semaphore::new(IMPORTS_AT_ONCE)),
            is_built: Arc::default(),
        })
    }

    /// The health of this process: ready once the read model is built, degraded while the database is away.
    pub fn health(&self) -> Health {
        let db = self.db.clone();
        let is_built = self.is_built.clone();
        let health = Health::new()
            .check("mongodb", false, move || {
                let db = db.clone();
                async move { db.ping().await }
            })
            .check("read model", false, move || {
                let is_built = is_built.load(Ordering::SeqCst);
                async move {
                    if is_built {
                        Ok(())
                    } else {
                        Err("not built yet".to_owned())
                    }
                }
            });
        health.set_ready(false);
        health
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}
