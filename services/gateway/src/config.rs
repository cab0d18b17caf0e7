//! What can be set, from flags or the environment.

use crate::{bucket::LimitOverride, clients::Address, cors::Origin};
use ipnet::IpNet;
use std::path::PathBuf;
use url::Url;

/// The shop's one door: routing, identity, limits and a shared cache in front of the services.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "gateway", version)]
#[group(skip)]
pub struct Config {
    /// What every service can be told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// Where the catalog answers, such as <http://shop-catalog>.
    #[arg(long, env = "CATALOG_URL")]
    pub catalog_url: Address,

    /// Where the storefront answers, such as <http://shop-storefront>.
    #[arg(long, env = "STOREFRONT_URL")]
    pub storefront_url: Address,

    /// Where the users service answers, such as <http://shop-users>.
    #[arg(long, env = "USERS_URL")]
    pub users_url: Address,

    /// Where the cart answers, such as <http://shop-cart>.
    #[arg(long, env = "CART_URL")]
    pub cart_url: Address,

    /// Where the orders service answers, such as <http://shop-orders>.
    #[arg(long, env = "ORDERS_URL")]
    pub orders_url: Address,

    /// Where the payment service answers, such as <http://shop-payment>.
    #[arg(long, env = "PAYMENT_URL")]
    pub payment_url: Address,

    /// Where the notifications service answers, such as <http://shop-notifications>.
    #[arg(long, env = "NOTIFICATIONS_URL")]
    pub notifications_url: Address,

    /// Where shoppers reach the shop. With https, answers tell browsers to come back over https only.
    #[arg(long, env = "PUBLIC_URL", value_parser = kit::config::http_url)]
    pub public_url: Option<Url>,

    /// The public keys that sign access tokens (a JSON Web Key Set), read again when the file changes.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,

    /// The gateway's own private key (a JSON Web Key): it signs what the gateway says of clients' addresses, which services believe of nobody
    /// else. Without one, services limit whoever calls them by the addresses of the gateway's replicas.
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: Option<PathBuf>,

    /// The Redis that replicas share limits and cached answers through; each replica stands alone when absent or gone.
    #[arg(long, env = "REDIS_URL")]
    pub redis_url: Option<String>,

    /// The proxies before the gateway whose X-Forwarded-* headers are believed, as networks such as 10.0.0.0/8.
    #[arg(long, env = "TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNet>,

    /// Other origins whose pages may call the API, such as <https://partner.example>; none by default.
    #[arg(long, env = "CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<Origin>,

    /// Limits to replace, as class=requests-per-second:burst, such as pages=50:200,searches=20:40; a rate of 0 lifts the limit.
    #[arg(long, env = "RATE_LIMITS", value_delimiter = ',')]
    pub rate_limits: Vec<LimitOverride>,

    /// How many MiB of answers are kept in memory; 0 turns the cache off.
    #[arg(long, env = "CACHE_MIB", default_value_t = 64)]
    pub cache_mib: u32,
}
