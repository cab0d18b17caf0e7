//! What payment is told at start.

use std::path::{Path, PathBuf};

use url::Url;

/// Payments of an Amazoff shop.
#[derive(Debug, Clone, clap::Parser)]
#[command(version)]
#[group(id = "payment")]
pub struct Config {
    /// What every service is told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// How its tables come to be up to date.
    #[command(flatten)]
    pub tables: kit::mariadb::Tables,

    /// Where `MariaDB` is, such as <mysql://payment:password@mariadb:3306/payment>.
    #[arg(long, env = "MARIADB_URL", hide_env_values = true)]
    pub mariadb_url: String,

    /// How many connections to `MariaDB` are kept at most.
    #[arg(long, env = "MARIADB_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub mariadb_connections: u32,

    /// Where orders is.
    #[arg(long, env = "ORDERS_URL", value_parser = kit::config::http_url)]
    pub orders_url: Url,

    /// Where users is: it says whose tokens have ended early.
    #[arg(long, env = "USERS_URL", value_parser = kit::config::http_url)]
    pub users_url: Url,

    /// The file with the public keys that access tokens are verified with.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,

    /// The file with this service's own private key, which signs what it sends to others.
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: PathBuf,

    /// Who hears of payments: `name=url` of orders, separated by spaces.
    #[arg(long, env = "EVENT_SINKS", default_value = "")]
    pub event_sinks: String,

    /// Where shoppers reach the shop: they come back from providers to there.
    #[arg(long, env = "PUBLIC_URL", value_parser = kit::config::http_url)]
    pub public_url: Url,

    /// Whether orders can be paid without money, for trying the shop out.
    #[arg(long, env = "TEST_PROVIDER", default_value_t = false, action = clap::ArgAction::Set)]
    pub test_provider: bool,

    /// The file with the secret that webhooks of the test provider are signed with; nobody outside can send any when absent.
    #[arg(long, env = "TEST_PROVIDER_SECRET_FILE")]
    pub test_provider_secret_file: Option<PathBuf>,

    /// How many seconds late money of the test provider is late.
    #[arg(long, env = "TEST_PROVIDER_LATE_SECONDS", default_value_t = 60)]
    pub test_provider_late_seconds: u32,

    /// The file with Stripe's secret key (`sk_…`). Stripe is offered when this and the two others are there.
    #[arg(long, env = "STRIPE_SECRET_KEY_FILE", requires_all = ["stripe_publishable_key", "stripe_webhook_secret_file"])]
    pub stripe_secret_key_file: Option<PathBuf>,

    /// Stripe's key for browsers (`pk_…`).
    #[arg(long, env = "STRIPE_PUBLISHABLE_KEY")]
    pub stripe_publishable_key: Option<String>,

    /// The file with the secret that Stripe signs webhooks with (`whsec_…`).
    #[arg(long, env = "STRIPE_WEBHOOK_SECRET_FILE")]
    pub stripe_webhook_secret_file: Option<PathBuf>,

    /// Where Stripe is.
    #[arg(long, env = "STRIPE_API_URL", default_value = "https://api.stripe.com", value_parser = kit::config::http_url)]
    pub stripe_api_url: Url,

    /// The id of the shop's application at `PayPal`. `PayPal` is offered when this and the two others are there.
    #[arg(long, env = "PAYPAL_CLIENT_ID", requires_all = ["paypal_client_secret_file", "paypal_webhook_id"])]
    pub paypal_client_id: Option<String>,

    /// The file with the application's secret.
    #[arg(long, env = "PAYPAL_CLIENT_SECRET_FILE")]
    pub paypal_client_secret_file: Option<PathBuf>,

    /// The id of the shop's webhook at `PayPal`, which its signatures are made over.
    #[arg(long, env = "PAYPAL_WEBHOOK_ID")]
    pub paypal_webhook_id: Option<String>,

    /// Where `PayPal` is; <https://api-m.sandbox.paypal.com> to try things out.
    #[arg(long, env = "PAYPAL_API_URL", default_value = "https://api-m.paypal.com", value_parser = kit::config::http_url)]
    pub paypal_api_url: Url,

    /// Where the certificates of `PayPal`'s webhooks are; by default where `PAYPAL_API_URL` has them. Certificates from elsewhere are not looked at.
    #[arg(long, env = "PAYPAL_CERTIFICATES_URL", value_parser = kit::config::http_url)]
    pub paypal_certificates_url: Option<Url>,
}

/// A secret that can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system says so.
    #[error("{variable}: {path} can't be read")]
    Unreadable {
        /// The variable that names the file.
        variable: &'static str,
        /// The file.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// There is nothing in it.
    #[error("{variable}: {path} is empty")]
    Empty {
        /// The variable that names the file.
        variable: &'static str,
        /// The file.
        path: String,
    },
}

/// The secret in a file, without the end of the line.
pub fn secret(variable: &'static str, path: &Path) -> Result<String, SecretError> {
    let name = || path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|source| SecretError::Unreadable {
        variable,
        path: name(),
        source,
    })?;
    let text = text.trim();
    if text.is_empty() {
        return Err(SecretError::Empty {
            variable,
            path: name(),
        });
    }
    Ok(text.to_owned())
}

/// Where the certificates of webhooks are, for an API that is here: beside it, without the `-m` of the API's name.
pub fn certificates_of(api: &Url) -> Url {
    let mut url = api.clone();
    let host = api.host_str().unwrap_or_default();
    if let Some(rest) = host.strip_prefix("api-m.") {
        let _stays_when_refused = url.set_host(Some(&format!("api.{rest}")));
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_beside_the_api() {
        for (api, certificates) in [
            ("https://api-m.paypal.com", "https://api.paypal.com/"),
            (
                "https://api-m.sandbox.paypal.com",
                "https://api.sandbox.paypal.com/",
            ),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ] {
            let api: Url = api.parse().expect("an address");
            assert_eq!(certificates_of(&api).as_str(), certificates);
        }
    }

    #[test]
    fn a_secret_is_what_stands_in_its_file() {
        let file = std::env::temp_dir().join(format!("amazoff-secret-{}", std::process::id()));
        std::fs::write(&file, "sk_test_1\n").expect("written");
        assert_eq!(secret("S", &file).expect("read"), "sk_test_1");
        std::fs::write(&file, "\n").expect("written");
        assert_eq!(
            secret("S", &file).expect_err("empty").to_string(),
            format!("S: {} is empty", file.display())
        );
        std::fs::remove_file(&file).expect("removed");
        let error = secret("S", &file).expect_err("gone");
        assert!(error.to_string().starts_with("S: "), "{error}");
    }
}
