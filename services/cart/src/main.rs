//! Starts the cart.

use amazoff_cart::{App, Config, db::Db, router, sweep_carts};
use kit::{
    auth::{Verifier, follow_revocations},
    clock::Clock,
    telemetry,
};

#[tokio::main]
async fn main() -> Result<(), kit::Failure> {
    let config: Config = kit::config::read()?;
    let _guard = telemetry::init("cart", &config.kit)?;
    let clock = Clock::system();
    let verifier = Verifier::from_file(config.jwks_file.clone(), clock.clone())?;
    let revocations = config.users_url.join("/internal/v1/revocations")?;
    tokio::spawn(follow_revocations(verifier.clone(), revocations));
    let db = Db::open(&config.mongodb_uri, &config.mongodb_database).await?;
    let app = App::new(db, verifier, clock, config.catalog_url, config.currency)?;
    let health = app.health();
    tokio::spawn(sweep_carts::run(app.clone()));
    kit::serve("cart", &config.kit, router(app), health).await?;
    Ok(())
}
