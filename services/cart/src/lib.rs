//! The carts of guests and persons.
//!
//! A cart is a chain of changes ([`cart::Change`]), each a document of its own whose `_id` names the cart and the revision it makes ([`db::changes`]). Inserting
//! it decides who is next ([`write_change`]), so no line is ever lost to another, whatever the database. Names and prices come from the catalog ([`read_variants`]).

pub mod config;
pub mod routes;

pub mod cart;
pub mod owner;
pub mod variant;
pub mod view;

pub mod load_cart;
pub mod open_cart;
pub mod read_variants;
pub mod write_change;

pub mod answer_cart;
pub mod change_coupon;
pub mod change_lines;
pub mod create_cart;
pub mod merge_carts;
pub mod personal_data;
pub mod read_cart;

pub mod events;

pub mod compact_cart;
pub mod sweep_carts;

pub mod clients;
pub mod db;

use std::sync::Arc;

use axum::extract::FromRef;
pub use config::Config;
use kit::{Health, auth::Verifier, clock::Clock, money::Currency};
pub use routes::{openapi, router};
use url::Url;

use crate::{
    clients::Catalog, db::Db, load_cart::Remembered, read_variants::Shelf, write_change::Queues,
};

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// Time and ids.
    pub clock: Clock,
    /// Who calls.
    pub verifier: Verifier,
    /// The database.
    pub db: Db,
    /// Names and prices.
    pub catalog: Catalog,
    /// The currency of carts that ask for none.
    pub currency: Currency,
    /// Carts as last seen.
    pub carts: Arc<Remembered>,
    /// Variants as last read.
    pub shelf: Arc<Shelf>,
    /// Changes of the same cart, one after the other.
    pub queues: Arc<Queues>,
}

impl App {
    /// Connects to nothing yet.
    pub fn new(
        db: Db,
        verifier: Verifier,
        clock: Clock,
        catalog: Url,
        currency: Currency,
    ) -> Result<Self, reqwest::Error> {
        Ok(Self {
            clock,
            verifier,
            db,
            catalog: Catalog::new(catalog)?,
            currency,
            carts: Arc::new(load_cart::remembered()),
            shelf: Arc::new(read_variants::shelf()),
            queues: Arc::default(),
        })
    }

    /// The health of this process: it can do nothing without its database, and shows the last prices without the catalog.
    pub fn health(&self) -> Health {
        let (db, catalog) = (self.db.clone(), self.catalog.clone());
        Health::new()
            .check("mongodb", true, move || {
                let db = db.clone();
                async move { db.ping().await }
            })
            .check("catalog", false, move || {
                let catalog = catalog.clone();
                async move { catalog.reachable().await }
            })
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}
