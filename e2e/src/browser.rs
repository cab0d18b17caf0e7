//! A real headless Chromium, driven by `WebDriver`.

mod authenticator;
mod inspect;
mod vendor;

use std::{
    hash::{BuildHasher as _, RandomState},
    net::TcpListener,
    process::Stdio,
    sync::Mutex,
    time::Duration,
};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element};
use serde_json::{Value, json};
use tokio::process::{Child, Command};

use crate::{Failure, within};

/// How long anything on a page is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// What presses a button or follows a link by the keyboard: a click would miss while the page still scrolls to it.
const ENTER: &str = "\u{e007}";

/// What a shopper looks through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Screen {
    /// 390 × 844, as a phone.
    Phone,
    /// 1280 × 900, as a laptop.
    Laptop,
}

impl Screen {
    /// Its width and height, in CSS pixels.
    const fn size(self) -> (u32, u32) {
        match self {
            Self::Phone => (390, 844),
            Self::Laptop => (1280, 900),
        }
    }
}

/// A browser with a profile of its own; it ends when dropped.
pub struct Browser {
    page: Client,
    screen: Screen,
    scripts: bool,
    /// What [`Browser::inspect`] found wrong so far.
    faults: Mutex<Vec<String>>,
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
        let (width, height) = screen.size();
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
        let browser = Self {
            page,
            screen,
            scripts,
            faults: Mutex::default(),
            _driver: driver,
        };
        browser.be_somebody_else().await?;
        Ok(browser)
    }

    /// Comes from an address of its own, where the shop lets this machine say so: what is limited by address is not about all tests together.
    async fn be_somebody_else(&self) -> Result<(), Failure> {
        let own = RandomState::new().hash_one(self.page.session_id().await?);
        let address = format!("2001:db8:{:x}:{:x}::1", own & 0xffff, (own >> 16) & 0xffff);
        self.chrome("Network.enable", json!({})).await?;
        let headers = json!({"headers": {"X-Forwarded-For": address}});
        self.chrome("Network.setExtraHTTPHeaders", headers).await?;
        Ok(())
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

    /// An attribute of the first element that matches.
    pub async fn attribute(&self, selector: &str, name: &str) -> Result<String, Failure> {
        let value = self.find(selector).await?.attr(name).await?;
        value.ok_or_else(|| format!("{selector:?} has no {name}").into())
    }

    /// Follows the first link that matches, and waits for the page behind it.
    pub async fn follow(&self, selector: &str) -> Result<(), Failure> {
        self.leave(selector).await
    }

    /// Presses a button that sends its form, and waits for the page that answers.
    pub async fn send(&self, selector: &str) -> Result<(), Failure> {
        self.leave(selector).await
    }

    /// Presses a button that leaves the page where it is.
    pub async fn press(&self, selector: &str) -> Result<(), Failure> {
        Ok(self.find(selector).await?.send_keys(ENTER).await?)
    }

    /// Puts text into a field, in place of what is in it.
    pub async fn fill(&self, selector: &str, text: &str) -> Result<(), Failure> {
        let field = self.find(selector).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Ticks a box or chooses a radio button, by the keyboard.
    pub async fn choose(&self, selector: &str) -> Result<(), Failure> {
        let choice = self.find(selector).await?;
        if !choice.is_selected().await? {
            choice.send_keys(" ").await?;
        }
        Ok(())
    }

    /// Chooses from a list by what it sends.
    pub async fn select(&self, selector: &str, value: &str) -> Result<(), Failure> {
        Ok(self.find(selector).await?.select_by_value(value).await?)
    }

    /// Types into a field; `\n` presses Enter.
    pub async fn type_into(&self, selector: &str, text: &str) -> Result<(), Failure> {
        let keys = text.replace('\n', ENTER);
        Ok(self.find(selector).await?.send_keys(&keys).await?)
    }

    /// What the browser would send as `Cookie` to the page shown.
    pub async fn cookies(&self) -> Result<String, Failure> {
        let cookies = self.page.get_all_cookies().await?;
        let pairs = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()));
        Ok(pairs.collect::<Vec<_>>().join("; "))
    }

    /// Forgets every cookie of the page shown, as after a long time or in another browser.
    pub async fn forget(&self) -> Result<(), Failure> {
        Ok(self.page.delete_all_cookies().await?)
    }

    /// Runs a script in the page and returns what it returns.
    pub async fn run(&self, script: &str) -> Result<Value, Failure> {
        Ok(self.page.execute(script, Vec::new()).await?)
    }

    /// Runs a script in the page that calls its last argument with what it has found out.
    pub async fn run_to_end(&self, script: &str) -> Result<Value, Failure> {
        Ok(self.page.execute_async(script, Vec::new()).await?)
    }

    /// A picture of the page as it is shown, as PNG.
    pub async fn picture(&self) -> Result<Vec<u8>, Failure> {
        Ok(self.page.screenshot().await?)
    }

    /// Closes the browser properly, and tells what [`Browser::inspect`] found; dropping it ends it all the same.
    pub async fn close(self) -> Result<(), Failure> {
        self.page.close().await?;
        let faults = self.faults.into_inner().unwrap_or_default();
        if faults.is_empty() {
            Ok(())
        } else {
            Err(format!("{} faults:\n{}", faults.len(), faults.join("\n")).into())
        }
    }

    async fn find(&self, selector: &str) -> Result<Element, Failure> {
        let found = self
            .page
            .wait()
            .at_most(PATIENCE)
            .for_element(Locator::Css(selector))
            .await;
        match found {
            Ok(element) => Ok(element),
            Err(error) => {
                let path = self.path().await.unwrap_or_default();
                Err(format!("nothing matches {selector:?} on {path}: {error}").into())
            }
        }
    }

    /// Presses Enter on an element and waits until its page is gone, so that whatever is looked for next is looked for on the one that follows.
    async fn leave(&self, selector: &str) -> Result<(), Failure> {
        let target = self.find(selector).await?;
        let page = self.find("html").await?;
        target.send_keys(ENTER).await?;
        within(PATIENCE, &format!("{selector} leads on"), || async {
            page.tag_name().await.is_err()
        })
        .await?;
        Ok(())
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
