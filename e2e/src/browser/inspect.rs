//! What every page must be, in whatever state a journey meets it.

use std::{path::PathBuf, sync::PoisonError};

use serde_json::{Value, json};

use super::{Browser, Screen};
use crate::Failure;

/// Fields that would have a card's number pass through the shop: it is for the provider's own pages alone.
const CARD_FIELDS: &str = "[autocomplete^='cc-'], input[name*='card' i], input[name*='cvc' i], input[name*='cvv' i], input[name='pan' i]";

impl Browser {
    /// Looks at the page as it is now: on a phone and a laptop, light and dark. What is wrong is told by [`Browser::close`].
    pub async fn inspect(&self, state: &str) -> Result<(), Failure> {
        let path = self.path().await?;
        let mut faults = Vec::new();
        if self.count(CARD_FIELDS).await? > 0 {
            faults.push("asks for a card".to_owned());
        }
        if self.scripts {
            for (screen, scheme) in [
                (Screen::Phone, "light"),
                (Screen::Phone, "dark"),
                (Screen::Laptop, "light"),
                (Screen::Laptop, "dark"),
            ] {
                self.look_through(screen, scheme).await?;
                let found = self.accessibility_faults().await?;
                faults.extend(
                    found
                        .into_iter()
                        .map(|f| format!("{screen:?} {scheme}: {f}")),
                );
                if self.is_wider_than_its_screen().await? {
                    faults.push(format!("{screen:?}: is wider than its screen"));
                }
            }
            self.look_through(self.screen, "light").await?;
        }
        let mut all = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(faults.into_iter().map(|f| format!("{state} ({path}): {f}")));
        Ok(())
    }

    /// What axe-core finds wrong with the page: one line a rule that is broken.
    pub async fn accessibility_faults(&self) -> Result<Vec<String>, Failure> {
        if self.run("return typeof axe").await? == "undefined" {
            let axe = tokio::fs::read_to_string(axe_path()?).await?;
            self.run(&axe).await?;
        }
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

    async fn look_through(&self, screen: Screen, scheme: &str) -> Result<(), Failure> {
        let (width, height) = screen.size();
        let mobile = screen == Screen::Phone;
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": if mobile { 2 } else { 1 }, "mobile": mobile});
        self.chrome("Emulation.setDeviceMetricsOverride", metrics)
            .await?;
        let scheme = json!({"features": [{"name": "prefers-color-scheme", "value": scheme}]});
        self.chrome("Emulation.setEmulatedMedia", scheme).await?;
        Ok(())
    }

    async fn is_wider_than_its_screen(&self) -> Result<bool, Failure> {
        let script =
            "return document.documentElement.scrollWidth > document.documentElement.clientWidth";
        Ok(self.run(script).await? == Value::Bool(true))
    }
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
