//! Starts the catalog.

use std::time::Duration;

use amazoff_catalog::{App, Config, db::Db, refresh, router};
use kit::{auth::Verifier, clock::Clock, telemetry};

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config: Config = kit::config::read()?;
    let _guard = telemetry::init("catalog", &config.kit)?;
    let clock = Clock::system();
    let verifier = Verifier::from_file(config.jwks_file.clone(), clock.clone())?;
    let db = Db::open(&config.mongodb_uri, &config.mongodb_database).await?;
    let app = App::new(db, verifier, clock)?;
    let health = app.health();
    tokio::spawn(refresh::run(
        app.clone(),
        health.clone(),
        Duration::from_millis(config.index_refresh_ms),
    ));
    kit::serve("catalog", &config.kit, router(app), health).await?;
    Ok(())
}
