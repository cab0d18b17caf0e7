//! Commands that `WebDriver` drivers know beside those that every browser has.

use fantoccini::wd::WebDriverCompatibleCommand;
use serde_json::{Value, json};
use url::{ParseError, Url};

use super::Browser;
use crate::Failure;

/// A command below `/session/{id}/`.
#[derive(Debug)]
struct Command {
    method: http::Method,
    path: String,
    body: Option<Value>,
}

impl WebDriverCompatibleCommand for Command {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!(
            "session/{}/{}",
            session.unwrap_or_default(),
            self.path
        ))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let body = self.body.as_ref().map(Value::to_string);
        (self.method.clone(), body)
    }
}

impl Browser {
    /// POSTs a command that only some drivers have.
    pub(super) async fn command(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.issue(http::Method::POST, path, Some(body)).await
    }

    /// Asks a driver for something that only some have.
    pub(super) async fn ask(&self, path: &str) -> Result<Value, Failure> {
        self.issue(http::Method::GET, path, None).await
    }

    /// Speaks to the browser in its own words (Chrome `DevTools` Protocol).
    pub(super) async fn chrome(&self, command: &str, params: Value) -> Result<Value, Failure> {
        let body = json!({ "cmd": command, "params": params });
        self.command("goog/cdp/execute", body).await
    }

    async fn issue(
        &self,
        method: http::Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let path = path.to_owned();
        Ok(self.page.issue_cmd(Command { method, path, body }).await?)
    }
}
