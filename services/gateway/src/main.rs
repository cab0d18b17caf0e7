//! Starts the gateway.

use amazoff_gateway::{App, config::Config, handler};
use kit::{Failure, clock::Clock};
use std::thread::available_parallelism;
use tokio::runtime::Builder;

fn main() -> Result<(), Failure> {
    let config: Config = kit::config::read()?;
    let _telemetry = kit::telemetry::init("gateway", &config.kit)?;
    // On one core, threads would only hand requests to each other.
    let mut runtime = match available_parallelism()?.get() {
        1 => Builder::new_current_thread(),
        _ => Builder::new_multi_thread(),
    };
    runtime.enable_all().build()?.block_on(async {
        let app = App::new(&config, Clock::system())?;
        let (health, upgraded) = (app.health(), app.upgraded());
        kit::serve_handler("gateway", &config.kit, handler(app), health, upgraded).await?;
        Ok(())
    })
}
