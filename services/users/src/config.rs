//! What users is told at start.

use std::path::PathBuf;

use url::Url;

use crate::clients::NamedUrl;

/// Accounts, sessions, second factors, roles and addresses of an Amazoff shop.
#[derive(Debug, Clone, clap::Parser)]
#[command(version)]
#[group(id = "users")]
pub struct Config {
    /// What every service is told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// How its tables come to be up to date.
    #[command(flatten)]
    pub tables: kit::mariadb::Tables,

    /// Where `MariaDB` is, such as <mysql://users:password@mariadb:3306/users>.
    #[arg(long, env = "MARIADB_URL", hide_env_values = true)]
    pub mariadb_url: String,

    /// How many connections to `MariaDB` are kept at most.
    #[arg(long, env = "MARIADB_CONNECTIONS", default_value_t = 16, value_parser = clap::value_parser!(u32).range(2..=500))]
    pub mariadb_connections: u32,

    /// The file with the public keys that access tokens are verified with; published at /.well-known/jwks.json.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,

    /// The file with the private key that signs people's access tokens. Its public half is in `JWKS_FILE`.
    #[arg(long, env = "TOKEN_KEY_FILE")]
    pub token_key_file: PathBuf,

    /// The file with this service's own private key, which signs what it sends to others.
    #[arg(long, env = "SIGNING_KEY_FILE")]
    pub signing_key_file: PathBuf,

    /// The file with the key that people's keys are wrapped with: 32 bytes in base64.
    #[arg(long, env = "MASTER_KEY_FILE")]
    pub master_key_file: PathBuf,

    /// Who hears of people: `name=url` of notifications.
    #[arg(long, env = "EVENT_SINKS", default_value = "")]
    pub event_sinks: String,

    /// Who keeps something about people: `name=url` of each service, separated by spaces. Asked for exports and erasures.
    #[arg(long, env = "PEOPLE_SERVICES", value_delimiter = ' ')]
    pub people_services: Vec<NamedUrl>,

    /// Where shoppers reach the shop: for links in mails, and for passkeys, which belong to its host.
    #[arg(long, env = "PUBLIC_URL", value_parser = kit::config::http_url)]
    pub public_url: Url,

    /// What the shop is called in authenticator apps.
    #[arg(long, env = "SHOP_NAME", default_value = "Amazoff")]
    pub shop_name: String,

    /// How many passwords are hashed at the same time. Each takes a core for some 25 ms and 19 MiB.
    #[arg(long, env = "HASHES_AT_ONCE", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub hashes_at_once: u16,

    /// The address of the first admin, who is made when there is none.
    #[arg(long, env = "FIRST_ADMIN_EMAIL")]
    pub first_admin_email: Option<String>,

    /// The file with the first admin's password.
    #[arg(long, env = "FIRST_ADMIN_PASSWORD_FILE")]
    pub first_admin_password_file: Option<PathBuf>,
}
