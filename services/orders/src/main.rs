//! Starts orders.

use amazoff_orders::{App, Config, db::MIGRATIONS, keep_house, router};
use kit::{mariadb, telemetry};

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config: Config = kit::config::read()?;
    let _guard = telemetry::init("orders", &config.kit)?;
    if config.tables.command == Some(mariadb::Command::Migrate) {
        return Ok(mariadb::migrate_and_end(&config.mariadb_url, MIGRATIONS).await?);
    }
    let app = App::configured(&config)?;
    let health = app.health();
    keep_house::start(&app, &config, health.clone());
    kit::serve("orders", &config.kit, router(app), health).await?;
    Ok(())
}
