//! Starts payment.

use amazoff_payment::{App, Config, db::MIGRATIONS, router};
use kit::{Failure, clock::Clock, mariadb};

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let config: Config = kit::config::read()?;
    let _telemetry = kit::telemetry::init("payment", &config.kit)?;
    if config.tables.command == Some(mariadb::Command::Migrate) {
        return Ok(mariadb::migrate_and_end(&config.mariadb_url, MIGRATIONS).await?);
    }
    let app = App::new(&config, Clock::system())?;
    let health = app.health();
    app.work(&config, health.clone());
    kit::serve("payment", &config.kit, router(app), health).await?;
    Ok(())
}
