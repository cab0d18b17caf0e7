//! What orders is told at start.

use std::path::PathBuf;

use url::Url;

/// Stock, orders, coupons, shipments and returns of an Amazoff shop.
#[derive(Debug, Clone, clap::Parser)]
#[command(version)]
#[group(id = "orders")]
pub struct Config {
    /// What every service is told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// How its tables come to be up to date.
    #[command(flatten)]
    pub tables: kit::mariadb::Tables,

    /// Where `MariaDB` is, such as <mysql://orders:password@mariadb:3306/orders>.
    #[arg(long, env = "MARIADB_URL", hide_env_values = true)]
    pub mariadb_url: String,

    /// How many connections to `MariaDB` are kept at most.
    #[arg(long, env = "MARIADB_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub mariadb_connections: u32,

    /// Where the cart service is.
    #[arg(long, env = "CART_URL", value_parser = kit::config::http_url)]
    pub cart_url: Url,

    /// Where the catalog is.
    #[arg(long, env = "CATALOG_URL", value_parser = kit::config::http_url)]
    pub catalog_url: Url,

    /// Where users is.
    #[arg(long, env = "USERS_URL", value_parser = kit::config::http_url)]
    pub users_url: Url,

    /// The file with the public keys that access tokens are verified with.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,

    /// The file with this service's own private key, which signs what it sends to others.
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: PathBuf,

    /// The file with the key that people's keys are wrapped with: 32 bytes in base64.
    #[arg(long, env = "MASTER_KEY_FILE")]
    pub master_key_file: PathBuf,

    /// Who hears of orders: `name=url` of payment, cart and notifications, separated by spaces.
    #[arg(long, env = "EVENT_SINKS", default_value = "")]
    pub event_sinks: String,

    /// Where shoppers reach the shop: for addresses in mails.
    #[arg(long, env = "PUBLIC_URL", value_parser = kit::config::http_url)]
    pub public_url: Url,

    /// A file with the shop's taxes, shipping and seller; those of an example shop in France when absent.
    #[arg(long, env = "TERMS_FILE")]
    pub terms_file: Option<PathBuf>,

    /// How many minutes an order holds its stock while it is not paid.
    #[arg(long, env = "RESERVATION_MINUTES", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub reservation_minutes: u32,

    /// How many milliseconds pass between looks for orders that were not paid in time.
    #[arg(long, env = "EXPIRY_SWEEP_MS", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub expiry_sweep_ms: u64,
}
