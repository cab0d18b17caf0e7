//! Asks those who listen.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::certificates::{CertificateError, Identity};

/// How long a connection may take.
const CONNECTS_WITHIN: Duration = Duration::from_secs(1);
/// No answer that is read as a whole is longer, in bytes.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Asks with one side's certificate. Clones are the same.
#[derive(Clone, Debug)]
pub struct Caller(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The address is none.
    #[error("{0:?} is no address")]
    Address(String, #[source] http::Error),
    /// What was to be said can't be.
    #[error("this can't be said")]
    Said(#[source] serde_json::Error),
    /// Nobody answers.
    #[error("nobody answers")]
    Silent(#[from] hyper_util::client::legacy::Error),
    /// Nobody answers in time.
    #[error("nobody answers within {} ms", .0.as_millis())]
    Late(Duration),
    /// It was refused.
    #[error("the answer is {0}: {1}")]
    Refused(StatusCode, String),
    /// The answer breaks off, or is too long.
    #[error("the answer can't be read: {0}")]
    Unread(String),
    /// The answer means nothing here.
    #[error("the answer can't be understood")]
    Understood(#[source] serde_json::Error),
}

impl Caller {
    /// Who asks as `identity`.
    pub fn new(identity: &Identity) -> Result<Self, CertificateError> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECTS_WITHIN));
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(identity.client()?)
            .https_only()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self(Client::builder(TokioExecutor::new()).build(connector)))
    }

    /// What `GET` answers, as JSON.
    pub async fn get<T: DeserializeOwned>(
        &self,
        url: &str,
        within: Duration,
    ) -> Result<T, CallError> {
        let asked = async {
            let answer = self.send(Method::GET, url, Bytes::new()).await?;
            let body = read(answer).await?;
            serde_json::from_slice(&body).map_err(CallError::Understood)
        };
        timed(within, asked).await
    }

    /// `POST`s something as JSON.
    pub async fn post<T: Serialize>(
        &self,
        url: &str,
        said: &T,
        within: Duration,
    ) -> Result<(), CallError> {
        let said = serde_json::to_vec(said).map_err(CallError::Said)?;
        timed(within, async {
            read(self.send(Method::POST, url, said.into()).await?).await?;
            Ok(())
        })
        .await
    }

    /// What `GET` answers, still to be read.
    pub async fn stream(&self, url: &str) -> Result<Response<Incoming>, CallError> {
        self.send(Method::GET, url, Bytes::new()).await
    }

    async fn send(
        &self,
        method: Method,
        url: &str,
        body: Bytes,
    ) -> Result<Response<Incoming>, CallError> {
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|error| CallError::Address(url.to_owned(), error))?;
        let answer = self.0.request(request).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let said = String::from_utf8_lossy(&read(answer).await?).into_owned();
        Err(CallError::Refused(status, said))
    }
}

async fn timed<T>(
    within: Duration,
    asked: impl Future<Output = Result<T, CallError>>,
) -> Result<T, CallError> {
    let answered = tokio::time::timeout(within, asked).await;
    answered.unwrap_or(Err(CallError::Late(within)))
}

async fn read(answer: Response<Incoming>) -> Result<Bytes, CallError> {
    let body = Limited::new(answer.into_body(), LONGEST_ANSWER).collect();
    match body.await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => Err(CallError::Unread(error.to_string())),
    }
}
