//! People: registration, sessions, second factors, roles, addresses, export and erasure.
//!
//! What names a person is sealed with a key of the person's own, so that taking the key away erases it, from backups too. Access tokens are
//! short-lived and verified by every service for itself; refresh tokens are used once each ([`session`]). Whether an address has an
//! account is told to nobody but its owner, by mail.

/// The system's own keeps what was freed in the arena of the thread that had taken it. Each hash takes 19 MiB on whatever thread is free, so after
/// a dozen logins the process held 300 MiB, and was ended for it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

pub mod config;
pub mod routes;

pub mod address;
pub mod email;
pub mod password;
pub mod person;
pub mod role;

pub mod base32;
pub mod hash;
pub mod recovery;
pub mod secret;
pub mod session;
pub mod throttle;
pub mod totp;

pub mod answer_evenly;
pub mod hash_password;
pub mod issue_session;
pub mod note_audit;
pub mod sign_token;
pub mod throttle_attempts;
pub mod verify_factor;

pub mod register_person;

pub mod log_in;
pub mod refresh_session;

pub mod list_sessions;
pub mod log_out;

pub mod change_password;
pub mod reset_password;

pub mod edit_profile;
pub mod keep_addresses;
pub mod log_in_with_passkey;
pub mod manage_passkeys;
pub mod manage_totp;

pub mod assign_roles;
pub mod list_people;
pub mod read_audit;
pub mod replay_events;

pub mod publish_keys;
pub mod publish_revocations;

pub mod erasure;

pub mod carry_out_erasures;
pub mod erase_person;
pub mod export_person;

pub mod appoint_first_admin;
pub mod sweep_expired;

pub mod clients;
pub mod db;
pub mod events;

use std::{error::Error, path::PathBuf, sync::Arc, time::Duration};

use axum::extract::FromRef;
pub use config::Config;
use kit::{
    Failure, Health,
    auth::{ServiceTokens, Verifier},
    clock::Clock,
    mariadb::{self, MySqlPool},
    outbox::Relay,
    seal::Sealer,
};
pub use routes::{openapi, router};
use tokio::sync::Notify;
use url::Url;
use webauthn_rs::prelude::Webauthn;

use crate::{
    appoint_first_admin::FirstAdmin, clients::PeopleService, db::DbResult, email::Email,
    hash::Cost, hash_password::Hasher, manage_passkeys::relying_party, sign_token::TokenSigner,
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
    /// Keys of people.
    pub sealer: Sealer,
    /// Passwords.
    pub hasher: Hasher,
    /// Signs people's access tokens.
    pub signer: TokenSigner,
    /// What this service calls others with.
    pub service_tokens: ServiceTokens,
    /// Delivers what is told to others.
    pub relay: Relay,
    /// Who else keeps something about people.
    pub people_services: Arc<[PeopleService]>,
    /// Where the shop is.
    pub public_url: Arc<Url>,
    /// What it is called.
    pub shop_name: Arc<str>,
    /// The public keys.
    pub jwks_file: Arc<PathBuf>,
    /// Rung when somebody has asked to be erased.
    pub erasure_asked: Arc<Notify>,
    /// Checks passkeys.
    pub webauthn: Arc<Webauthn>,
}

impl App {
    /// The service as it is configured.
    pub fn from_config(config: &Config, clock: Clock) -> Result<(Self, Health), Failure> {
        let pool = mariadb::open(&config.mariadb_url, config.mariadb_connections)
            .map_err(unusable("MARIADB_URL"))?;
        let service_tokens =
            ServiceTokens::from_file(config.signing_key_file.clone(), "users", clock.clone())
                .map_err(unusable("SIGNING_KEY_FILE"))?;
        let sinks = config
            .event_sinks
            .parse()
            .map_err(unusable("EVENT_SINKS"))?;
        let relay = Relay::new(pool.clone(), sinks, service_tokens.clone(), clock.clone())?;
        let services = config.people_services.iter().cloned();
        let people_services: Vec<PeopleService> =
            services.map(PeopleService::new).collect::<Result<_, _>>()?;
        let signer = TokenSigner::from_file(config.token_key_file.clone(), clock.clone())
            .map_err(unusable("TOKEN_KEY_FILE"))?;
        let app = Self {
            verifier: Verifier::from_file(config.jwks_file.clone(), clock.clone())
                .map_err(unusable("JWKS_FILE"))?,
            sealer: Sealer::from_file(&config.master_key_file)
                .map_err(unusable("MASTER_KEY_FILE"))?,
            hasher: Hasher::new(Cost::OWASP, usize::from(config.hashes_at_once))?,
            signer,
            clock,
            pool,
            service_tokens,
            relay,
            people_services: people_services.into(),
            webauthn: Arc::new(
                relying_party(&config.public_url, &config.shop_name)
                    .map_err(unusable("PUBLIC_URL"))?,
            ),
            public_url: Arc::new(config.public_url.clone()),
            shop_name: config.shop_name.as_str().into(),
            jwks_file: Arc::new(config.jwks_file.clone()),
            erasure_asked: Arc::default(),
        };
        let health = app.health();
        Ok((app, health))
    }

    /// The health of this process: nothing works without the database.
    pub fn health(&self) -> Health {
        let pool = self.pool.clone();
        Health::new().check("mariadb", true, move || {
            let pool = pool.clone();
            async move { mariadb::ping(&pool).await }
        })
    }

    /// By which an address is found that nobody can read.
    pub fn email_index(&self, email: &Email) -> DbResult<[u8; 32]> {
        Ok(self.sealer.blind_index("email", email.as_str())?)
    }

    /// Refuses the tokens that were revoked, here and now. Other replicas and services follow within a second.
    pub async fn follow_own_revocations(&self) {
        match publish_revocations::current(self).await {
            Ok(revocations) => {
                let people = revocations.people.into_iter();
                let subjects = people.map(|(person, second)| (person.to_string(), second));
                self.verifier.revoke(subjects.collect());
            }
            Err(error) => tracing::warn!(
                error = kit::problem::chain(&error),
                "revocations are not known; what was known holds"
            ),
        }
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}

/// A setting that stops the start.
#[derive(Debug, thiserror::Error)]
#[error("{variable} can't be used")]
struct Unusable {
    variable: &'static str,
    source: Box<dyn Error + Send + Sync>,
}

fn unusable<E: Error + Send + Sync + 'static>(variable: &'static str) -> impl Fn(E) -> Unusable {
    move |error| Unusable {
        variable,
        source: error.into(),
    }
}

/// How often revocations of other replicas are looked for.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// Serves until the process is told to end, with all that goes on beside.
pub async fn run(app: App, health: Health, config: &Config) -> Result<(), Failure> {
    let first_admin = FirstAdmin::read(
        config.first_admin_email.as_deref(),
        config.first_admin_password_file.as_ref(),
    )?;
    let migrated = mariadb::migrate_when_there(
        app.pool.clone(),
        db::MIGRATIONS,
        config.tables.migrations,
        health.clone(),
    );
    tokio::spawn(prepare(app.clone(), migrated, first_admin));
    let relay = app.relay.clone();
    kit::serve("users", &config.kit, router(app), health).await?;
    relay.stop();
    Ok(())
}

/// Once the tables are there, everything that needs them begins.
async fn prepare(app: App, migrated: impl Future<Output = ()>, first_admin: Option<FirstAdmin>) {
    migrated.await;
    tokio::spawn(app.relay.clone().run());
    tokio::spawn(carry_out_erasures::run(app.clone()));
    tokio::spawn(sweep_expired::run(app.clone()));
    if let Some(first_admin) = first_admin {
        tokio::spawn(appoint_first_admin::run(app.clone(), first_admin));
    }
    loop {
        app.follow_own_revocations().await;
        tokio::time::sleep(FOLLOW_EVERY).await;
    }
}
