//! Forgetting what has had its time: registrations nobody confirmed, links, sessions, failures.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{
    App,
    db::{DbResult, accounts, passkeys, registrations, resets, sealed, sessions, throttles},
    events,
    publish_revocations::REACH,
    session::later,
};

const EVERY: Duration = Duration::from_mins(1);
const AT_ONCE: u32 = 500;
/// Sessions that are over are remembered a while, so that the replay of a stolen token is still noticed.
const KEEP_SESSIONS: SignedDuration = SignedDuration::from_hours(-7 * 24);
/// Far longer than a transaction takes.
const KEEP_EVENTS: SignedDuration = SignedDuration::from_mins(-1);
/// Longer than any rule remembers.
const KEEP_FAILURES: SignedDuration = SignedDuration::from_hours(-48);

/// Sweeps for ever.
pub async fn run(app: App) {
    loop {
        if let Err(error) = sweep(&app).await {
            tracing::warn!(
                error = kit::problem::chain(&error),
                "what has expired has to wait"
            );
        }
        tokio::time::sleep(EVERY).await;
    }
}

/// Forgets what has expired by now.
pub async fn sweep(app: &App) -> DbResult<()> {
    let now = app.clock.now();
    let mut connection = app.pool.acquire().await?;
    for id in registrations::expired(&mut connection, now, AT_ONCE).await? {
        registrations::delete(&mut connection, id).await?;
        // Confirmed a moment ago, the key is somebody's.
        if accounts::find(&mut connection, &app.sealer, id)
            .await?
            .is_none()
        {
            sealed::forget_key(&mut connection, id).await?;
        }
    }
    events::forget_delivered(&mut connection, later(now, KEEP_EVENTS)).await?;
    resets::forget(&mut connection, now).await?;
    passkeys::forget_challenges(&mut connection, now).await?;
    sessions::forget(&mut connection, later(now, KEEP_SESSIONS)).await?;
    throttles::forget(&mut connection, later(now, KEEP_FAILURES)).await?;
    accounts::forget_revocations(&mut connection, now.as_second().saturating_sub(REACH)).await?;
    Ok(())
}
