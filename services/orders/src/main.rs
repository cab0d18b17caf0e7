//! Starts orders.

use amazoff_orders::{App, Config, keep_house, router};
use kit::telemetry;

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config: Config = kit::config::read()?;
    let _guard = telemetry::init("orders", &config.kit)?;
    let app = App::configured(&config)?;
    let health = app.health();
    keep_house::start(&app, &config, health.clone());
    kit::serve("orders", &config.kit, router(app), health).await?;
    Ok(())
}
