//! Payments: taking money through a provider exactly once, and giving it back.
//!
//! Whatever is heard of a payment, by whatever way, becomes a [`payment::Fact`]; [`completion::decide`] says what follows, and
//! [`complete_payment::complete`] does it in one transaction. What a payment waits for, [`schedule::todo`] says, and
//! [`advance_payment::advance`] asks the provider for it.

pub mod config;
pub mod routes;

pub mod completion;
pub mod payment;
pub mod refund;
pub mod schedule;

pub mod certificate;
pub mod notice;
pub mod outcome;
pub mod owner;
pub mod paypal;
pub mod signature;
pub mod stripe;
pub mod view;

pub mod list_methods;
pub mod start_payment;

pub mod open_hosted_page;
pub mod read_payment;
pub mod sync_payment;

pub mod hear_webhook;
pub mod serve_test_page;

pub mod hear_orders;

pub mod list_payments;
pub mod replay_events;
pub mod resolve_problem;

pub mod person_data;

pub mod advance_payment;
pub mod complete_payment;
pub mod complete_refund;
pub mod send_refund;
pub mod sweep_payments;

pub mod clients;
pub mod db;
pub mod events;
pub mod metrics;

use std::sync::{Arc, Mutex};

use axum::extract::FromRef;
pub use config::Config;
use kit::{
    Health,
    auth::{KeyError, ServiceTokens, Verifier, follow_revocations},
    client::{Client, Limits},
    clock::{Clock, random_bytes},
    mariadb,
    outbox::{Relay, SinksError},
};
pub use routes::{openapi, router};
use sqlx::MySqlPool;
use tokio::sync::Notify;
use url::Url;

use crate::{
    clients::{Providers, https::Https, paypal::Paypal, stripe::Stripe, test::TestProvider},
    config::{SecretError, secret},
    db::MIGRATIONS,
    view::Surroundings,
};

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// Time and ids.
    pub clock: Clock,
    /// Who calls.
    pub verifier: Verifier,
    /// The database.
    pub pool: MySqlPool,
    /// Sends events; rung after each transaction that wrote one.
    pub relay: Relay,
    /// The providers that are offered.
    pub providers: Arc<Providers>,
    /// The shop's orders.
    pub orders: Arc<Client>,
    /// Who we are to them.
    pub tokens: ServiceTokens,
    /// Where shoppers reach the shop, without a slash at the end.
    pub public_url: Arc<str>,
    /// Rung when something waits to be looked at.
    pub sweep: Arc<Notify>,
}

/// Why the service can't start.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The address of the database is none.
    #[error("MARIADB_URL can't be used")]
    Database(#[source] sqlx::Error),
    /// The keys.
    #[error("the keys can't be used")]
    Keys(#[from] KeyError),
    /// Who hears of payments.
    #[error("EVENT_SINKS can't be used")]
    Sinks(#[from] SinksError),
    /// A provider's secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// Calls to orders.
    #[error("calls can't be made")]
    Client(#[from] reqwest::Error),
    /// Calls to providers.
    #[error("the certificates of the system's authorities can't be read")]
    Authorities(#[from] std::io::Error),
}

impl App {
    /// All that the handlers share, as the settings say. Nothing is called yet.
    pub fn new(config: &Config, clock: Clock) -> Result<Self, SetupError> {
        let pool = mariadb::open(&config.mariadb_url, config.mariadb_connections)
            .map_err(SetupError::Database)?;
        let signing_key = config.signing_key_file.clone();
        let tokens = ServiceTokens::from_file(signing_key, "payment", clock.clone())?;
        let relay = Relay::new(
            pool.clone(),
            config.event_sinks.parse()?,
            tokens.clone(),
            clock.clone(),
        )?;
        let orders = Client::new("orders", config.orders_url.clone(), Limits::default())?;
        Ok(Self {
            verifier: Verifier::from_file(config.jwks_file.clone(), clock.clone())?,
            providers: Arc::new(providers(config, &clock)?),
            orders: Arc::new(orders),
            public_url: origin(&config.public_url),
            sweep: Arc::default(),
            pool,
            relay,
            tokens,
            clock,
        })
    }

    /// Starts what runs beside the handlers: migrations, events, the sweeper, revocations.
    pub fn work(&self, config: &Config, health: Health) {
        metrics::register();
        let migrated = mariadb::migrate_when_there(
            self.pool.clone(),
            MIGRATIONS,
            config.tables.migrations,
            health,
        );
        let (relay, app) = (self.relay.clone(), self.clone());
        tokio::spawn(async move {
            migrated.await;
            tokio::join!(
                relay.run(),
                sweep_payments::run(app.clone()),
                sweep_payments::keep_house(app)
            );
        });
        if let Ok(url) = config.users_url.join("internal/v1/revocations") {
            tokio::spawn(follow_revocations(self.verifier.clone(), url));
        }
    }

    /// The health of this process: ready while the database answers. That orders or a provider is away shows, and closes nothing: webhooks
    /// must be heard all the same.
    pub fn health(&self) -> Health {
        let (pool, orders) = (self.pool.clone(), Arc::clone(&self.orders));
        Health::new()
            .check("mariadb", true, move || {
                let pool = pool.clone();
                async move { mariadb::ping(&pool).await }
            })
            .check("orders", false, move || {
                let orders = Arc::clone(&orders);
                async move { orders.reachable().await }
            })
    }

    /// What actions are made of.
    pub fn surroundings(&self) -> Surroundings<'_> {
        let stripe = self.providers.stripe.as_ref();
        Surroundings {
            public_url: &self.public_url,
            publishable_key: stripe.map(|stripe| stripe.publishable_key.as_str()),
        }
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}

/// An address to which a path can be added.
pub fn origin(url: &Url) -> Arc<str> {
    url.as_str().trim_end_matches('/').into()
}

/// The providers whose settings are there.
fn providers(config: &Config, clock: &Clock) -> Result<Providers, SetupError> {
    let mut providers = Providers::default();
    if config.test_provider {
        let webhook_secret = match &config.test_provider_secret_file {
            Some(file) => secret("TEST_PROVIDER_SECRET_FILE", file)?,
            None => signature::hex(&random_bytes::<32>()),
        };
        providers.test = Some(TestProvider {
            webhook_secret,
            late_seconds: config.test_provider_late_seconds,
        });
    }
    if let (Some(key), Some(publishable_key), Some(webhook_secret)) = (
        &config.stripe_secret_key_file,
        &config.stripe_publishable_key,
        &config.stripe_webhook_secret_file,
    ) {
        providers.stripe = Some(Stripe {
            https: Https::new()?,
            api: config.stripe_api_url.clone(),
            secret_key: secret("STRIPE_SECRET_KEY_FILE", key)?,
            publishable_key: publishable_key.clone(),
            webhook_secret: secret("STRIPE_WEBHOOK_SECRET_FILE", webhook_secret)?,
        });
    }
    if let (Some(client_id), Some(client_secret), Some(webhook_id)) = (
        &config.paypal_client_id,
        &config.paypal_client_secret_file,
        &config.paypal_webhook_id,
    ) {
        let certificates_from = config.paypal_certificates_url.clone();
        providers.paypal = Some(Paypal {
            https: Https::new()?,
            api: config.paypal_api_url.clone(),
            client_id: client_id.clone(),
            client_secret: secret("PAYPAL_CLIENT_SECRET_FILE", client_secret)?,
            webhook_id: webhook_id.clone(),
            certificates_from: certificates_from
                .unwrap_or_else(|| config::certificates_of(&config.paypal_api_url)),
            authorities: rustls_native_certs::load_native_certs().certs,
            public_url: config.public_url.clone(),
            clock: clock.clone(),
            token: tokio::sync::Mutex::default(),
            certificates: Mutex::default(),
        });
    }
    Ok(providers)
}
