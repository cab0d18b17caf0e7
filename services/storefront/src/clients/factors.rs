//! What the pages read and change of second factors: authenticator apps and passkeys.

use super::{
    neighbor::Who,
    users::{Session, Users},
};
use crate::card::path_segment;
use http::Method;
use jiff::Timestamp;
use kit::client::ClientError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What an authenticator app needs.
#[derive(Debug, Clone, Deserialize)]
pub struct TotpKey {
    /// To be typed.
    pub secret: String,
    /// To be shown as a picture.
    pub uri: String,
}

/// What an authenticator is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Challenge {
    pub id: String,
    /// What `navigator.credentials` takes.
    pub options: Value,
}

/// A passkey as its owner sees it.
#[derive(Debug, Clone, Deserialize)]
pub struct Passkey {
    pub id: String,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

#[derive(Deserialize)]
struct Passkeys {
    items: Vec<Passkey>,
}

impl Users {
    /// Makes a key for an authenticator app. It is used only once a first code was confirmed.
    pub async fn begin_totp(&self, who: &Who, password: &str) -> Result<TotpKey, ClientError> {
        let body = json!({ "password": password });
        self.0
            .send(Method::POST, "/v1/me/totp", who, &body)
            .await?
            .json()
    }

    /// Confirms with a first code. The recovery codes are told this once.
    pub async fn confirm_totp(&self, who: &Who, code: &str) -> Result<Vec<String>, ClientError> {
        let body = json!({ "code": code });
        let answer = self
            .0
            .send(Method::POST, "/v1/me/totp/confirm", who, &body)
            .await?;
        answer
            .json()
            .map(|RecoveryCodes { recovery_codes }| recovery_codes)
    }

    /// Asks for no code any more.
    pub async fn remove_totp(
        &self,
        who: &Who,
        password: &str,
        code: &str,
    ) -> Result<(), ClientError> {
        let body = json!({ "password": password, "code": code });
        self.0
            .send(Method::DELETE, "/v1/me/totp", who, &body)
            .await
            .map(drop)
    }

    /// The passkeys of somebody.
    pub async fn passkeys(&self, who: &Who) -> Result<Vec<Passkey>, ClientError> {
        self.0
            .get("/v1/me/passkeys", who)
            .await
            .map(|Passkeys { items }| items)
    }

    /// What an authenticator is asked for a new passkey.
    pub async fn ask_for_passkey(
        &self,
        who: &Who,
        password: &str,
    ) -> Result<Challenge, ClientError> {
        let body = json!({ "password": password });
        self.0
            .send(Method::POST, "/v1/me/passkeys/challenge", who, &body)
            .await?
            .json()
    }

    /// Keeps a passkey that an authenticator has made.
    pub async fn add_passkey(
        &self,
        who: &Who,
        challenge: &str,
        name: &str,
        credential: &Value,
    ) -> Result<(), ClientError> {
        let body = json!({ "challenge_id": challenge, "name": name, "credential": credential });
        self.0
            .send(Method::POST, "/v1/me/passkeys", who, &body)
            .await
            .map(drop)
    }

    /// Takes a passkey out.
    pub async fn remove_passkey(&self, who: &Who, id: &str) -> Result<(), ClientError> {
        let path = format!("/v1/me/passkeys/{}", path_segment(id));
        self.0.answer(Method::DELETE, &path, who).await.map(drop)
    }

    /// What an authenticator is asked at login.
    pub async fn ask_who(&self, who: &Who) -> Result<Challenge, ClientError> {
        self.0
            .answer(Method::POST, "/v1/sessions/passkey/challenge", who)
            .await?
            .json()
    }

    /// Logs in by what an authenticator answered.
    pub async fn log_in_with_passkey(
        &self,
        who: &Who,
        challenge: &str,
        credential: &Value,
    ) -> Result<Session, ClientError> {
        let body = json!({ "challenge_id": challenge, "credential": credential });
        self.0
            .send(Method::POST, "/v1/sessions/passkey", who, &body)
            .await?
            .json()
    }
}
