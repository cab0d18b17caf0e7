//! The mails that the shop sends, read where the demo's mail server keeps them (Mailpit's API).

use std::time::Duration;

use serde_json::Value;

use crate::Failure;

/// How long a mail may take: an event, a queue and a mail server lie between.
const ARRIVES_WITHIN: Duration = Duration::from_secs(20);

/// The mail server.
pub struct Mails {
    url: String,
    http: reqwest::Client,
}

/// A mail as its reader sees it.
#[derive(Debug)]
pub struct Mail {
    /// What it is about.
    pub subject: String,
    /// Its text.
    pub text: String,
}

impl Mails {
    /// The mail server at `E2E_MAILS`.
    pub fn from_env() -> Result<Self, Failure> {
        let url = std::env::var("E2E_MAILS")
            .map_err(|_unset| "E2E_MAILS is not set; `make e2e` sets it")?;
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()?;
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            http,
        })
    }

    /// Waits for a mail to this address whose text holds `word`.
    pub async fn wait_for(&self, to: &str, word: &str) -> Result<Mail, Failure> {
        let started = std::time::Instant::now();
        loop {
            for mail in self.to(to).await? {
                if mail.text.contains(word) {
                    return Ok(mail);
                }
            }
            if started.elapsed() > ARRIVES_WITHIN {
                return Err(format!("no mail to {to} with {word:?} in {ARRIVES_WITHIN:?}").into());
            }
            // Between two looks into the mailbox.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// All mails to this address, the newest first.
    pub async fn to(&self, address: &str) -> Result<Vec<Mail>, Failure> {
        let query = [("query", format!("to:\"{address}\""))];
        let found = self.json("/api/v1/search", &query).await?;
        let mut mails = Vec::new();
        for message in found["messages"].as_array().into_iter().flatten() {
            let id = message["ID"].as_str().ok_or("a mail has an id")?;
            let mail = self.json(&format!("/api/v1/message/{id}"), &[]).await?;
            let text = |field: &str| mail[field].as_str().unwrap_or_default().to_owned();
            mails.push(Mail {
                subject: text("Subject"),
                text: text("Text"),
            });
        }
        Ok(mails)
    }

    async fn json(&self, path: &str, query: &[(&str, String)]) -> Result<Value, Failure> {
        let request = self.http.get(format!("{}{path}", self.url)).query(query);
        Ok(request.send().await?.error_for_status()?.json().await?)
    }
}

impl Mail {
    /// The first address in it that holds `part`.
    pub fn link(&self, part: &str) -> Result<String, Failure> {
        let found = self
            .text
            .split_whitespace()
            .find(|word| word.starts_with("http") && word.contains(part));
        found
            .map(str::to_owned)
            .ok_or_else(|| format!("no link with {part:?} in {:?}", self.text).into())
    }
}
