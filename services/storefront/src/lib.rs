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

pub mod address;
pub mod assets;
pub mod availability;
pub mod basket;
pub mod card;
pub mod category_tree;
pub mod country;
pub mod date;
pub mod device;
pub mod draft;
pub mod drawing;
pub mod form;
pub mod jar;
pub mod json_ld;
pub mod listing;
pub mod listing_page;
pub mod listing_query;
pub mod origin;
pub mod qr_code;
pub mod shell;
pub mod sitemap;
pub mod tracking;
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

mod change_cart;
mod fill_checkout;
mod pay_order;
mod place_order;
mod review_order;
mod show_cart;
mod show_checkout;

mod cancel_order;
mod return_goods;
mod show_order;
mod show_papers;
mod track_order;
mod withdraw_order;

mod edit_profile;
mod form_page;
mod keep_addresses;
mod keep_passkeys;
mod log_in;
mod register_person;
mod reset_password;
mod set_up_totp;
mod show_account;

mod keep_session;
mod read_cart;
mod read_shopper;

pub mod answer_page;
pub mod clients;
pub mod page_error;
pub mod read_menu;

use crate::{
    clients::{
        Catalog, cart::Carts, neighbor::Neighbor, orders::Orders, payments::Payments, users::Users,
    },
    config::Config,
    keep_session::Sessions,
    language::Language,
    read_menu::Menu,
};
use kit::{
    Health,
    client::{Client, Limits},
    clock::Clock,
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
    /// The carts, if there are any.
    pub carts: Option<Carts>,
    /// Orders and stock, if there are any.
    pub orders: Option<Orders>,
    /// People, if they can have accounts.
    pub users: Option<Users>,
    /// Payments, if any can be made.
    pub payments: Option<Payments>,
    /// The sessions of people.
    sessions: Option<Sessions>,
    /// Tells the time.
    pub clock: Clock,
    /// Where shoppers reach the shop, without a slash at the end.
    pub origin: Arc<str>,
    /// The currency of all prices.
    pub currency: Currency,
    /// For shoppers who ask for neither language.
    pub default_language: Language,
}

impl App {
    /// The application as configured; connects to nothing yet.
    pub fn new(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let client = Client::new("catalog", config.catalog_url.clone(), LIMITS)
            .map_err(StartError::client)?;
        let catalog = Catalog::new(client);
        let neighbor = |service, url: &Option<url::Url>| {
            url.as_ref()
                .map(|url| Neighbor::new(service, url))
                .transpose()
        };
        let users = neighbor("users", &config.users_url)?.map(Users);
        Ok(Self {
            menu: Menu::new(catalog.clone()),
            catalog,
            carts: neighbor("cart", &config.cart_url)?.map(Carts),
            orders: neighbor("orders", &config.orders_url)?.map(Orders),
            payments: neighbor("payment", &config.payment_url)?.map(Payments),
            sessions: users.clone().map(Sessions::new),
            users,
            clock,
            origin: config.public_url.as_str().trim_end_matches('/').into(),
            currency: config.currency,
            default_language: config.default_language,
        })
    }

    /// Who can be asked. Nobody is critical: without any of them, the pages still say so in the shopper's language.
    pub fn health(&self) -> Health {
        let catalog = self.catalog.clone();
        let health = Health::new().check("catalog", false, move || {
            let catalog = catalog.clone();
            async move { catalog.reachable().await }
        });
        let neighbors = [
            ("cart", self.carts.as_ref().map(|carts| &carts.0)),
            ("orders", self.orders.as_ref().map(|orders| &orders.0)),
            ("users", self.users.as_ref().map(|users| &users.0)),
            (
                "payment",
                self.payments.as_ref().map(|payments| &payments.0),
            ),
        ];
        let there = neighbors
            .into_iter()
            .filter_map(|(name, neighbor)| Some((name, neighbor?.clone())));
        there.fold(health, |health, (name, neighbor)| {
            health.check(name, false, move || {
                let neighbor = neighbor.clone();
                async move { neighbor.reachable().await }
            })
        })
    }

    /// Whether things can be put into a cart.
    pub fn sells(&self) -> bool {
        self.carts.is_some()
    }

    /// Whether shoppers reach the shop over https, so that cookies never travel without.
    pub fn is_secure(&self) -> bool {
        self.origin.starts_with("https://")
    }

    /// The country that forms begin with.
    pub fn default_country(&self) -> &'static str {
        "FR"
    }
}

/// The HTTP client could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client can't be made")]
pub struct StartError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl StartError {
    fn client(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}
