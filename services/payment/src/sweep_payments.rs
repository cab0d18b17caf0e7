//! Looks at what waits for too long: payments whose reply was lost or whose provider was away, money that is to go back, payments whose time
//! is up. Replicas share the work: a row is given to one of them.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use kit::{inbox, problem::chain};
use uuid::Uuid;

use crate::{
    App,
    advance_payment::{AdvanceError, advance},
    db::{self, payments, refunds},
    schedule,
    send_refund::send,
};

/// The most that one look takes.
const MOST: u32 = 100;
/// How many providers' answers are awaited at the same time.
const AT_ONCE: usize = 8;
/// Between looks, when nobody rings.
const EVERY: Duration = Duration::from_secs(1);
const HOUSEKEEPING: Duration = Duration::from_hours(1);
/// For how long events of providers are remembered.
const REMEMBERED: Duration = Duration::from_hours(720);

/// Sweeps for ever.
pub async fn run(app: App) {
    loop {
        match run_once(&app).await {
            Ok(Found::More) => continue,
            Ok(Found::All) => {}
            Err(error) => tracing::warn!(
                error = chain(&error),
                "what waits could not be looked at; it is looked at again"
            ),
        }
        let _rung = tokio::time::timeout(EVERY, app.sweep.notified()).await;
    }
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// All that waits.
    All,
    /// As much as one look takes: more may wait.
    More,
}

/// Looks once.
pub async fn run_once(app: &App) -> sqlx::Result<Found> {
    let now = app.clock.now();
    let next = |attempts| schedule::after(now, schedule::wait(attempts));
    let refunds = refunds::claim_due(&app.pool, MOST, now, next).await?;
    let payments = payments::claim_due(&app.pool, MOST, now, next).await?;
    let is_full = |ids: &[Uuid]| u32::try_from(ids.len()).is_ok_and(|found| found >= MOST);
    let found = if is_full(&refunds) || is_full(&payments) {
        Found::More
    } else {
        Found::All
    };
    stream::iter(refunds)
        .for_each_concurrent(AT_ONCE, |id| async move {
            report("refund", id, send(app, id).await);
        })
        .await;
    stream::iter(payments)
        .for_each_concurrent(AT_ONCE, |id| async move {
            report("payment", id, advance(app, id).await.map(drop));
        })
        .await;
    Ok(found)
}

/// Forgets what providers and orders said long ago, once an hour, for ever.
pub async fn keep_house(app: App) {
    loop {
        if let Err(error) = forget(&app).await {
            tracing::warn!(error = chain(&error), "old events could not be forgotten");
        }
        tokio::time::sleep(HOUSEKEEPING).await;
    }
}

async fn forget(app: &App) -> sqlx::Result<()> {
    inbox::sweep(&app.pool, &app.clock).await?;
    let Ok(since) = app.clock.now().checked_sub(REMEMBERED) else {
        return Ok(());
    };
    let mut connection = app.pool.acquire().await?;
    while db::forget_events(&mut connection, since).await? > 0 {}
    Ok(())
}

fn report(what: &str, id: Uuid, outcome: Result<(), AdvanceError>) {
    if let Err(error) = outcome {
        tracing::warn!(%id, error = chain(&error), "the {what} could not be brought on; it is tried again");
    }
}
