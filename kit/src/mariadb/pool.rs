//! A pool that connects when it is first asked, and that leaves a server as soon as it is no longer the writable one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use sqlx::{
    ConnectOptions as _, MySqlConnection, MySqlPool,
    mysql::{MySqlConnectOptions, MySqlPoolOptions},
};
use url::Url;

/// A request gives up on a database that can't be reached, or that has no connection free, after this time.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
const IDLE_TIMEOUT: Duration = Duration::from_mins(5);
/// Connections are renewed after this time, so that they spread again over what stands behind a name.
const MAX_LIFETIME: Duration = Duration::from_mins(15);
/// How often at most a pool in use asks whether its server is still writable.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A connection that was idle for longer is asked before it is used.
const IDLE_IS_UNSURE: Duration = Duration::from_secs(1);

/// What every connection begins with. Strict: a value that does not fit is an error and never silently cut. READ COMMITTED:
/// no gap locks, so that writers of different rows never wait for each other. No statement outlives the request that
/// waits for it by much. And when this machine is lost without a word, the server gives up what the connection holds: locks of
/// an open transaction after half a minute, all else after a quarter of an hour, in place of its own eight hours.
const SESSION: &str = "SET NAMES utf8mb4, SESSION time_zone = '+00:00', \
    SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ZERO_DATE,NO_ZERO_IN_DATE,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY', \
    SESSION innodb_lock_wait_timeout = 5, SESSION max_statement_time = 20, \
    SESSION idle_transaction_timeout = 30, SESSION wait_timeout = 900; \
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// A number from servers up to 11, a word from later ones.
const IS_READ_ONLY: &str = "SELECT @@global.read_only NOT IN ('0', 'OFF')";

/// A pool of connections to `url` (`mysql://user:password@host:3306/database`, also `?ssl-mode=VERIFY_IDENTITY&ssl-ca=/path`).
/// It connects when first asked: the server may come later.
///
/// After a failover the name leads to another server, but open connections do not. So the pool asks its server now and then whether it
/// is still writable, and when it is not leaves every connection that was made before.
pub fn open(url: &str, max_connections: u32) -> Result<MySqlPool, sqlx::Error> {
    let url = Url::parse(url).map_err(|error| sqlx::Error::Configuration(error.into()))?;
    // All of it is in SESSION, in one round trip.
    let options = MySqlConnectOptions::from_url(&url)?
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false);
    let (at_release, at_acquire) = {
        let watch = Arc::new(Watch::new());
        (Arc::clone(&watch), watch)
    };
    let pool = MySqlPoolOptions::new()
        .max_connections(max_connections)
        .min_connections(0)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(IDLE_TIMEOUT)
        .max_lifetime(MAX_LIFETIME)
        .test_before_acquire(false)
        .after_connect(|connection, _| {
            Box::pin(async move {
                sqlx::raw_sql(SESSION).execute(connection).await?;
                Ok(())
            })
        })
        .before_acquire(move |connection, metadata| {
            let watch = Arc::clone(&at_acquire);
            Box::pin(async move {
                if watch.left(metadata.age) {
                    return Ok(false);
                }
                if metadata.idle_for < IDLE_IS_UNSURE {
                    return Ok(true);
                }
                watch.look(connection).await
            })
        })
        .after_release(move |connection, metadata| {
            let watch = Arc::clone(&at_release);
            Box::pin(async move {
                if watch.left(metadata.age) {
                    return Ok(false);
                }
                if !watch.is_due() {
                    return Ok(true);
                }
                watch.look(connection).await
            })
        })
        .connect_lazy_with(options);
    Ok(pool)
}

/// Whether the database answers: for a health check.
pub async fn ping(pool: &MySqlPool) -> Result<(), String> {
    match sqlx::query("SELECT 1").execute(pool).await {
        Ok(_) => Ok(()),
        Err(error) => Err(crate::problem::chain(&error)),
    }
}

/// When a pool last asked its server, and since when it is known to have left its writable server. Nanoseconds since `began`: with anything
/// coarser a connection made just after would now and then be taken for one made just before.
struct Watch {
    began: Instant,
    looked_at: AtomicU64,
    left_at: AtomicU64,
}

impl Watch {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            looked_at: AtomicU64::new(0),
            left_at: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        nanos(self.began.elapsed())
    }

    /// Whether a connection of this age was made before the server was found to be read-only.
    fn left(&self, age: Duration) -> bool {
        let left_at = self.left_at.load(Ordering::Relaxed);
        left_at > 0 && self.now().saturating_sub(nanos(age)) <= left_at
    }

    /// Whether it is time to look; true for one caller only.
    fn is_due(&self) -> bool {
        let (now, looked_at) = (self.now(), self.looked_at.load(Ordering::Relaxed));
        now.saturating_sub(looked_at) >= nanos(LOOK_EVERY)
            && self
                .looked_at
                .compare_exchange(looked_at, now, Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Whether the connection may be used again.
    async fn look(&self, connection: &mut MySqlConnection) -> Result<bool, sqlx::Error> {
        let is_read_only: i64 = sqlx::query_scalar(IS_READ_ONLY)
            .fetch_one(connection)
            .await?;
        if is_read_only == 0 {
            return Ok(true);
        }
        self.left_at.fetch_max(self.now(), Ordering::Relaxed);
        tracing::warn!("the database server is read-only: its connections are left for new ones");
        Ok(false)
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
