//! Orders: stock, placing, coupons, shipments, returns, invoices.
//!
//! Everything that must be true together is one transaction of `MariaDB` ([`place_order`] first of all). What others must know is written in the same
//! transaction and delivered by the outbox; what payment says comes through [`hear_events`].

pub mod config;
pub mod routes;

pub mod text;

pub mod address;
pub mod invalid;

pub mod number;
pub mod state;
pub mod stock;

pub mod coupon;
pub mod terms;
pub mod totals;

pub mod order;
pub mod parcel;
pub mod view;
pub mod withdrawal;

pub mod invoice;

pub mod change_order;
pub mod load_order;
pub mod open_order;

pub mod place_order;
pub mod price_cart;
pub mod quote_order;
pub mod write_order;

pub mod hear_events;
pub mod settle_refund;

pub mod cancel_order;
pub mod expire_orders;

pub mod issue_credit_note;
pub mod list_orders;
pub mod look_up_order;
pub mod print_invoice;
pub mod read_order;

pub mod receive_return;
pub mod refund_order;
pub mod request_return;
pub mod ship_order;
pub mod withdraw_order;

pub mod edit_coupons;
pub mod move_stock;
pub mod read_stock;

pub mod forget_person;
pub mod read_ledger;
pub mod replay_events;

pub mod keep_house;

pub mod clients;
pub mod db;
pub mod events;

use std::sync::Arc;

use axum::extract::FromRef;
pub use config::Config;
use jiff::{SignedDuration, Timestamp};
use kit::{
    Health,
    auth::{ServiceTokens, Verifier},
    clock::Clock,
    mariadb::{self, MySqlPool},
    outbox::{Relay, Sinks},
    seal::Sealer,
};
use quick_cache::sync::Cache;
pub use routes::{openapi, router};
use tokio::sync::Semaphore;

use crate::{clients::Neighbors, number::Number, terms::Terms};

/// How many numbers that somebody guesses at are remembered.
const REMEMBERED_GUESSES: usize = 10_000;

/// How many orders are placed at the same time. More would only wait for each other's rows, and for neighbors that they slow down.
const PLACING_AT_ONCE: usize = 32;

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// Time and ids.
    pub clock: Clock,
    /// Who calls.
    pub verifier: Verifier,
    /// The database.
    pub pool: MySqlPool,
    /// Cart, catalog, users.
    pub neighbors: Neighbors,
    /// Seals what is personal.
    pub sealer: Sealer,
    /// Delivers events.
    pub relay: Relay,
    /// Who is configured to hear events.
    pub sinks: Arc<[String]>,
    /// Taxes, shipping, seller.
    pub terms: Arc<Terms>,
    /// Where shoppers reach the shop, without a slash at the end.
    pub public_url: Arc<str>,
    /// How long an unpaid order holds its stock.
    pub reservation: SignedDuration,
    /// How often somebody looked for an order, and since when.
    pub guesses: Arc<Cache<Number, (u32, Timestamp)>>,
    /// Room to place orders, given in the order of asking.
    pub turns: Arc<Semaphore>,
}

/// What an [`App`] is made of.
pub struct Parts {
    /// Time and ids.
    pub clock: Clock,
    /// Who calls.
    pub verifier: Verifier,
    /// The database.
    pub pool: MySqlPool,
    /// Cart, catalog, users.
    pub neighbors: Neighbors,
    /// Seals what is personal.
    pub sealer: Sealer,
    /// What this service says who it is with.
    pub tokens: ServiceTokens,
    /// Who hears events.
    pub sinks: Sinks,
    /// Taxes, shipping, seller.
    pub terms: Terms,
    /// Where shoppers reach the shop.
    pub public_url: String,
    /// How long an unpaid order holds its stock.
    pub reservation: SignedDuration,
}

impl App {
    /// Connects to nothing yet.
    pub fn new(parts: Parts) -> Result<Self, kit::Failure> {
        let names = parts.sinks.0.iter().map(|sink| sink.name.clone()).collect();
        Ok(Self {
            relay: Relay::new(
                parts.pool.clone(),
                parts.sinks,
                parts.tokens,
                parts.clock.clone(),
            )?,
            clock: parts.clock,
            verifier: parts.verifier,
            pool: parts.pool,
            neighbors: parts.neighbors,
            sealer: parts.sealer,
            sinks: names,
            terms: Arc::new(parts.terms),
            public_url: parts.public_url.trim_end_matches('/').into(),
            reservation: parts.reservation,
            guesses: Arc::new(Cache::new(REMEMBERED_GUESSES)),
            turns: Arc::new(Semaphore::new(PLACING_AT_ONCE)),
        })
    }

    /// The one that the configuration describes.
    pub fn configured(config: &Config) -> Result<Self, kit::Failure> {
        let clock = Clock::system();
        let terms = match &config.terms_file {
            Some(file) => Terms::parse(&std::fs::read_to_string(file)?)?,
            None => Terms::parse(terms::DEFAULT)?,
        };
        Self::new(Parts {
            verifier: Verifier::from_file(config.jwks_file.clone(), clock.clone())?,
            pool: mariadb::open(&config.mariadb_url, config.mariadb_connections)?,
            neighbors: Neighbors::new(
                config.cart_url.clone(),
                config.catalog_url.clone(),
                config.users_url.clone(),
            )?,
            sealer: Sealer::from_file(&config.master_key_file)?,
            tokens: ServiceTokens::from_file(
                config.signing_key_file.clone(),
                "orders",
                clock.clone(),
            )?,
            sinks: config.event_sinks.parse()?,
            terms,
            public_url: config.public_url.to_string(),
            reservation: SignedDuration::from_mins(config.reservation_minutes.into()),
            clock,
        })
    }

    /// The health of this process: it can do nothing without its database, and place no order without cart and catalog.
    pub fn health(&self) -> Health {
        let pool = self.pool.clone();
        let (cart, catalog) = (self.neighbors.clone(), self.neighbors.clone());
        Health::new()
            .check("mariadb", true, move || {
                let pool = pool.clone();
                async move { mariadb::ping(&pool).await }
            })
            .check("cart", false, move || {
                let cart = cart.clone();
                async move { cart.cart_reachable().await }
            })
            .check("catalog", false, move || {
                let catalog = catalog.clone();
                async move { catalog.catalog_reachable().await }
            })
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}
