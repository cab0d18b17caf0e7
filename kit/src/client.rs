//! Calling other services: deadlines, retries of what is safe to repeat, a circuit breaker, and the trace passed on.

use std::time::Duration;

use http::{HeaderMap, Method, StatusCode, header};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::net::TcpStream;
use url::Url;

use crate::{breaker::Breaker, clock::random_bytes, context, problem::FieldError};

/// Failures in a row after which a service is left alone.
const FAILURES_TO_OPEN: u32 = 5;
/// For how long.
const OPEN_FOR: Duration = Duration::from_secs(2);
/// The first wait before a retry; it doubles, and up to as much again is added at random.
const FIRST_BACKOFF: Duration = Duration::from_millis(20);

/// Limits of a call.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// For the whole call, its retries included.
    pub deadline: Duration,
    /// How often a safe request is tried again.
    pub retries: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(2),
            retries: 2,
        }
    }
}

/// Calls one other service.
#[derive(Debug)]
pub struct Client {
    service: &'static str,
    base: Url,
    limits: Limits,
    http: reqwest::Client,
    breaker: Breaker,
}

/// Why a call gave no answer that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// It was not tried: the service has just failed several times in a row.
    #[error("{0} has been failing and is left alone for a moment")]
    LeftAlone(&'static str),
    /// No answer in time.
    #[error("{0} did not answer in time")]
    Timeout(&'static str),
    /// No connection, or it broke.
    #[error("{service} can't be reached")]
    Unreachable {
        /// The service.
        service: &'static str,
        /// What the connection said.
        source: reqwest::Error,
    },
    /// An answer that says no.
    #[error("{service} answered {status}{}", .problem.as_ref().map(|problem| format!(": {} {}", problem.title, problem.detail)).unwrap_or_default())]
    Status {
        /// The service.
        service: &'static str,
        /// Its status.
        status: StatusCode,
        /// Its problem document, if it sent one.
        problem: Option<Box<RemoteProblem>>,
    },
    /// An answer that is not what was agreed.
    #[error("{service} sent an answer that can't be read")]
    Unreadable {
        /// The service.
        service: &'static str,
        /// Where it goes wrong.
        source: serde_json::Error,
    },
    /// The path is not one.
    #[error("{0} is not a path")]
    Path(String),
}

impl ClientError {
    /// Whether the service could not answer at all, as opposed to saying no.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::LeftAlone(_) | Self::Timeout(_) | Self::Unreachable { .. } => true,
            Self::Status { status, .. } => status.is_server_error(),
            Self::Unreadable { .. } | Self::Path(_) => false,
        }
    }

    /// The problem document, where there was one.
    pub fn problem(&self) -> Option<&RemoteProblem> {
        match self {
            Self::Status { problem, .. } => problem.as_deref(),
            _ => None,
        }
    }

    /// The status, where there was an answer.
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// The parts of another service's problem document that callers act on.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RemoteProblem {
    /// The stable name of its kind.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// Its title.
    #[serde(default)]
    pub title: String,
    /// Its sentence about this occurrence.
    #[serde(default)]
    pub detail: String,
    /// The fields that are wrong.
    #[serde(default)]
    pub errors: Vec<FieldError>,
}

impl Client {
    /// Calls `service` at `base`.
    pub fn new(service: &'static str, base: Url, limits: Limits) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder()
            .connect_timeout(limits.deadline.min(Duration::from_secs(1)))
            // Shorter than the other side's, so that a connection is rarely closed while a request is on its way.
            .pool_idle_timeout(Duration::from_secs(30))
            .tcp_nodelay(true)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            service,
            base,
            limits,
            http,
            breaker: Breaker::new(FAILURES_TO_OPEN, OPEN_FOR),
        })
    }

    /// GETs `path` (which may have a query) and reads JSON.
    pub async fn get_json<T: DeserializeOwned>(&self, path: &str) -> Result<T, ClientError> {
        self.call(Method::GET, path, HeaderMap::new(), None)
            .await?
            .json()
    }

    /// Sends JSON and reads JSON. Not repeated, unless `headers` hold an `Idempotency-Key`.
    pub async fn send_json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        headers: HeaderMap,
        body: &(impl Serialize + Sync),
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body).map_err(|source| ClientError::Unreadable {
            service: self.service,
            source,
        })?;
        self.call(method, path, headers, Some(body)).await?.json()
    }

    /// Makes a call within the deadline and returns an answer whose status is a success.
    pub async fn call(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Option<Vec<u8>>,
    ) -> Result<Answer, ClientError> {
        let url = self
            .base
            .join(path)
            .map_err(|_malformed| ClientError::Path(path.to_owned()))?;
        let safe = method.is_safe() || headers.contains_key("idempotency-key");
        context::inject(&mut headers);
        if body.is_some() {
            headers.insert(
                header::CONTENT_TYPE,
                header::HeaderValue::from_static("application/json"),
            );
        }
        let attempts = async {
            let mut backoff = FIRST_BACKOFF;
            for _ in 0..if safe { self.limits.retries } else { 0 } {
                match self.attempt(&method, &url, &headers, body.as_ref()).await {
                    Err(error) if is_worth_repeating(&error) => {
                        tracing::debug!(%error, "trying again");
                    }
                    outcome => return outcome,
                }
                tokio::time::sleep(backoff + jitter(backoff)).await;
                backoff *= 2;
            }
            self.attempt(&method, &url, &headers, body.as_ref()).await
        };
        let Ok(outcome) = tokio::time::timeout(self.limits.deadline, attempts).await else {
            self.breaker.failed();
            return Err(ClientError::Timeout(self.service));
        };
        outcome
    }

    async fn attempt(
        &self,
        method: &Method,
        url: &Url,
        headers: &HeaderMap,
        body: Option<&Vec<u8>>,
    ) -> Result<Answer, ClientError> {
        if !self.breaker.allows() {
            return Err(ClientError::LeftAlone(self.service));
        }
        let mut request = self
            .http
            .request(method.clone(), url.clone())
            .headers(headers.clone());
        if let Some(body) = body {
            request = request.body(body.clone());
        }
        let outcome = self.read(request).await;
        match &outcome {
            Err(error) if error.is_unavailable() => self.breaker.failed(),
            _ => self.breaker.succeeded(),
        }
        outcome
    }

    async fn read(&self, request: reqwest::RequestBuilder) -> Result<Answer, ClientError> {
        let service = self.service;
        let unreachable = |source: reqwest::Error| ClientError::Unreachable { service, source };
        let response = request.send().await.map_err(unreachable)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(unreachable)?;
        if status.is_success() || status == StatusCode::NOT_MODIFIED {
            return Ok(Answer {
                service,
                status,
                headers,
                body,
            });
        }
        Err(ClientError::Status {
            service,
            status,
            problem: serde_json::from_slice(&body).ok(),
        })
    }

    /// Whether the service accepts connections: for health checks, which must neither wait for the deadline of a real call nor fill the
    /// other's log.
    pub async fn reachable(&self) -> Result<(), String> {
        let host = self.base.host_str().unwrap_or_default();
        let port = self.base.port_or_known_default().unwrap_or(80);
        let connected = TcpStream::connect((host.trim_matches(['[', ']']), port));
        match tokio::time::timeout(Duration::from_secs(1), connected).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(crate::problem::chain(&error)),
            Err(_elapsed) => Err("no connection within a second".to_owned()),
        }
    }
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    service: &'static str,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: bytes::Bytes,
}

impl Answer {
    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, ClientError> {
        serde_json::from_slice(&self.body).map_err(|source| ClientError::Unreadable {
            service: self.service,
            source,
        })
    }
}

fn is_worth_repeating(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable { .. } => true,
        ClientError::Status { status, .. } => matches!(
            *status,
            StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE
        ),
        _ => false,
    }
}

fn jitter(up_to: Duration) -> Duration {
    let [random] = random_bytes::<1>();
    up_to * u32::from(random) / 255
}
