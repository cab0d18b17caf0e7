//! A service behind the gateway: kept connections to it, retries of what is safe to repeat, and a circuit breaker.

mod body;
mod pool;

pub use body::{Answer, AnswerError, Outgoing, Progress};

use crate::metrics::UpstreamMetrics;
use http::{HeaderMap, Method, Request, Response, Uri};
use kit::breaker::{Breaker, State};
use pool::{Pool, Sent};
use std::{
    fmt,
    str::FromStr,
    time::{Duration, Instant},
};

/// Requests in a row that failed for good after which the upstream is left alone.
const FAILURES_TO_OPEN: u32 = 10;
/// For how long.
const OPEN_FOR: Duration = Duration::from_secs(1);
/// How long a request that is safe to repeat waits for an upstream that is just restarting.
const RETRY_FOR: Duration = Duration::from_secs(3);
const FIRST_BACKOFF: Duration = Duration::from_millis(5);
const LONGEST_BACKOFF: Duration = Duration::from_millis(200);

/// Where an upstream answers: `http://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    host: String,
    port: u16,
}

/// An address that can't be an upstream's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the address of a service, such as http://shop-catalog or http://127.0.0.1:8081, without a path"
)]
pub struct NotAnAddress;

impl FromStr for Address {
    type Err = NotAnAddress;

    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let url = url::Url::parse(text).map_err(|_malformed| NotAnAddress)?;
        let plain = url.scheme() == "http"
            && url.path() == "/"
            && url.query().is_none()
            && url.username().is_empty();
        let host = url.host_str().filter(|_| plain).ok_or(NotAnAddress)?;
        Ok(Self {
            host: host.trim_matches(['[', ']']).to_owned(),
            port: url.port().unwrap_or(80),
        })
    }
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// A service behind the gateway.
#[derive(Debug)]
pub struct Upstream {
    /// Its name in problems, logs and metrics.
    pub name: &'static str,
    pool: Pool,
    breaker: Breaker,
    metrics: UpstreamMetrics,
}

/// The head of a request as the upstream gets it.
#[derive(Debug, Clone)]
pub struct Head {
    /// Its method.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// It was not tried: the upstream has been failing.
    #[error("{0} has been failing and is left alone for a moment")]
    LeftAlone(&'static str),
    /// No connection.
    #[error("{upstream} can't be reached")]
    Unreachable {
        /// The upstream.
        upstream: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
    /// The connection broke before the answer began.
    #[error("{upstream} broke the connection")]
    Broken {
        /// The upstream.
        upstream: &'static str,
        /// What the connection said.
        source: hyper::Error,
    },
    /// The answer did not begin in time.
    #[error("{0} did not answer in time")]
    TooSlow(&'static str),
    /// The client's body has more bytes than the route allows.
    #[error("the body has more bytes than the route allows")]
    BodyTooLarge,
    /// The client stopped sending its body.
    #[error("the client stopped sending its body")]
    BodyTooSlow,
    /// The client's body ended early.
    #[error("the client broke off its body")]
    BodyBroken,
}

impl Upstream {
    /// The upstream at `address`; connects when it is first asked.
    pub fn new(name: &'static str, address: &Address) -> Self {
        Self {
            name,
            pool: Pool::new(address.host.clone(), address.port),
            breaker: Breaker::new(FAILURES_TO_OPEN, OPEN_FOR),
            metrics: UpstreamMetrics::new(name),
        }
    }

    /// Whether it has been failing, so that requests are not passed on for the moment.
    pub fn is_left_alone(&self) -> bool {
        self.breaker.state() == State::Open
    }

    /// Sends a request and waits until its answer begins.
    pub async fn send(
        &self,
        head: Head,
        body: Outgoing,
        progress: Option<&Progress>,
        timeout: Duration,
    ) -> Result<Response<Answer>, UpstreamError> {
        if !self.breaker.allows() {
            return Err(UpstreamError::LeftAlone(self.name));
        }
        let started = Instant::now();
        let outcome = match progress {
            None => match tokio::time::timeout(timeout, self.repeat(head, body)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(UpstreamError::TooSlow(self.name)),
            },
            Some(progress) => self.send_watched(head, body, progress, timeout).await,
        };
        match &outcome {
            Ok(_) => {
                self.breaker.succeeded();
                self.metrics.answered(started.elapsed());
            }
            // Not the upstream's doing.
            Err(
                UpstreamError::BodyTooLarge
                | UpstreamError::BodyTooSlow
                | UpstreamError::BodyBroken,
            ) => self.breaker.succeeded(),
            Err(_) => {
                self.breaker.failed();
                self.metrics.failed();
            }
        }
        self.metrics.set_state(self.breaker.state());
        outcome.map(|response| response.map(|answer| answer.with_idle_limit(timeout)))
    }

    /// As long as the body makes progress, the upstream's time to answer has not begun.
    async fn send_watched(
        &self,
        head: Head,
        body: Outgoing,
        progress: &Progress,
        timeout: Duration,
    ) -> Result<Response<Answer>, UpstreamError> {
        let mut sending = std::pin::pin!(self.repeat(head, body));
        let outcome = loop {
            let deadline = progress.last() + timeout;
            tokio::select! {
                outcome = &mut sending => break outcome,
                () = tokio::time::sleep_until(deadline.into()) => {
                    if progress.last() + timeout <= Instant::now() {
                        break Err(if progress.is_over() { UpstreamError::TooSlow(self.name) } else { UpstreamError::BodyTooSlow });
                    }
                }
            }
        };
        match outcome {
            Err(_) if progress.is_too_large() => Err(UpstreamError::BodyTooLarge),
            Err(UpstreamError::Broken { .. }) if progress.is_broken() => {
                Err(UpstreamError::BodyBroken)
            }
            outcome => outcome,
        }
    }

    /// Repeats what is safe to repeat: a request that never left (no connection, or a kept one that had been closed), and
    /// one without a body that changes nothing when it arrives twice.
    async fn repeat(
        &self,
        mut head: Head,
        mut body: Outgoing,
    ) -> Result<Response<Answer>, UpstreamError> {
        let idempotent = head.method.is_idempotent() && body.is_empty();
        let mut backoff = FIRST_BACKOFF;
        let mut give_up = None;
        loop {
            let (connection, reused) = match self.pool.get().await {
                Ok(found) => found,
                Err(source) => {
                    let error = UpstreamError::Unreachable {
                        upstream: self.name,
                        source,
                    };
                    self.wait(&mut give_up, &mut backoff, error).await?;
                    continue;
                }
            };
            let spare = idempotent.then(|| head.clone());
            match connection.send(request(head, body)).await {
                Sent::Answered(response) => return Ok(response),
                Sent::NeverLeft(request, _) if reused => (head, body) = take_apart(*request),
                Sent::NeverLeft(request, source) => {
                    (head, body) = take_apart(*request);
                    let error = UpstreamError::Broken {
                        upstream: self.name,
                        source,
                    };
                    self.wait(&mut give_up, &mut backoff, error).await?;
                }
                Sent::Lost(source) => {
                    let error = UpstreamError::Broken {
                        upstream: self.name,
                        source,
                    };
                    let Some(spare) = spare else {
                        return Err(error);
                    };
                    (head, body) = (spare, Outgoing::empty());
                    // The other side closes kept connections when it likes: that says nothing about how well it is.
                    if !reused {
                        self.wait(&mut give_up, &mut backoff, error).await?;
                    }
                }
            }
            self.metrics.retried();
        }
    }

    async fn wait(
        &self,
        give_up: &mut Option<Instant>,
        backoff: &mut Duration,
        error: UpstreamError,
    ) -> Result<(), UpstreamError> {
        let now = Instant::now();
        if *give_up.get_or_insert(now + RETRY_FOR) <= now {
            return Err(error);
        }
        tokio::time::sleep(*backoff).await;
        *backoff = LONGEST_BACKOFF.min(*backoff * 2);
        Ok(())
    }
}

fn request(head: Head, body: Outgoing) -> Request<Outgoing> {
    let mut request = Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = head.uri;
    *request.headers_mut() = head.headers;
    request
}

fn take_apart(request: Request<Outgoing>) -> (Head, Outgoing) {
    let (parts, body) = request.into_parts();
    let head = Head {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
    };
    (head, body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_plain_http_without_a_path() {
        for (text, expected) in [
            ("http://shop-catalog", Some("shop-catalog:80")),
            ("http://127.0.0.1:8081/", Some("127.0.0.1:8081")),
            ("http://[::1]:8081", Some("::1:8081")),
            ("https://shop-catalog", None),
            ("http://shop-catalog/v1", None),
            ("shop-catalog", None),
            ("", None),
        ] {
            let address = text
                .parse::<Address>()
                .ok()
                .map(|address| address.to_string());
            assert_eq!(address.as_deref(), expected, "{text}");
        }
    }
}
