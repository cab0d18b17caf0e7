//! Starts the gateway.

use amazoff_gateway::{App, config::Config, router};
use clap::Parser as _;
use kit::clock::Clock;

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config = Config::parse();
    let _telemetry = kit::telemetry::init("gateway", &config.kit)?;
    let app = App::new(&config, Clock::system())?;
    kit::serve("gateway", &config.kit, router(app.clone()), app.health()).await?;
    Ok(())
}
