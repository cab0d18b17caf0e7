//! A shop as its shoppers' programs see it: requests that are timed and judged.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;
use url::Url;

use crate::samples::{Failure, Outcome, Sample};

/// The longest pause between tries of the same request.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Speaks to a shop for one shopper or for all of them. Clones share connections.
#[derive(Clone)]
pub(crate) struct Shop {
    client: reqwest::Client,
    base: String,
    started: Instant,
    samples: UnboundedSender<Sample>,
    /// How long a shopper goes on trying what failed without a clean answer.
    pub(crate) patience: Duration,
}

/// An answer that says yes.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) json: Value,
}

/// Why a shopper goes away: told, or out of patience.
#[derive(Debug)]
pub(crate) struct GaveUp;

impl Shop {
    pub(crate) fn new(
        client: reqwest::Client,
        base: &Url,
        samples: UnboundedSender<Sample>,
        patience: Duration,
    ) -> Self {
        Self {
            client,
            base: base.as_str().trim_end_matches('/').to_owned(),
            started: Instant::now(),
            samples,
            patience,
        }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Sends once. What is due before now is charged for the wait.
    pub(crate) async fn once(
        &self,
        step: &'static str,
        due: Instant,
        request: RequestBuilder,
    ) -> Result<Answer, Failure> {
        let outcome = read(request).await;
        let judged = match &outcome {
            Ok(_) => Outcome::Done,
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        self.note(step, due, judged);
        outcome
    }

    /// Sends until there is an answer that says yes, or one that will not change: a 4xx but "later" or "in progress". Only for what may be
    /// repeated: reads, and writes with an idempotency key. The time is that of all tries together.
    pub(crate) async fn insist(
        &self,
        step: &'static str,
        request: &(dyn Fn() -> RequestBuilder + Sync),
    ) -> Result<Answer, GaveUp> {
        let due = Instant::now();
        let mut pause = Duration::from_millis(100);
        loop {
            let error = match read(request()).await {
                Ok(answer) => {
                    self.note(step, due, Outcome::Done);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if is_final(&error) || due.elapsed() > self.patience {
                self.note(step, due, Outcome::Failed(error));
                return Err(GaveUp);
            }
            self.note(step, due, Outcome::Again(error));
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Counts something that took from `due` until now.
    pub(crate) fn note(&self, step: &'static str, due: Instant, outcome: Outcome) {
        // Nobody listens any more only when the run is over.
        let _run_is_over = self.samples.send(Sample {
            step,
            due: due.saturating_duration_since(self.started),
            took: due.elapsed(),
            outcome,
        });
    }
}

/// Whether asking again is in vain.
fn is_final(failure: &Failure) -> bool {
    match failure {
        Failure::Refused(reason) => {
            let status: u16 = reason
                .split_whitespace()
                .next()
                .and_then(|status| status.parse().ok())
                .unwrap_or_default();
            (400..500).contains(&status)
                && !matches!(status, 408 | 425 | 429)
                && !reason.contains("in-flight")
        }
        Failure::Broken(_) => false,
    }
}

async fn read(request: RequestBuilder) -> Result<Answer, Failure> {
    let broken = |error: reqwest::Error| {
        let kind = if error.is_timeout() {
            "timeout"
        } else if error.is_connect() {
            "no connection"
        } else {
            "broken answer"
        };
        Failure::Broken(kind.to_owned())
    };
    let response = request.send().await.map_err(broken)?;
    let status = response.status();
    let is_problem = response
        .headers()
        .get(reqwest::header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/problem+json"));
    let body = response.bytes().await.map_err(broken)?;
    let json: Value = serde_json::from_slice(&body).unwrap_or_default();
    if status.is_success() || status.is_redirection() {
        return Ok(Answer { status, json });
    }
    if is_problem {
        let kind = json["type"].as_str().unwrap_or_default();
        let kind = kind.trim_start_matches("/problems/");
        return Err(Failure::Refused(format!("{} {kind}", status.as_u16())));
    }
    Err(Failure::Broken(format!("status {}", status.as_u16())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_change_is_asked_again() {
        for (failure, expected) in [
            (Failure::Refused("409 out-of-stock".to_owned()), true),
            (Failure::Refused("404 order-not-found".to_owned()), true),
            (Failure::Refused("409 in-flight".to_owned()), false),
            (Failure::Refused("429 too-many-requests".to_owned()), false),
            (
                Failure::Refused("503 temporarily-unavailable".to_owned()),
                false,
            ),
            (Failure::Broken("no connection".to_owned()), false),
        ] {
            assert_eq!(is_final(&failure), expected, "{failure:?}");
        }
    }
}
