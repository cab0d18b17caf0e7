//! The part of the configuration that is the same in every service.

use std::{net::SocketAddr, time::Duration};

/// Settings shared by every service, read once at start-up from flags or the environment.
#[derive(Debug, Clone, clap::Args)]
pub struct Config {
    /// Address of the API.
    #[arg(long, env = "API_ADDR", default_value = "0.0.0.0:8080")]
    pub api_addr: SocketAddr,

    /// Address of /metrics, /health, /health/live and /health/ready; never exposed to shoppers.
    #[arg(long, env = "ADMIN_ADDR", default_value = "0.0.0.0:9090")]
    pub admin_addr: SocketAddr,

    /// How log lines look: json for machines, pretty for people.
    #[arg(long, env = "LOG_FORMAT", value_enum, default_value_t = LogFormat::Json)]
    pub log_format: LogFormat,

    /// Which log lines appear, in the syntax of tracing's `EnvFilter`, such as `info,catalog=debug`.
    #[arg(long, env = "LOG_FILTER", default_value = "info")]
    pub log_filter: String,

    /// Where traces are sent over OTLP/HTTP, such as <http://collector:4318>; nothing is sent when absent.
    #[arg(long, env = "OTEL_EXPORTER_OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<url::Url>,

    /// On SIGTERM, how many milliseconds the process keeps accepting while load balancers learn that it is leaving.
    #[arg(long, env = "SHUTDOWN_DRAIN_MS", default_value_t = 0)]
    pub shutdown_drain_ms: u64,

    /// After draining, how many milliseconds requests in flight may take before they are cut.
    #[arg(long, env = "SHUTDOWN_GRACE_MS", default_value_t = 20_000)]
    pub shutdown_grace_ms: u64,
}

impl Config {
    /// How long the process keeps accepting after it was asked to stop.
    pub fn drain(&self) -> Duration {
        Duration::from_millis(self.shutdown_drain_ms)
    }

    /// How long requests in flight may take once it no longer accepts.
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.shutdown_grace_ms)
    }
}

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Colored text.
    Pretty,
}
