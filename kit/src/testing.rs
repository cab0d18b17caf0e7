//! What tests need: real servers that start in milliseconds and end with the test, a token issuer, and waiting.

mod issuer;
#[cfg(feature = "mariadb")]
mod mariadb;
mod servers;
mod sink;

use std::{future::Future, time::Duration};

pub use issuer::{TestIssuer, private_jwk};
#[cfg(feature = "mariadb")]
pub use mariadb::MariaDb;
pub use servers::{FerretDb, Redis, free_port};
pub use sink::Sink;

/// Waits until `condition` returns something, looking every 10 ms; panics with `what` after ten seconds.
#[expect(clippy::panic, reason = "a test that waits in vain fails")]
pub async fn wait_for<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut condition: impl FnMut() -> F,
) -> T {
    let wait = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let Ok(value) = tokio::time::timeout(Duration::from_secs(10), wait).await else {
        panic!("waited ten seconds in vain for {what}");
    };
    value
}
