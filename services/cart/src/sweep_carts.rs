//! Gives up carts that nobody came back to. Every replica sweeps; what one has done the other finds done.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kit::{Problem, inbox};
use uuid::Uuid;

use crate::{
    App,
    cart::{Change, State},
    compact_cart,
    db::{DbError, expiring},
    load_cart,
    merge_carts::MOVED_KEPT,
    owner::Owner,
    write_change::{self, WriteError},
};

/// How long to wait between two sweeps.
const PAUSE: Duration = Duration::from_mins(10);
/// How many carts are read at once.
const BATCH: i64 = 200;
/// How long after its end a cart is given up: clocks differ, and nobody may be using it any more.
const GRACE: SignedDuration = SignedDuration::from_hours(1);
/// How long it is remembered that a forgotten person had a cart: until all tokens and all that other processes remember is gone.
const ERASED_KEPT: SignedDuration = SignedDuration::from_hours(12);

/// Why a sweep stopped.
#[derive(Debug, thiserror::Error)]
pub enum SweepError {
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A cart could not be closed.
    #[error("a cart could not be closed")]
    Write(#[from] WriteError<Unclosable>),
}

/// Closing is never refused.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("it can't be closed")]
pub struct Unclosable;

impl From<Unclosable> for Problem {
    fn from(error: Unclosable) -> Self {
        Self::internal(error)
    }
}

/// Sweeps for ever.
pub async fn run(app: App) {
    loop {
        match sweep(&app).await {
            Ok(0) => {}
            Ok(carts) => tracing::info!(carts, "looked at carts that may have expired"),
            Err(error) => tracing::warn!(
                error = kit::problem::chain(&error),
                "expired carts could not be looked at"
            ),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks at all carts that are due, and says how many.
pub async fn sweep(app: &App) -> Result<u64, SweepError> {
    let mut looked_at = 0;
    for day in expiring::due(&app.db, app.clock.now()).await? {
        loop {
            let carts = expiring::some(&app.db, &day, BATCH).await?;
            if carts.is_empty() {
                break;
            }
            for cart in carts {
                look_at(app, cart).await?;
                expiring::done(&app.db, &day, cart).await?;
                looked_at += 1;
            }
        }
        expiring::close(&app.db, &day).await?;
    }
    inbox::mongodb::sweep(app.db.database(), &app.clock)
        .await
        .map_err(DbError::from)?;
    Ok(looked_at)
}

async fn look_at(app: &App, id: Uuid) -> Result<(), SweepError> {
    let now = app.clock.now();
    let cart = load_cart::newest(app, id).await?;
    let kept_until = match (&cart.state, &cart.owner) {
        (State::Absent | State::Closed { erased: false }, _) => return Ok(()),
        (State::Open, _) => later(cart.expires_at(), GRACE),
        (State::Moved { .. }, _) => later(cart.changed_at, MOVED_KEPT),
        (State::Closed { erased: true }, _) => later(cart.changed_at, ERASED_KEPT),
    };
    if now < kept_until {
        expiring::register(&app.db, id, kept_until).await?;
        return Ok(());
    }
    if cart.state == State::Open && cart.owner == Owner::Person {
        // They may come back at this very moment. Whoever inserts first decides: if they do, there is nothing to close.
        return close(app, id, now).await;
    }
    compact_cart::remove(app, id, cart.revision).await?;
    Ok(())
}

async fn close(app: &App, id: Uuid, now: Timestamp) -> Result<(), SweepError> {
    let closed = write_change::write(app, id, |cart| {
        let is_over = cart.state == State::Open && later(cart.expires_at(), GRACE) <= now;
        Ok::<_, Unclosable>(is_over.then_some(Change::Closed { erased: false }))
    })
    .await?;
    if closed.state == (State::Closed { erased: false }) {
        compact_cart::forget_past(app, &closed).await?;
    } else {
        expiring::register(&app.db, id, closed.expires_at()).await?;
    }
    Ok(())
}

fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}
