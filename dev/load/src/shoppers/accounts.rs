//! Accounts to log in with, opened as anybody would: registered, and confirmed with the token that came by mail.

use std::time::{Duration, Instant};

use reqwest::{Method, StatusCode};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use url::Url;

use crate::LoadError;

/// How long a mail may take.
const UNTIL_MAIL: Duration = Duration::from_secs(30);
const PASSWORD: &str = "only for tests of load 7391";

/// Who can log in.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    pub(crate) email: String,
    pub(crate) password: &'static str,
}

#[derive(Deserialize)]
struct Found {
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "ID")]
    id: String,
}

#[derive(Deserialize)]
struct Letter {
    #[serde(rename = "Text")]
    text: String,
}

/// So many accounts, those of an earlier run first. `mails` is the API of the mail server (Mailpit) that takes the shop's mails.
pub(crate) async fn open(
    client: &reqwest::Client,
    shop: &Url,
    mails: &Url,
    many: u32,
) -> Result<Vec<Account>, LoadError> {
    let office = Office {
        client,
        shop: shop.as_str().trim_end_matches('/'),
        mails: mails.as_str().trim_end_matches('/'),
    };
    let mut accounts = Vec::new();
    for number in 0..many {
        let account = Account {
            email: format!("regular-{number}@example.com"),
            password: PASSWORD,
        };
        if !office.knows(&account).await? {
            office.register(&account).await?;
        }
        accounts.push(account);
    }
    Ok(accounts)
}

struct Office<'a> {
    client: &'a reqwest::Client,
    shop: &'a str,
    mails: &'a str,
}

impl Office<'_> {
    async fn knows(&self, account: &Account) -> Result<bool, LoadError> {
        let body = json!({"email": account.email, "password": account.password});
        let status = self.post("/v1/sessions", &body).await?;
        Ok(status == StatusCode::CREATED)
    }

    async fn register(&self, account: &Account) -> Result<(), LoadError> {
        let refused = || LoadError::Account(account.email.clone());
        let body = json!({"email": account.email, "password": account.password, "name": "A regular", "locale": "en"});
        let status = self.post("/v1/registrations", &body).await?;
        if status != StatusCode::ACCEPTED {
            return Err(refused());
        }
        let began = Instant::now();
        let token = loop {
            if let Some(token) = self.token(account).await? {
                break token;
            }
            if began.elapsed() > UNTIL_MAIL {
                return Err(refused());
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        };
        let status = self
            .post("/v1/registrations/confirm", &json!({"token": token}))
            .await?;
        if status.is_success() {
            Ok(())
        } else {
            Err(refused())
        }
    }

    /// What the newest mail to somebody holds behind `token=`.
    async fn token(&self, account: &Account) -> Result<Option<String>, LoadError> {
        let query = format!("to:{}", account.email);
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let found: Found = self
            .look(&format!("/api/v1/search?limit=1&query={query}"))
            .await?;
        let Some(message) = found.messages.first() else {
            return Ok(None);
        };
        let letter: Letter = self
            .look(&format!("/api/v1/message/{}", message.id))
            .await?;
        Ok(token_in(&letter.text))
    }

    async fn look<T: DeserializeOwned>(&self, path: &str) -> Result<T, LoadError> {
        let url = format!("{}{path}", self.mails);
        let unreachable = |error| LoadError::Discover(url.clone(), error);
        let response = self.client.get(&url).send().await.map_err(unreachable)?;
        response.json().await.map_err(unreachable)
    }

    async fn post(&self, path: &str, body: &serde_json::Value) -> Result<StatusCode, LoadError> {
        let url = format!("{}{path}", self.shop);
        let request = self.client.request(Method::POST, &url).json(body);
        let response = request.send().await;
        let response = response.map_err(|error| LoadError::Discover(url.clone(), error))?;
        Ok(response.status())
    }
}

fn token_in(text: &str) -> Option<String> {
    let (_, rest) = text.split_once("token=")?;
    let is_part = |letter: &char| letter.is_ascii_alphanumeric() || "-_.".contains(*letter);
    let token: String = rest.chars().take_while(is_part).collect();
    Some(token).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_ends_where_the_address_does() {
        for (text, expected) in [
            (
                "Confirm:\nhttp://shop/en/account/verify?token=aB-9_x\n\nBye",
                Some("aB-9_x"),
            ),
            ("token=", None),
            ("no address", None),
        ] {
            assert_eq!(token_in(text).as_deref(), expected, "{text}");
        }
    }
}
