//! What notifications is told at start.

use std::path::PathBuf;

use url::Url;

/// Mails of an Amazoff shop.
#[derive(Debug, Clone, clap::Parser)]
#[command(version)]
#[group(id = "notifications")]
pub struct Config {
    /// What every service is told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// Where `MongoDB` is, such as <mongodb://mongodb:27017>.
    #[arg(long, env = "MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: String,

    /// The database in it.
    #[arg(long, env = "MONGODB_DATABASE", default_value = "notifications")]
    pub mongodb_database: String,

    /// The file with the public keys that access tokens are verified with.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,

    /// Where users answers, such as <http://users:8080>: it tells which tokens are refused before they expire.
    #[arg(long, env = "USERS_URL", value_parser = kit::config::http_url)]
    pub users_url: Url,

    /// The file with the key that wraps the keys addresses are sealed with: 32 bytes in base64.
    #[arg(long, env = "MASTER_KEY_FILE")]
    pub master_key_file: PathBuf,

    /// Where mails are handed in: <smtps://user:password@host>, <smtp://user:password@host:587?tls=required>, or <smtp://host:1025>.
    #[arg(long, env = "SMTP_URL", hide_env_values = true)]
    pub smtp_url: String,

    /// Who the mails are from, such as "Amazoff <shop@example.com>".
    #[arg(long, env = "MAIL_FROM")]
    pub mail_from: String,

    /// Where shoppers reach the shop: for the links in mails.
    #[arg(long, env = "PUBLIC_URL", value_parser = kit::config::http_url)]
    pub public_url: Url,

    /// What the shop is called in mails.
    #[arg(long, env = "SHOP_NAME", default_value = "Amazoff")]
    pub shop_name: String,
}
