//! The shop's one door: every request passes here, is routed, checked, limited, perhaps answered from the cache, and otherwise
//! passed on to the service that knows the answer.
//!
//! Reading order: [`routes`] is the table; [`proxy`] is one request's way through; [`clients`] is what it is passed on to.

pub mod config;
pub mod routes;

pub mod bucket;
pub mod caller;
pub mod compression;
pub mod cors;
pub mod freshness;
pub mod headers;
pub mod route;
pub mod stored;
pub mod variant;

mod pass_socket;
mod proxy;
pub mod refusal;
mod serve_cached;

pub mod cache;
pub mod clients;
pub mod db;
pub mod limiter;
mod metrics;

use crate::{
    cache::Cache, clients::Upstream, config::Config, cors::Cors, db::Redis, limiter::Limiter,
    metrics::CacheMetrics, route::Target, serve_cached::Flights,
};
use ipnet::IpNet;
use kit::{
    Health,
    auth::{AddressTokens, KeyError, Verifier},
    clock::Clock,
    serve::Upgraded,
};
use std::{ops::Deref, sync::Arc};

pub use routes::handler;

/// What every request shares.
#[derive(Clone)]
pub struct App(Arc<Shared>);

/// The parts of [`App`].
pub struct Shared {
    catalog: Upstream,
    storefront: Upstream,
    users: Upstream,
    cart: Upstream,
    orders: Upstream,
    payment: Upstream,
    notifications: Upstream,
    verifier: Verifier,
    limiter: Limiter,
    cache: Option<Cache>,
    cache_metrics: CacheMetrics,
    flights: Flights,
    redis: Option<Redis>,
    clock: Clock,
    upgraded: Upgraded,
    trusted: Vec<IpNet>,
    cors: Cors,
    /// Says whose request it is to services that can't see it.
    addresses: Option<AddressTokens>,
    https: bool,
}

/// Why the gateway can't start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// `JWKS_FILE` can't be used.
    #[error("JWKS_FILE: the signing keys can't be read")]
    Keys(#[source] KeyError),
    /// `SIGNING_KEY_FILE` can't be used.
    #[error("SIGNING_KEY_FILE: the gateway's own key can't be read")]
    OwnKey(#[source] KeyError),
    /// `REDIS_URL` is not an address of Redis.
    #[error("REDIS_URL must be an address such as redis://shop-redis:6379")]
    Redis(#[source] redis::RedisError),
}

impl App {
    /// The gateway as configured; connects in the background, so it needs a runtime but waits for nothing.
    pub fn new(config: &Config, clock: Clock) -> Result<Self, StartError> {
        let verifier = Verifier::from_file(config.jwks_file.clone(), clock.clone())
            .map_err(StartError::Keys)?;
        let redis = config
            .redis_url
            .as_deref()
            .map(Redis::connect)
            .transpose()
            .map_err(StartError::Redis)?;
        let addresses = config
            .signing_key_file
            .clone()
            .map(|file| AddressTokens::from_file(file, "gateway", clock.clone()))
            .transpose()
            .map_err(StartError::OwnKey)?;
        Ok(Self(Arc::new(Shared {
            catalog: Upstream::new("catalog", &config.catalog_url),
            storefront: Upstream::new("storefront", &config.storefront_url),
            users: Upstream::new("users", &config.users_url),
            cart: Upstream::new("cart", &config.cart_url),
            orders: Upstream::new("orders", &config.orders_url),
            payment: Upstream::new("payment", &config.payment_url),
            notifications: Upstream::new("notifications", &config.notifications_url),
            verifier,
            limiter: Limiter::new(&config.rate_limits, redis.clone()),
            cache: Cache::new(config.cache_mib),
            cache_metrics: CacheMetrics::new(),
            flights: Flights::default(),
            redis,
            clock,
            upgraded: Upgraded::default(),
            trusted: config.trusted_proxies.clone(),
            addresses,
            cors: Cors::new(config.cors_origins.clone()),
            https: config
                .public_url
                .as_ref()
                .is_some_and(|url| url.scheme() == "https"),
        })))
    }

    /// Nothing is critical: whichever neighbour is gone, the rest can still be served.
    pub fn health(&self) -> Health {
        let mut health = Health::new();
        if let Some(redis) = self.redis.clone() {
            health = health.check("redis", false, move || {
                let connected = redis.is_connected();
                async move {
                    connected.then_some(()).ok_or_else(|| {
                        "not connected: limits and cached answers are not shared".to_owned()
                    })
                }
            });
        }
        for target in Target::ALL {
            let Some(upstream) = self.upstream(target) else {
                continue;
            };
            let (app, name) = (self.clone(), upstream.name);
            health = health.check(name, false, move || {
                let failing = app.upstream(target).is_some_and(Upstream::is_left_alone);
                async move {
                    if failing {
                        Err(format!("{name} does not answer"))
                    } else {
                        Ok(())
                    }
                }
            });
        }
        health
    }

    /// The connections that are no longer HTTP.
    pub fn upgraded(&self) -> Upgraded {
        self.upgraded.clone()
    }

    /// Now, in milliseconds since the epoch.
    fn now(&self) -> i64 {
        self.clock.now().as_millisecond()
    }

    /// Whether limits and kept answers are shared with other replicas now.
    pub fn is_sharing(&self) -> bool {
        self.redis.as_ref().is_some_and(Redis::is_connected)
    }

    fn upstream(&self, target: Target) -> Option<&Upstream> {
        match target {
            Target::Catalog => Some(&self.catalog),
            Target::Storefront => Some(&self.storefront),
            Target::Users => Some(&self.users),
            Target::Cart => Some(&self.cart),
            Target::Orders => Some(&self.orders),
            Target::Payment => Some(&self.payment),
            Target::Notifications => Some(&self.notifications),
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
