//! Starts notifications.

use amazoff_notifications::{App, Config, deliver_mails, router, sweep_mails};
use kit::{auth::follow_revocations, telemetry};

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config: Config = kit::config::read()?;
    let _guard = telemetry::init("notifications", &config.kit)?;
    let app = App::open(&config).await?;
    let revocations = config.users_url.join("/internal/v1/revocations")?;
    tokio::spawn(follow_revocations(app.verifier.clone(), revocations));
    let health = app.health();
    tokio::spawn(deliver_mails::run(app.clone()));
    tokio::spawn(sweep_mails::run(app.clone()));
    kit::serve("notifications", &config.kit, router(app), health).await?;
    Ok(())
}
