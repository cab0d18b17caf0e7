//! The shop's one door: every request passes here, is routed, checked, limited, perhaps answered from the cache, and otherwise
//! passed on to the service that knows the answer.
//!
//! Reading order: [`routes`] is the table; [`proxy`] is one request's way through; [`upstream`] is what it is passed on to.

pub mod config;
pub mod routes;

pub mod bucket;
pub mod caller;
pub mod cors;
pub mod headers;
pub mod route;

mod proxy;
pub mod refusal;
mod upgrade;

mod metrics;
pub mod upstream;

use crate::{config::Config, cors::Cors, route::Target, upstream::Upstream};
use ipnet::IpNet;
use kit::{
    Health,
    auth::{KeyError, Verifier},
    clock::Clock,
};
use std::{ops::Deref, sync::Arc};

pub use routes::router;

/// What every request shares.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// The parts of [`App`].
pub struct Shared {
    catalog: Upstream,
    storefront: Upstream,
    verifier: Verifier,
    trusted: Vec<IpNet>,
    cors: Cors,
    https: bool,
}

/// Why the gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `JWKS_FILE` can't be used.
    #[error("JWKS_FILE: the signing keys can't be read")]
    Keys(#[source] KeyError),
}

impl App {
    /// The gateway as configured; connects to nothing yet.
    pub fn new(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let verifier =
            Verifier::from_file(config.jwks_file.clone(), clock).map_err(StartError::Keys)?;
        Ok(Self(Arc::new(Shared {
            catalog: Upstream::new("catalog", &config.catalog_url),
            storefront: Upstream::new("storefront", &config.storefront_url),
            verifier,
            trusted: config.trusted_proxies.clone(),
            cors: Cors::new(config.cors_origins.clone()),
            https: config
                .public_url
                .as_ref()
                .is_some_and(|url| url.scheme() == "https"),
        })))
    }

    /// Nothing is critical: whichever neighbour is gone, the rest can still be served.
    pub fn health(&self) -> Health {
        Health::new()
    }

    fn upstream(&self, target: Target) -> Option<&Upstream> {
        match target {
            Target::Catalog => Some(&self.catalog),
            Target::Storefront => Some(&self.storefront),
            Target::Nobody => None,
        }
    }
}

impl Deref for App {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
