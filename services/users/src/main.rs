//! Starts the users service.

use amazoff_users::{App, Config, run};
use kit::{clock::Clock, telemetry};

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config: Config = kit::config::read()?;
    let _guard = telemetry::init("users", &config.kit)?;
    let (app, health) = App::from_config(&config, Clock::system())?;
    run(app, health, &config).await?;
    Ok(())
}
