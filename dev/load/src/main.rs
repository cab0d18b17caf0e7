//! Sends requests to a shop at a fixed rate and reports how long they took.
//!
//! Arrivals are open-loop: a request starts when its time has come, whether or not earlier ones have been answered, and its
//! latency counts from that time. A server that stalls is thus charged for everyone who would have waited (what is called
//! coordinated omission elsewhere is left out here).

mod measure;
mod paths;

use std::{process::ExitCode, time::Duration};

use clap::Parser;
use url::Url;

/// Sends requests to a shop at a fixed rate and reports how long they took.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    /// The shop, such as <http://127.0.0.1:8080>. Only this machine's own addresses are loaded.
    base: Url,

    /// Requests per second.
    #[arg(long, default_value_t = 200)]
    rate: u32,

    /// For how long, in seconds.
    #[arg(long, default_value_t = 20)]
    seconds: u32,

    /// What is asked for: pages as shoppers browse them, product pages only, searches against the API, or the given paths.
    #[arg(long, value_enum, default_value_t = paths::Mix::Browse)]
    mix: paths::Mix,

    /// A path to ask for in place of the mix; may be given several times.
    #[arg(long)]
    path: Vec<String>,

    /// How long a request may take, in milliseconds, before it counts as failed.
    #[arg(long, default_value_t = 10_000)]
    timeout_ms: u64,

    /// Prints the report as JSON.
    #[arg(long)]
    json: bool,

    /// Exit with 1 when any request failed or the 99th percentile is above this many milliseconds.
    #[arg(long)]
    p99_ms: Option<u64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match run(&options).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say_error(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<bool, LoadError> {
    if !options.base.host_str().is_some_and(is_this_machine) {
        return Err(LoadError::NotThisMachine(options.base.to_string()));
    }
    let client = reqwest::Client::builder()
        .timeout(Duration::from_millis(options.timeout_ms))
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .build()
        .map_err(LoadError::Client)?;
    let paths = if options.path.is_empty() {
        paths::discover(&client, &options.base, options.mix).await?
    } else {
        options.path.clone()
    };
    let report = measure::measure(
        &client,
        &options.base,
        &paths,
        options.rate,
        options.seconds,
    )
    .await?;
    say(&if options.json {
        report.json()
    } else {
        report.text()
    });
    let slow = options
        .p99_ms
        .is_some_and(|most| report.p99_us > most.saturating_mul(1000));
    Ok(report.failed == 0 && !slow)
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host == "[::1]"
        || host.starts_with("127.")
}

#[expect(clippy::print_stdout, reason = "the report is this program's output")]
fn say(report: &str) {
    println!("{report}");
}

#[expect(
    clippy::print_stderr,
    reason = "a command-line program says why it failed"
)]
fn say_error(error: &dyn std::error::Error) {
    eprintln!("load: {error}");
    let mut source = error.source();
    while let Some(inner) = source {
        eprintln!("  because {inner}");
        source = inner.source();
    }
}

/// Why no load was made.
#[derive(Debug, thiserror::Error)]
enum LoadError {
    #[error("{0} is not an address of this machine; load tests stay at home")]
    NotThisMachine(String),
    #[error("the client could not be made")]
    Client(#[source] reqwest::Error),
    #[error("{0} did not answer")]
    Discover(String, #[source] reqwest::Error),
    #[error("the shop lists no products; is its catalog loaded?")]
    Empty,
    #[error("the latencies could not be kept")]
    Histogram(#[source] hdrhistogram::CreationError),
}
