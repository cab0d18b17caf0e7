//! Makes the next revision of a cart: look, decide, insert; whoever comes second looks again. No change is ever lost: it is the next one or it is refused.

use std::{
    hash::{DefaultHasher, Hash as _, Hasher as _},
    sync::Arc,
    time::{Duration, Instant},
};

use kit::{Problem, money::Currency};
use tokio::sync::{Mutex, MutexGuard};
use uuid::Uuid;

use crate::{
    App,
    cart::{Cart, Change},
    compact_cart,
    db::{
        DbError,
        changes::{self, Inserted, Written},
        expiring,
    },
    load_cart,
    owner::Owner,
};

/// How long a change tries to be the next one.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many carts can be changed by this process at the same time.
const QUEUES: usize = 256;

/// Changes of one cart by this process wait for each other here instead of in the database. Only for speed: other processes don't see it.
#[derive(Debug)]
pub struct Queues(Vec<Mutex<()>>);

impl Default for Queues {
    fn default() -> Self {
        Self((0..QUEUES).map(|_| Mutex::default()).collect())
    }
}

impl Queues {
    async fn turn(&self, cart: Uuid) -> Option<MutexGuard<'_, ()>> {
        let mut hasher = DefaultHasher::new();
        cart.hash(&mut hasher);
        let place = hasher.finish() % u64::try_from(self.0.len()).unwrap_or(1);
        let queue = self.0.get(usize::try_from(place).unwrap_or(0))?;
        Some(queue.lock().await)
    }
}

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum WriteError<E> {
    /// The rules forbid it.
    #[error("the change is refused")]
    Refused(E),
    /// The database refused, or could not be reached.
    #[error(transparent)]
    Db(#[from] DbError),
    /// Others changed the same cart all the time.
    #[error("others change the same cart all the time")]
    Busy,
}

impl<E: Into<Problem>> From<WriteError<E>> for Problem {
    fn from(error: WriteError<E>) -> Self {
        match error {
            WriteError::Refused(refused) => refused.into(),
            WriteError::Db(error) => error.into(),
            WriteError::Busy => Self::unavailable(WriteError::<std::convert::Infallible>::Busy),
        }
    }
}

/// Makes the change that `decide` wants of the newest revision, and returns the cart after it. `decide` may be asked several times; its refusal
/// counts only when it has seen the newest revision.
pub async fn write<E>(
    app: &App,
    id: Uuid,
    decide: impl Fn(&Cart) -> Result<Option<Change>, E>,
) -> Result<Arc<Cart>, WriteError<E>> {
    let _turn = app.queues.turn(id).await;
    let started = Instant::now();
    let writer = app.clock.uuid();
    let (mut cart, mut is_newest) = match load_cart::last_seen(app, id) {
        Some(cart) => (cart, false),
        None => (load_cart::newest(app, id).await?, true),
    };
    loop {
        let change = match decide(&cart) {
            Ok(Some(change)) => change,
            // Only the newest revision counts when there is nothing to write that could prove it the newest.
            _ if !is_newest => {
                (cart, is_newest) = (load_cart::newest(app, id).await?, true);
                continue;
            }
            Ok(None) => return Ok(cart),
            Err(refused) => return Err(WriteError::Refused(refused)),
        };
        let written = Written {
            at: app.clock.now(),
            writer,
            change,
        };
        if insert(app, id, cart.revision + 1, &written).await? {
            let next = Arc::new(cart.after(&written.change, written.at));
            load_cart::remember(app, &next, written.at);
            compact_cart::when_due(app, &next);
            return Ok(next);
        }
        if started.elapsed() > PATIENCE {
            return Err(WriteError::Busy);
        }
        (cart, is_newest) = (load_cart::newest(app, id).await?, true);
    }
}

/// Makes a guest's cart under an id that is new.
pub async fn begin(
    app: &App,
    id: Uuid,
    owner: Owner,
    currency: Currency,
) -> Result<Arc<Cart>, DbError> {
    let opened = Change::Opened { owner, currency };
    let at = app.clock.now();
    let cart = Arc::new(Cart::absent(id, currency).after(&opened, at));
    // First of all, so that a cart that nobody returns to is found when it has expired, even if this process ends here.
    expiring::register(&app.db, id, cart.expires_at()).await?;
    let written = Written {
        at,
        writer: app.clock.uuid(),
        change: opened,
    };
    insert(app, id, cart.revision, &written).await?;
    load_cart::remember(app, &cart, at);
    Ok(cart)
}

/// Opens a person's cart unless it is open.
pub async fn open(
    app: &App,
    id: Uuid,
    currency: Currency,
) -> Result<Arc<Cart>, WriteError<Problem>> {
    let opened = Change::Opened {
        owner: Owner::Person,
        currency,
    };
    let last = Cart::absent(id, currency).after(&opened, app.clock.now());
    expiring::register(&app.db, id, last.expires_at()).await?;
    let decide = |cart: &Cart| Ok((!cart.is_open(app.clock.now())).then(|| opened.clone()));
    write(app, id, decide).await
}

async fn insert(app: &App, id: Uuid, revision: u64, written: &Written) -> Result<bool, DbError> {
    if changes::insert(&app.db, id, revision, written).await? == Inserted::Won {
        return Ok(true);
    }
    // The driver repeats an insert whose answer was lost, and then finds its own document.
    let there = changes::find(&app.db, id, revision).await?;
    Ok(there.is_some_and(|there| there.writer == written.writer))
}
