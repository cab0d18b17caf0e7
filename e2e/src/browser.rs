//! A real headless Chromium, driven by `WebDriver`.

use std::{net::TcpListener, path::PathBuf, process::Stdio, time::Duration};

use fantoccini::{Client, ClientBuilder, Locator};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::Failure;

/// What a shopper looks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// 390 × 844, as a phone.
    Phone,
    /// 1280 × 900, as a laptop.
    Laptop,
}

/// A browser with a profile of its own; it ends when dropped.
pub struct Browser {
    page: Client,
    _driver: Child,
}

impl Browser {
    /// Opens a browser. `scripts` says whether pages may run JavaScript.
    pub async fn open(screen: Screen, scripts: bool) -> Result<Self, Failure> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let driver = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| {
                format!(
                    "chromedriver can't be started ({error}); `dev/tools/install web` installs it"
                )
            })?;
        let (width, height) = match screen {
            Screen::Phone => (390, 844),
            Screen::Laptop => (1280, 900),
        };
        let mut arguments = vec![
            "--headless=new".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--no-first-run".to_owned(),
            "--hide-scrollbars".to_owned(),
            format!("--window-size={width},{height}"),
        ];
        if !scripts {
            arguments.push("--blink-settings=scriptEnabled=false".to_owned());
        }
        let mut options = json!({ "args": arguments });
        if screen == Screen::Phone {
            options["mobileEmulation"] = json!({"deviceMetrics": {"width": width, "height": height, "pixelRatio": 2.0, "mobile": true}});
        }
        let capabilities = json!({"browserName": "chrome", "goog:chromeOptions": options});
        let Value::Object(capabilities) = capabilities else {
            return Err("capabilities are an object".into());
        };
        let page = connect(port, capabilities).await?;
        Ok(Self {
            page,
            _driver: driver,
        })
    }

    /// Goes to an address.
    pub async fn go(&self, address: &str) -> Result<(), Failure> {
        Ok(self.page.goto(address).await?)
    }

    /// The path (and query) of the page shown.
    pub async fn path(&self) -> Result<String, Failure> {
        let url = self.page.current_url().await?;
        Ok(url.query().map_or_else(
            || url.path().to_owned(),
            |query| format!("{}?{query}", url.path()),
        ))
    }

    /// The text of the first element that matches a CSS selector, waiting for it to appear.
    pub async fn text(&self, selector: &str) -> Result<String, Failure> {
        Ok(self.find(selector).await?.text().await?)
    }

    /// How many elements match now.
    pub async fn count(&self, selector: &str) -> Result<usize, Failure> {
        Ok(self.page.find_all(Locator::Css(selector)).await?.len())
    }

    /// Follows the first link that matches, by the keyboard: a click would miss while the page still scrolls to it.
    pub async fn follow(&self, selector: &str) -> Result<(), Failure> {
        Ok(self.find(selector).await?.send_keys("\u{e007}").await?)
    }

    /// Types into a field; `\n` presses Enter.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<(), Failure> {
        let keys = text.replace('\n', "\u{e007}");
        Ok(self.find(selector).await?.send_keys(&keys).await?)
    }

    /// Runs a script in the page and returns what it returns.
    pub async fn run(&self, script: &str) -> Result<Value, Failure> {
        Ok(self.page.execute(script, Vec::new()).await?)
    }

    /// What axe-core finds wrong with the page: one line a rule that is broken.
    pub async fn accessibility_faults(&self) -> Result<Vec<String>, Failure> {
        let axe = tokio::fs::read_to_string(axe_path()?).await?;
        self.page.execute(&axe, Vec::new()).await?;
        let script = "const done = arguments[arguments.length - 1]; axe.run(document).then(result => done(result.violations), error => done([{id: String(error), nodes: []}]));";
        let found = self.page.execute_async(script, Vec::new()).await?;
        let faults = found.as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(faults
            .iter()
            .map(|fault| {
                format!(
                    "{}: {} ({})",
                    fault["id"], fault["help"], fault["nodes"][0]["html"]
                )
            })
            .collect())
    }

    /// A picture of the page as it is shown, as PNG.
    pub async fn picture(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.page.screenshot().await?)
    }

    /// Closes the browser properly; dropping it ends it all the same.
    pub async fn close(self) -> Result<(), Failure> {
        Ok(self.page.close().await?)
    }

    async fn find(&self, selector: &str) -> Result<fantoccini::elements::Element, Failure> {
        let found = self
            .page
            .wait()
            .at_most(Duration::from_secs(5))
            .for_element(Locator::Css(selector))
            .await;
        found.map_err(|error| format!("nothing matches {selector:?} on the page: {error}").into())
    }
}

async fn connect(
    port: u16,
    capabilities: serde_json::Map<String, Value>,
) -> Result<Client, Failure> {
    let mut builder = ClientBuilder::new(hyper_util_connector());
    builder.capabilities(capabilities);
    let started = std::time::Instant::now();
    loop {
        match builder.connect(&format!("http://127.0.0.1:{port}")).await {
            Ok(page) => return Ok(page),
            Err(error) if started.elapsed() > Duration::from_secs(20) => {
                return Err(format!("no browser within 20 s: {error}").into());
            }
            // Between two looks at whether the driver accepts connections.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

fn hyper_util_connector() -> hyper_util::client::legacy::connect::HttpConnector {
    hyper_util::client::legacy::connect::HttpConnector::new()
}

fn axe_path() -> Result<PathBuf, Failure> {
    let cache = std::env::var_os("AMAZOFF_CACHE")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/amazoff")))
        .ok_or("neither AMAZOFF_CACHE nor HOME is set")?;
    let path = cache.join("share/axe.min.js");
    if path.exists() {
        Ok(path)
    } else {
        Err(format!(
            "{} is missing; `dev/tools/install web` installs it",
            path.display()
        )
        .into())
    }
}
