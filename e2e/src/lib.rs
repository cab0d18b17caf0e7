//! A shop on a live cluster, seen from outside: by HTTP, in a real browser, and through Kubernetes.
//!
//! Nothing here knows the project's crates: what these tests prove holds for whoever installs the shop.
//! `E2E_URL` is the entry point, `E2E_MAILS` the API of its mail server, `E2E_STAFF_TOKEN` an access token that may send parcels, `E2E_STORE` the
//! `namespace/name` of the store; `make e2e` sets them. Only what looks at Kubernetes needs the last.

pub mod browser;
pub mod cluster;
pub mod mails;
pub mod shop;
pub mod totp;

use std::{future::Future, time::Duration};

/// What a test panics with is what a person reads: sentences, with the cause behind a colon.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Waits until `condition` holds, looking every 50 ms, and says how long that took; fails with `what` after `within`.
pub async fn within<F: Future<Output = bool>>(
    within: Duration,
    what: &str,
    mut condition: impl FnMut() -> F,
) -> Result<Duration, Failure> {
    let started = std::time::Instant::now();
    while !condition().await {
        if started.elapsed() > within {
            return Err(format!("not within {} s: {what}", within.as_secs()).into());
        }
        // Between two looks at the condition.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(started.elapsed())
}
