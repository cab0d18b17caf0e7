//! Starts payment.

use amazoff_payment::{App, Config, router};
use kit::{Failure, clock::Clock};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let config: Config = kit::config::read()?;
    let _telemetry = kit::telemetry::init("payment", &config.kit)?;
    let app = App::new(&config, Clock::system())?;
    let health = app.health();
    app.work(&config, health.clone());
    kit::serve("payment", &config.kit, router(app), health).await?;
    Ok(())
}
