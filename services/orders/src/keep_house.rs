//! What goes on beside requests: tables, events, unpaid orders, old answers, revoked tokens.

use std::time::Duration;

use kit::{
    Health, auth::follow_revocations, idempotency, inbox, mariadb::migrate_when_there,
    problem::chain,
};

use crate::{App, Config, db::MIGRATIONS, expire_orders};

const SWEEP_EVERY: Duration = Duration::from_mins(10);

/// Starts all of it. The service is ready once its tables are there.
pub fn start(app: &App, config: &Config, health: Health) {
    let migrated = migrate_when_there(
        app.pool.clone(),
        MIGRATIONS,
        config.tables.migrations,
        health,
    );
    let (app, every) = (app.clone(), Duration::from_millis(config.expiry_sweep_ms));
    match config.users_url.join("/internal/v1/revocations") {
        Ok(url) => {
            tokio::spawn(follow_revocations(app.verifier.clone(), url));
        }
        Err(error) => tracing::error!(%error, "USERS_URL has no room for a path"),
    }
    tokio::spawn(async move {
        migrated.await;
        tokio::spawn(app.relay.clone().run());
        tokio::spawn(expire_orders::run(app.clone(), every));
        loop {
            sweep(&app).await;
            tokio::time::sleep(SWEEP_EVERY).await;
        }
    });
}

async fn sweep(app: &App) {
    let outcomes = [
        idempotency::sweep(&app.pool, &app.clock).await,
        inbox::sweep(&app.pool, &app.clock).await,
    ];
    for error in outcomes.into_iter().filter_map(Result::err) {
        tracing::warn!(error = chain(&error), "what is old could not be deleted");
    }
}
