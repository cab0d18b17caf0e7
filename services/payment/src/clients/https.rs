//! Calls to providers, over TLS. Kit's client is for our own services: it knows problem documents and JSON alone.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use kit::breaker::Breaker;

/// For a whole call. Providers talk to banks, which takes seconds.
const DEADLINE: Duration = Duration::from_secs(10);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// Longer answers are no answers.
const LONGEST_ANSWER: usize = 1024 * 1024;
/// Failures in a row after which a provider is left alone, so that shoppers hear at once that it is away.
const FAILURES_TO_OPEN: u32 = 5;
/// For how long.
const OPEN_FOR: Duration = Duration::from_secs(2);

/// Calls one provider.
pub struct Https {
    http: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    breaker: Breaker,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It was not tried: the provider has just failed several times in a row.
    #[error("it has been failing and is left alone for a moment")]
    LeftAlone,
    /// Too late.
    #[error("no answer in time")]
    Timeout,
    /// No connection.
    #[error("it can't be reached")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    /// The connection broke in the middle, or the answer does not end.
    #[error("the answer can't be read to its end")]
    CutOff(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The answer says that it can't answer.
    #[error("it answered {0}")]
    Status(StatusCode),
    /// The answer is not what was agreed.
    #[error("the answer can't be understood")]
    Unreadable(#[from] serde_json::Error),
    /// The request could not be made.
    #[error("the request can't be made")]
    Request(#[from] http::Error),
}

impl Https {
    /// Trusts the authorities of the system.
    pub fn new() -> Result<Self, std::io::Error> {
        let mut connector = HttpConnector::new();
        connector.enforce_http(false);
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let connector = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(rustls::crypto::ring::default_provider())?
            .https_or_http()
            .enable_http1()
            .wrap_connector(connector);
        let http = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_timer(TokioTimer::new())
            .build(connector);
        Ok(Self {
            http,
            breaker: Breaker::new(FAILURES_TO_OPEN, OPEN_FOR),
        })
    }

    /// The answer, whatever it says.
    pub async fn send(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<(StatusCode, Bytes), CallError> {
        if !self.breaker.allows() {
            return Err(CallError::LeftAlone);
        }
        let exchange = async {
            let response = self.http.request(request).await?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST_ANSWER)
                .collect()
                .await
                .map_err(CallError::CutOff)?;
            Ok((status, body.to_bytes()))
        };
        let outcome = tokio::time::timeout(DEADLINE, exchange)
            .await
            .unwrap_or(Err(CallError::Timeout));
        match &outcome {
            Ok((status, _)) if !status.is_server_error() => self.breaker.succeeded(),
            _ => self.breaker.failed(),
        }
        outcome
    }
}
