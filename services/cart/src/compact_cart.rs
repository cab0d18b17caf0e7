//! Keeps the chain of a cart's changes short: a snapshot now and then, and what lies long before it is taken out.

use std::sync::Arc;

use jiff::SignedDuration;
use uuid::Uuid;

use crate::{
    App,
    cart::Cart,
    db::{
        DbError,
        changes::{self, Snapshot},
    },
};

/// How many changes lie between two snapshots.
pub const EVERY: u64 = 16;
/// How long a change is kept after a snapshot that includes it. Whoever still builds on an older revision finds the later ones until then.
pub const KEPT: SignedDuration = SignedDuration::from_mins(15);

/// Compacts in the background when it is time to.
pub fn when_due(app: &App, cart: &Arc<Cart>) {
    if !cart.revision.is_multiple_of(EVERY) {
        return;
    }
    let (app, cart) = (app.clone(), Arc::clone(cart));
    tokio::spawn(async move {
        if let Err(error) = compact(&app, &cart).await {
            // The next one includes it.
            tracing::debug!(
                cart.id = %cart.id,
                error = kit::problem::chain(&error),
                "a cart could not be compacted"
            );
        }
    });
}

/// Writes a snapshot, and takes out the changes that an earlier one made superfluous long ago.
pub async fn compact(app: &App, cart: &Cart) -> Result<(), DbError> {
    let now = app.clock.now();
    let before = changes::snapshot(&app.db, cart.id).await?;
    if before
        .as_ref()
        .is_some_and(|before| before.cart.revision >= cart.revision)
    {
        return Ok(());
    }
    let kept_from = before.as_ref().map_or(1, |before| before.kept_from);
    let mut snapshot = Snapshot {
        cart: cart.clone(),
        at: now,
        kept_from,
    };
    changes::write_snapshot(&app.db, &snapshot).await?;
    let superfluous = before
        .filter(|before| now.duration_since(before.at) > KEPT)
        .map_or(0, |before| before.cart.revision);
    if superfluous >= kept_from {
        changes::delete(&app.db, cart.id, kept_from, superfluous).await?;
        snapshot.kept_from = superfluous + 1;
        changes::write_snapshot(&app.db, &snapshot).await?;
    }
    Ok(())
}

/// Leaves nothing of a cart's past: only that it is closed.
pub async fn forget_past(app: &App, closed: &Cart) -> Result<(), DbError> {
    let before = changes::snapshot(&app.db, closed.id).await?;
    let kept_from = before.map_or(1, |before| before.kept_from);
    let mut snapshot = Snapshot {
        cart: closed.clone(),
        at: app.clock.now(),
        kept_from,
    };
    changes::write_snapshot(&app.db, &snapshot).await?;
    changes::delete(&app.db, closed.id, kept_from, closed.revision - 1).await?;
    snapshot.kept_from = closed.revision;
    changes::write_snapshot(&app.db, &snapshot).await
}

/// Takes a cart out as if it had never been. Only for ids that nobody will come back to.
pub async fn remove(app: &App, id: Uuid, revision: u64) -> Result<(), DbError> {
    let snapshot = changes::snapshot(&app.db, id).await?;
    let kept_from = snapshot.map_or(1, |snapshot| snapshot.kept_from);
    changes::delete(&app.db, id, kept_from, revision).await?;
    changes::delete_snapshot(&app.db, id).await?;
    app.carts.remove(&id);
    Ok(())
}
