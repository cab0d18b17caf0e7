//! Tokens that end before they expire: somebody's sessions were ended, or what they may do was changed.

use std::{collections::HashMap, time::Duration};

use serde::Deserialize;
use url::Url;

use super::Verifier;
use crate::client::{Client, Limits};

/// A change is heeded everywhere after this time.
const POLL_EVERY: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Revocations {
    people: HashMap<String, i64>,
}

/// Asks `url` once a second, for ever, which tokens are refused. While it does not answer, what it said last holds: a
/// neighbour that is down must neither open nor close a service.
pub async fn follow_revocations(verifier: Verifier, url: Url) {
    let limits = Limits {
        deadline: Duration::from_secs(2),
        retries: 0,
    };
    let client = match Client::new("revocations", url, limits) {
        Ok(client) => client,
        Err(error) => {
            tracing::error!(
                error = crate::problem::chain(&error),
                "revocations can't be followed"
            );
            return;
        }
    };
    let mut is_away = false;
    loop {
        match client.get_json::<Revocations>("").await {
            Ok(revocations) => {
                verifier.revoke(revocations.people);
                is_away = false;
            }
            // Said once, not every second.
            Err(error) if !is_away => {
                tracing::warn!(
                    error = crate::problem::chain(&error),
                    "revocations are not known; what was known holds"
                );
                is_away = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(POLL_EVERY).await;
    }
}
