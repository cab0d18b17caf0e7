//! The shop by HTTP, as a shopper's browser or a program would see it.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use crate::Failure;

/// The shop's entry point.
#[derive(Debug, Clone)]
pub struct Shop {
    url: String,
    http: reqwest::Client,
}

impl Shop {
    /// The shop at `E2E_URL`.
    pub fn from_env() -> Result<Self, Failure> {
        let url =
            std::env::var("E2E_URL").map_err(|_unset| "E2E_URL is not set; `make e2e` sets it")?;
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            url: url.trim_end_matches('/').to_owned(),
            http,
        })
    }

    /// The address of a path.
    pub fn address(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// GETs a path.
    pub async fn get(&self, path: &str) -> Result<Response, Failure> {
        Ok(self.http.get(self.address(path)).send().await?)
    }

    /// Begins any request.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.address(path))
    }

    /// GETs a path that answers JSON; fails with the body unless the status is a success.
    pub async fn json(&self, path: &str) -> Result<Value, Failure> {
        let response = self.get(path).await?;
        let status = response.status();
        let body = response.text().await?;
        if !status.is_success() {
            return Err(format!("GET {path}: {status}: {body}").into());
        }
        Ok(serde_json::from_str(&body)?)
    }

    /// The status of a path; 0 when there is no answer.
    pub async fn status(&self, path: &str) -> u16 {
        self.get(path)
            .await
            .map_or(0, |response| response.status().as_u16())
    }

    /// The path of a product page that something can be bought on.
    pub async fn something_to_buy(&self, language: &str) -> Result<String, Failure> {
        let mut found = self.things_to_buy(language, 1).await?;
        found.pop().ok_or_else(|| "nothing is in stock".into())
    }

    /// The paths of up to `most` such pages.
    pub async fn things_to_buy(&self, language: &str, most: usize) -> Result<Vec<String>, Failure> {
        let path = format!("/v1/products?lang={language}&currency=EUR&limit=50");
        let listed = self.json(&path).await?;
        let mut found = Vec::new();
        for product in listed["items"].as_array().into_iter().flatten() {
            let slug = product["slug"].as_str().ok_or("a product has a slug")?;
            let path = format!("/{language}/p/{slug}");
            if found.len() < most && self.get(&path).await?.text().await?.contains("data-add") {
                found.push(path);
            }
        }
        Ok(found)
    }

    /// POSTs what only staff may, with the token in `E2E_STAFF_TOKEN`.
    pub async fn as_staff(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        let token = std::env::var("E2E_STAFF_TOKEN")
            .map_err(|_unset| "E2E_STAFF_TOKEN is not set; `make e2e` sets it")?;
        let request = self.request(Method::POST, path).bearer_auth(token);
        let response = request.json(body).send().await?;
        let status = response.status();
        let body = response.text().await?;
        if !status.is_success() {
            return Err(format!("POST {path}: {status}: {body}").into());
        }
        Ok(serde_json::from_str(&body)?)
    }
}
