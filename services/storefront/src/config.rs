//! What can be set, from flags or the environment.

use crate::language::Language;
use kit::money::Currency;
use url::Url;

/// The shop's pages, in French and English.
#[derive(Debug, Clone, clap::Parser)]
#[command(name = "storefront", version)]
#[group(skip)]
pub struct Config {
    /// What every service can be told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// Where the catalog answers, such as <http://shop-catalog>.
    #[arg(long, env = "CATALOG_URL", value_parser = kit::config::http_url)]
    pub catalog_url: Url,

    /// Where the cart answers; without it the shop shows and sells nothing.
    #[arg(long, env = "CART_URL", value_parser = kit::config::http_url)]
    pub cart_url: Option<Url>,

    /// Where orders answer.
    #[arg(long, env = "ORDERS_URL", value_parser = kit::config::http_url)]
    pub orders_url: Option<Url>,

    /// Where users answer.
    #[arg(long, env = "USERS_URL", value_parser = kit::config::http_url)]
    pub users_url: Option<Url>,

    /// Where payment answers.
    #[arg(long, env = "PAYMENT_URL", value_parser = kit::config::http_url)]
    pub payment_url: Option<Url>,

    /// Where shoppers reach the shop, as it stands in canonical addresses, sitemaps and structured data.
    #[arg(long, env = "PUBLIC_URL", value_parser = kit::config::http_url)]
    pub public_url: Url,

    /// The currency of the prices shown, an ISO 4217 code.
    #[arg(long, env = "CURRENCY", default_value = "EUR")]
    pub currency: Currency,

    /// The language for shoppers whose browser asks for neither French nor English.
    #[arg(long, env = "DEFAULT_LANGUAGE", value_enum, default_value = "en")]
    pub default_language: Language,
}
