//! What the cart is told at start.

use std::path::PathBuf;

use kit::money::Currency;
use url::Url;

/// Carts of an Amazoff shop.
#[derive(Debug, Clone, clap::Parser)]
#[command(version)]
#[group(id = "cart")]
pub struct Config {
    /// What every service is told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// Where `MongoDB` is, such as <mongodb://mongodb:27017>.
    #[arg(long, env = "MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: String,

    /// The database in it.
    #[arg(long, env = "MONGODB_DATABASE", default_value = "cart")]
    pub mongodb_database: String,

    /// The file with the public keys that access tokens are verified with.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,

    /// Where the catalog answers, such as <http://catalog:8080>: it knows names and prices.
    #[arg(long, env = "CATALOG_URL", value_parser = kit::config::http_url)]
    pub catalog_url: Url,

    /// Where users answers, such as <http://users:8080>: it tells which tokens are refused before they expire.
    #[arg(long, env = "USERS_URL", value_parser = kit::config::http_url)]
    pub users_url: Url,

    /// The currency of carts that ask for none, an ISO 4217 code.
    #[arg(long, env = "CURRENCY", default_value = "EUR")]
    pub currency: Currency,
}
