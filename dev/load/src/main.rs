//! Shoppers for a shop of this machine, and how they fare.
//!
//! Arrivals are open-loop: a request starts when its time has come, whether or not earlier ones have been answered, and its
//! latency counts from that time. A server that stalls is thus charged for everyone who would have waited (what is called
//! coordinated omission elsewhere is left out here).

mod baskets;
mod ledger;
mod measure;
mod paths;
mod report;
mod samples;
mod shop;
mod shoppers;
mod visit;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Shoppers for a shop of this machine, and how they fare.
#[derive(Debug, Parser)]
#[command(version)]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Asks for pages at a fixed rate.
    Pages(visit::Pages),
    /// Lets shoppers of several kinds arrive at fixed rates: browsers, buyers, hoarders, attackers.
    Shop(visit::Visit),
    /// Buys real baskets one after the other, as fast as the shop sells.
    Replay(visit::Replay),
    /// Holds orders, payments, stock and mails against each other, and against what the shop has acknowledged.
    Ledger(ledger::Check),
}

#[tokio::main]
async fn main() -> ExitCode {
    let outcome = match Options::parse().command {
        Command::Pages(pages) => visit::pages(&pages).await,
        Command::Shop(visit) => visit::shop(&visit).await,
        Command::Replay(replay) => visit::replay(&replay).await,
        Command::Ledger(check) => ledger::check(&check).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say_error(&error);
            ExitCode::FAILURE
        }
    }
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
    #[error("{0} can't be read as baskets")]
    Baskets(String, #[source] std::io::Error),
    #[error("{0} can't be read as acknowledged orders")]
    Acknowledged(String, #[source] std::io::Error),
    #[error(
        "no account could be opened for {0}; how many one client may open in an hour is limited"
    )]
    Account(String),
    #[error("{0} can't be written")]
    Write(String, #[source] std::io::Error),
}
