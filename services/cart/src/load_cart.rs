//! Finds the newest revision of a cart: from what this process knows, or from a snapshot, then along the changes.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use quick_cache::{Weighter, sync::Cache};
use uuid::Uuid;

use crate::{
    App,
    cart::Cart,
    db::{DbError, changes},
};

/// How long what this process knows of a cart may be built on. Well below [`crate::compact_cart::KEPT`]: while it is, each
/// later change is still there to be found.
const TRUSTED: SignedDuration = SignedDuration::from_mins(5);
/// How many lines of carts are remembered, with one more for each cart; some 40 MiB at most.
const REMEMBERED_LINES: u64 = 50_000;
/// How many changes are looked for at the same time when nothing is known of a cart, and at most. Another process made one or two since
/// this one looked last, most likely, and a look for what is not there costs the database as much as one for what is.
const COLD_READS: u64 = 4;
const MOST_READS: u64 = 8;

/// Carts as last seen by this process.
pub type Remembered = Cache<Uuid, Seen, ByLines>;

/// A cart, and when it was certainly the newest revision.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The cart.
    pub cart: Arc<Cart>,
    /// When there was no later revision.
    pub at: Timestamp,
}

/// A cart weighs as much as it has lines.
#[derive(Debug, Clone)]
pub struct ByLines;

impl Weighter<Uuid, Seen> for ByLines {
    fn weight(&self, _: &Uuid, seen: &Seen) -> u64 {
        1 + u64::try_from(seen.cart.lines.len()).unwrap_or(u64::MAX)
    }
}

/// Room for carts.
pub fn remembered() -> Remembered {
    const CARTS: usize = 16_384;
    Cache::with_weighter(CARTS, REMEMBERED_LINES, ByLines)
}

/// The newest revision of a cart; revision 0 where there is none.
pub async fn newest(app: &App, id: Uuid) -> Result<Arc<Cart>, DbError> {
    let asked_at = app.clock.now();
    let (mut cart, mut reads) = match last_seen(app, id) {
        // Nobody changed it meanwhile, most likely: one question tells.
        Some(cart) => (cart, 1),
        None => (start(app, id).await?, COLD_READS),
    };
    loop {
        let changes = changes::find_many(&app.db, id, cart.revision + 1, reads).await?;
        let is_last = u64::try_from(changes.len()).unwrap_or(u64::MAX) < reads;
        for written in changes {
            cart = Arc::new(cart.after(&written.change, written.at));
        }
        if is_last {
            break;
        }
        reads = (reads * 2).min(MOST_READS);
    }
    remember(app, &cart, asked_at);
    Ok(cart)
}

/// What this process knows of a cart, where that may be built on.
pub fn last_seen(app: &App, id: Uuid) -> Option<Arc<Cart>> {
    let seen = app.carts.get(&id)?;
    let age = app.clock.now().duration_since(seen.at);
    (age < TRUSTED).then_some(seen.cart)
}

/// Keeps a cart that was the newest at `at`.
pub fn remember(app: &App, cart: &Arc<Cart>, at: Timestamp) {
    if cart.revision == 0 {
        // Whoever asks for carts that don't exist must not push out those that do.
        return;
    }
    let seen = Seen {
        cart: Arc::clone(cart),
        at,
    };
    app.carts.insert(cart.id, seen);
}

async fn start(app: &App, id: Uuid) -> Result<Arc<Cart>, DbError> {
    let snapshot = changes::snapshot(&app.db, id).await?;
    let cart = snapshot.map_or_else(|| Cart::absent(id, app.currency), |snapshot| snapshot.cart);
    Ok(Arc::new(cart))
}
