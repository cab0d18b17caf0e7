//! The other services that keep something about people.

use std::time::Duration;

use http::{HeaderMap, Method, header};
use kit::{
    auth::ServiceTokens,
    client::{Answer, Client, ClientError, Limits},
    extract::PersonEmail,
};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::email::Email;

/// Gathering or erasing what is kept about one person may take a while.
const LIMITS: Limits = Limits {
    deadline: Duration::from_secs(10),
    retries: 1,
};

/// A service that keeps something about people.
pub struct PeopleService {
    /// Its name.
    pub name: String,
    client: Client,
}

/// `name=url`, as it is configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedUrl {
    /// The name.
    pub name: String,
    /// The address.
    pub url: Url,
}

impl std::str::FromStr for NamedUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, url) = text
            .split_once('=')
            .ok_or("it must be name=address, such as orders=http://orders:8080")?;
        let url = kit::config::http_url(url).map_err(|error| error.to_string())?;
        Ok(Self {
            name: name.to_owned(),
            url,
        })
    }
}

/// A client that can't be made.
#[derive(Debug, thiserror::Error)]
#[error("PEOPLE_SERVICES: {service} can't be called: {reason}")]
pub struct NoClient {
    service: String,
    reason: String,
}

impl PeopleService {
    /// The service at this address.
    pub fn new(service: NamedUrl) -> Result<Self, NoClient> {
        let NamedUrl { name, url } = service;
        // A name lives as long as the process: there are a handful, read at start.
        match Client::new(name.clone().leak(), url, LIMITS) {
            Ok(client) => Ok(Self { name, client }),
            Err(error) => Err(NoClient {
                service: name,
                reason: kit::problem::chain(&error),
            }),
        }
    }

    /// All that it keeps about a person. What was done without an account is known by the address.
    pub async fn export(
        &self,
        tokens: &ServiceTokens,
        id: Uuid,
        email: &Email,
    ) -> Result<Value, ClientError> {
        self.ask(Method::GET, tokens, id, email).await?.json()
    }

    /// Has it forget a person.
    pub async fn erase(
        &self,
        tokens: &ServiceTokens,
        id: Uuid,
        email: &Email,
    ) -> Result<(), ClientError> {
        self.ask(Method::DELETE, tokens, id, email).await.map(drop)
    }

    async fn ask(
        &self,
        method: Method,
        tokens: &ServiceTokens,
        id: Uuid,
        email: &Email,
    ) -> Result<Answer, ClientError> {
        let path = format!("/internal/v1/people/{id}");
        let mut headers = HeaderMap::from_iter([(header::AUTHORIZATION, tokens.bearer())]);
        // Addresses of URLs end up in logs and traces; those of people must not.
        headers.extend(PersonEmail::header(email.as_str()));
        self.client.call(method, &path, headers, None).await
    }
}
