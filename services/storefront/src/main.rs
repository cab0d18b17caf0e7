//! Starts the storefront.

use amazoff_storefront::{App, config::Config, router};
use kit::Failure;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let config: Config = kit::config::read()?;
    let _telemetry = kit::telemetry::init("storefront", &config.kit)?;
    let app = App::new(&config, kit::clock::Clock::system())?;
    let health = app.health();
    kit::serve("storefront", &config.kit, router(app), health).await?;
    Ok(())
}
