//! `amazoff-operator`: start-up only.

use amazoff_operator::chain::chain;
use amazoff_operator::cli::{Cli, Outside, execute};
use clap::Parser;
use jiff::Timestamp;
use std::io::Write;
use std::process::ExitCode;

#[expect(
    clippy::disallowed_methods,
    reason = "the clock and randomness enter here, and nowhere else"
)]
fn main() -> ExitCode {
    let cli = Cli::parse();
    // Ring is what the client is built with; another crate's choice must not make it ambiguous.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let outside = Outside {
        now: Timestamp::now,
        random: rand::random,
    };
    let result = runtime
        .map_err(Into::into)
        .and_then(|runtime| runtime.block_on(execute(cli, outside)));
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    let _ = writeln!(std::io::stderr(), "amazoff-operator: {}", chain(&error));
    ExitCode::FAILURE
}
