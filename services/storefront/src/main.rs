//! Starts the storefront.

use amazoff_storefront::{App, config::Config, router};
use kit::Failure;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let config: Config = kit::config::read()?;
    let _telemetry = kit::telemetry::init("storefront", &config.kit)?;
    let app = App::new(&config, kit::clock::Clock::system())?;
    let catalog = app.catalog.clone();
    // Not critical: without the catalog, the pages still say so in the shopper's language.
    let health = kit::Health::new().check("catalog", false, move || {
        let catalog = catalog.clone();
        async move { catalog.reachable().await }
    });
    kit::serve("storefront", &config.kit, router(app), health).await?;
    Ok(())
}
