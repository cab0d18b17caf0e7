//! How this service speaks to one that may be absent: quickly where a page can do without the answer, patiently where it can't.

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use kit::{
    auth::CLIENT_ADDRESS,
    client::{Answer, Client, ClientError, Limits},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{sync::Arc, time::Duration};
use url::Url;

/// How long a part of a page is waited for: a badge is not worth more.
const QUICK: Limits = Limits {
    deadline: Duration::from_millis(600),
    retries: 1,
};
/// How long the shopper waits for what they asked for; shorter than the gateway waits for the page.
const PATIENT: Limits = Limits {
    deadline: Duration::from_secs(8),
    retries: 2,
};

/// A service beside this one. Clones share their connections.
#[derive(Clone)]
pub struct Neighbor {
    quick: Arc<Client>,
    patient: Arc<Client>,
}

impl Neighbor {
    /// The service that answers at `url`.
    pub fn new(service: &'static str, url: &Url) -> Result<Self, crate::StartError> {
        let client = |limits| {
            Client::new(service, url.clone(), limits)
                .map(Arc::new)
                .map_err(crate::StartError::client)
        };
        Ok(Self {
            quick: client(QUICK)?,
            patient: client(PATIENT)?,
        })
    }

    /// Reads something that a page can do without.
    pub(super) async fn glance<T: DeserializeOwned>(
        &self,
        path: &str,
        who: &Who,
    ) -> Result<T, ClientError> {
        self.quick
            .call(Method::GET, path, who.0.clone(), None)
            .await?
            .json()
    }

    /// Reads something that the page is about.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        who: &Who,
    ) -> Result<T, ClientError> {
        self.answer(Method::GET, path, who).await?.json()
    }

    /// Asks without a body.
    pub(super) async fn answer(
        &self,
        method: Method,
        path: &str,
        who: &Who,
    ) -> Result<Answer, ClientError> {
        self.patient.call(method, path, who.0.clone(), None).await
    }

    /// Sends JSON.
    pub(super) async fn send(
        &self,
        method: Method,
        path: &str,
        who: &Who,
        body: &(impl Serialize + Sync),
    ) -> Result<Answer, ClientError> {
        let body = serde_json::to_vec(body)
            .map_err(|_never| ClientError::Path("a body that is no JSON".to_owned()))?;
        self.patient
            .call(method, path, who.0.clone(), Some(body))
            .await
    }

    /// Whether it answers at all.
    pub async fn reachable(&self) -> Result<(), String> {
        self.quick.reachable().await
    }
}

/// In whose name a service is asked: the headers that prove it.
#[derive(Debug, Clone, Default)]
pub struct Who(HeaderMap);

impl Who {
    /// Nobody in particular.
    pub fn anyone() -> Self {
        Self::default()
    }

    /// Who holds an access token.
    pub fn person(access: &str) -> Self {
        Self::default().with(header::AUTHORIZATION, &format!("Bearer {access}"))
    }

    /// The guest whose cart this token opens.
    pub fn of_cart(token: &str) -> Self {
        Self::default().with(HeaderName::from_static("cart-token"), token)
    }

    /// The guest whose order this token opens.
    pub fn of_order(token: &str) -> Self {
        Self::default().with(HeaderName::from_static("order-token"), token)
    }

    /// The same, from the browser that the gateway saw, at the address that it has signed: neither limits nor lists of sessions are about this
    /// service, which could not say an address that others believe.
    #[must_use]
    pub fn from(mut self, request: &HeaderMap) -> Self {
        for name in [CLIENT_ADDRESS, header::USER_AGENT] {
            if let Some(value) = request.get(&name) {
                self.0.insert(name, value.clone());
            }
        }
        self
    }

    /// The same, asking for something that must happen once.
    #[must_use]
    pub fn once(self, key: &str) -> Self {
        self.with(HeaderName::from_static("idempotency-key"), key)
    }

    /// The same, about one revision.
    #[must_use]
    pub fn if_match(self, etag: &str) -> Self {
        self.with(header::IF_MATCH, etag)
    }

    fn with(mut self, name: HeaderName, value: &str) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value) {
            value.set_sensitive(true);
            self.0.insert(name, value);
        }
        self
    }
}

/// The last part of a problem's `type`, such as `out-of-stock`.
pub fn problem_kind(error: &ClientError) -> Option<&str> {
    error.problem()?.kind.rsplit('/').next()
}
