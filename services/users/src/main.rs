//! Starts the users service.

use amazoff_users::{App, Config, db::MIGRATIONS, run};
use kit::{clock::Clock, mariadb, telemetry};

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config: Config = kit::config::read()?;
    let _guard = telemetry::init("users", &config.kit)?;
    if config.tables.command == Some(mariadb::Command::Migrate) {
        return Ok(mariadb::migrate_and_end(&config.mariadb_url, MIGRATIONS).await?);
    }
    let (app, health) = App::from_config(&config, Clock::system())?;
    run(app, health, &config).await?;
    Ok(())
}
