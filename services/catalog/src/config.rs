//! What the catalog is told at start.

use std::path::PathBuf;

/// Products, categories and search of an Amazoff shop.
#[derive(Debug, Clone, clap::Parser)]
#[command(version)]
#[group(id = "catalog")]
pub struct Config {
    /// What every service is told.
    #[command(flatten)]
    pub kit: kit::Config,

    /// Where `MongoDB` is, such as <mongodb://mongodb:27017>.
    #[arg(long, env = "MONGODB_URI", hide_env_values = true)]
    pub mongodb_uri: String,

    /// The database in it.
    #[arg(long, env = "MONGODB_DATABASE", default_value = "catalog")]
    pub mongodb_database: String,

    /// The file with the public keys that access tokens are verified with.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,

    /// How many milliseconds pass between looks at what other replicas wrote.
    #[arg(long, env = "INDEX_REFRESH_MS", default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    pub index_refresh_ms: u64,
}
