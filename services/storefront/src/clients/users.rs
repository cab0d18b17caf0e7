//! What the pages read and change of people and their sessions.

use super::neighbor::{Neighbor, Who};
use crate::{address::Address, card::path_segment, language::Language};
use bytes::Bytes;
use http::{Method, header};
use jiff::Timestamp;
use kit::client::{Answer, ClientError};
use serde::Deserialize;
use serde_json::json;

/// The user service.
#[derive(Clone)]
pub struct Users(pub Neighbor);

/// What is kept of a login.
#[derive(Debug, Clone, Deserialize)]
pub struct Session {
    pub access_token: String,
    pub expires_at: Timestamp,
    pub refresh_token: String,
}

/// Who is logged in.
#[derive(Debug, Clone, Deserialize)]
pub struct Person {
    pub email: String,
    pub name: String,
    pub locale: String,
    /// Whether a code from an app is asked for at login.
    #[serde(default)]
    pub has_totp: bool,
}

/// An address that somebody keeps.
#[derive(Debug, Clone, Deserialize)]
pub struct SavedAddress {
    pub id: String,
    #[serde(flatten)]
    pub address: Address,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct SessionInfo {
    pub began_at: Timestamp,
    pub last_used_at: Timestamp,
    /// What its browser calls itself.
    pub device: Option<String>,
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<T>,
}

impl Users {
    /// Asks for an account; the answer never says whether there is one.
    pub async fn register(
        &self,
        who: &Who,
        email: &str,
        password: &str,
        name: &str,
        language: Language,
    ) -> Result<(), ClientError> {
        let body = json!({ "email": email, "password": password, "name": name, "locale": language.code() });
        self.post("/v1/registrations", who, &body).await.map(drop)
    }

    /// Confirms an account by the token of a mail.
    pub async fn confirm(&self, who: &Who, token: &str) -> Result<Session, ClientError> {
        let body = json!({ "token": token });
        self.post("/v1/registrations/confirm", who, &body)
            .await?
            .json()
    }

    /// Logs in.
    pub async fn log_in(
        &self,
        who: &Who,
        email: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<Session, ClientError> {
        let mut body = json!({ "email": email, "password": password });
        if let Some(code) = code {
            body["totp"] = code.into();
        }
        self.post("/v1/sessions", who, &body).await?.json()
    }

    /// Exchanges a refresh token; each is used once.
    pub async fn refresh(&self, refresh_token: &str) -> Result<Session, ClientError> {
        let body = json!({ "refresh_token": refresh_token });
        self.post("/v1/sessions/refresh", &Who::anyone(), &body)
            .await?
            .json()
    }

    /// Logs out.
    pub async fn log_out(&self, refresh_token: &str) -> Result<(), ClientError> {
        let body = json!({ "refresh_token": refresh_token });
        self.post("/v1/sessions/logout", &Who::anyone(), &body)
            .await
            .map(drop)
    }

    /// Sends a mail to who forgot their password; the answer never says whether there is an account.
    pub async fn forget_password(&self, who: &Who, email: &str) -> Result<(), ClientError> {
        let body = json!({ "email": email });
        self.post("/v1/password-resets", who, &body).await.map(drop)
    }

    /// Sets a new password by the token of a mail.
    pub async fn reset_password(
        &self,
        who: &Who,
        token: &str,
        password: &str,
    ) -> Result<(), ClientError> {
        let body = json!({ "token": token, "password": password });
        self.post("/v1/password-resets/confirm", who, &body)
            .await
            .map(drop)
    }

    /// Who is logged in.
    pub async fn me(&self, who: &Who) -> Result<Person, ClientError> {
        self.0.get("/v1/me", who).await
    }

    /// Who is logged in, where a page can do without.
    pub async fn glance_at_me(&self, who: &Who) -> Result<Person, ClientError> {
        self.0.glance("/v1/me", who).await
    }

    /// Changes name and language.
    pub async fn rename(
        &self,
        who: &Who,
        name: &str,
        language: Language,
    ) -> Result<(), ClientError> {
        // The form shows all there is, so the revision that it replaces is the one read just now.
        let now = self.0.answer(Method::GET, "/v1/me", who).await?;
        let who = match now
            .headers
            .get(header::ETAG)
            .and_then(|tag| tag.to_str().ok())
        {
            Some(etag) => who.clone().if_match(etag),
            None => who.clone(),
        };
        let body = json!({ "name": name, "locale": language.code() });
        self.0
            .send(Method::PATCH, "/v1/me", &who, &body)
            .await
            .map(drop)
    }

    /// Changes the password. Every other session ends; this is the one to go on with.
    pub async fn change_password(
        &self,
        who: &Who,
        current: &str,
        new: &str,
    ) -> Result<Session, ClientError> {
        let body = json!({ "current": current, "new": new });
        self.0
            .send(Method::PUT, "/v1/me/password", who, &body)
            .await?
            .json()
    }

    /// The addresses somebody keeps.
    pub async fn addresses(&self, who: &Who) -> Result<Vec<SavedAddress>, ClientError> {
        self.0
            .get::<Items<SavedAddress>>("/v1/me/addresses", who)
            .await
            .map(|list| list.items)
    }

    /// Keeps an address.
    pub async fn add_address(&self, who: &Who, address: &Address) -> Result<(), ClientError> {
        self.0
            .send(Method::POST, "/v1/me/addresses", who, address)
            .await
            .map(drop)
    }

    /// Changes an address.
    pub async fn put_address(
        &self,
        who: &Who,
        id: &str,
        address: &Address,
    ) -> Result<(), ClientError> {
        let path = format!("/v1/me/addresses/{}", path_segment(id));
        self.0
            .send(Method::PUT, &path, who, address)
            .await
            .map(drop)
    }

    /// Forgets an address.
    pub async fn remove_address(&self, who: &Who, id: &str) -> Result<(), ClientError> {
        let path = format!("/v1/me/addresses/{}", path_segment(id));
        self.0.answer(Method::DELETE, &path, who).await.map(drop)
    }

    /// Where somebody is logged in.
    pub async fn sessions(&self, who: &Who) -> Result<Vec<SessionInfo>, ClientError> {
        self.0
            .get::<Items<SessionInfo>>("/v1/me/sessions", who)
            .await
            .map(|list| list.items)
    }

    /// Logs out everywhere.
    pub async fn end_sessions(&self, who: &Who) -> Result<(), ClientError> {
        self.0
            .answer(Method::DELETE, "/v1/me/sessions", who)
            .await
            .map(drop)
    }

    /// All that the shop knows of somebody.
    pub async fn export(&self, who: &Who) -> Result<Bytes, ClientError> {
        let answer = self.0.answer(Method::GET, "/v1/me/export", who).await?;
        Ok(answer.body)
    }

    /// Forgets somebody.
    pub async fn erase(&self, who: &Who, password: &str) -> Result<(), ClientError> {
        let body = json!({ "password": password });
        self.0
            .send(Method::DELETE, "/v1/me", who, &body)
            .await
            .map(drop)
    }

    async fn post(
        &self,
        path: &str,
        who: &Who,
        body: &serde_json::Value,
    ) -> Result<Answer, ClientError> {
        self.0.send(Method::POST, path, who, body).await
    }
}
