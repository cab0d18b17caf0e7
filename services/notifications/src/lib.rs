//! Mails about accounts and orders.
//!
//! An event that another service tells ([`events`]) gives occasion ([`occasion`]) to one mail ([`mail`]), which is queued under the event's id ([`queue_mail`]), so that telling
//! it again makes no second one. What it says and to whom is sealed ([`seal_mail`]) until it is written ([`letter`], [`messages`]) and handed in ([`deliver_mails`]).

pub mod config;
pub mod routes;

pub mod language;
pub mod money;

pub mod letter;
pub mod mail;
pub mod messages;
pub mod metrics;
pub mod occasion;

pub mod events;
pub mod queue_mail;
pub mod seal_mail;

pub mod deliver_mails;
pub mod sweep_mails;

pub mod list_mails;
pub mod personal_data;
pub mod retry_mail;

pub mod clients;
pub mod db;

use std::sync::Arc;

use axum::extract::FromRef;
pub use config::Config;
use kit::{Health, auth::Verifier, clock::Clock, seal::Sealer};
pub use routes::{openapi, router};
use tokio::sync::Notify;

use crate::{clients::PostOffice, db::Db, letter::Shop};

/// What the handlers share.
#[derive(Clone)]
pub struct App {
    /// Time and ids.
    pub clock: Clock,
    /// Who calls.
    pub verifier: Verifier,
    /// The database.
    pub db: Db,
    /// What seals addresses.
    pub sealer: Sealer,
    /// Where mails are handed in.
    pub post_office: PostOffice,
    /// Who writes.
    pub shop: Arc<Shop>,
    /// Rung when there is something to deliver.
    pub queued: Arc<Notify>,
}

/// A setting that stops the start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Of the keys of tokens.
    #[error("JWKS_FILE")]
    Keys(#[from] kit::auth::KeyError),
    /// Of the database.
    #[error("MONGODB_URI")]
    Db(#[from] db::DbError),
    /// Of the key that wraps keys.
    #[error("MASTER_KEY_FILE")]
    Seal(#[from] kit::seal::SealError),
    /// Of the mail server.
    #[error(transparent)]
    PostOffice(#[from] clients::PostOfficeError),
}

impl App {
    /// As configured; connects to nothing yet.
    pub async fn open(config: &Config) -> Result<Self, StartError> {
        let clock = Clock::system();
        Ok(Self {
            verifier: Verifier::from_file(config.jwks_file.clone(), clock.clone())?,
            clock,
            db: Db::open(&config.mongodb_uri, &config.mongodb_database).await?,
            sealer: Sealer::from_file(&config.master_key_file)?,
            post_office: PostOffice::new(&config.smtp_url, &config.mail_from)?,
            shop: Arc::new(Shop {
                name: config.shop_name.clone(),
                url: config.public_url.as_str().trim_end_matches('/').to_owned(),
            }),
            queued: Arc::default(),
        })
    }

    /// The health of this process: it can do nothing without its database; without the mail server, mails wait.
    pub fn health(&self) -> Health {
        let (db, post_office) = (self.db.clone(), self.post_office.clone());
        Health::new()
            .check("mongodb", true, move || {
                let db = db.clone();
                async move { db.ping().await }
            })
            .check("smtp", false, move || {
                let post_office = post_office.clone();
                async move { post_office.reachable().await }
            })
    }
}

impl FromRef<App> for Verifier {
    fn from_ref(app: &App) -> Self {
        app.verifier.clone()
    }
}
