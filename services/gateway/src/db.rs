//! Redis: what replicas share. A cache: when it is gone, each replica goes on alone, and no request waits for it for longer than
//! [`PATIENCE`].

pub(crate) mod answers;

use crate::{bucket::Limit, metrics::SharedMetrics};
use arc_swap::ArcSwapOption;
use kit::breaker::Breaker;
use redis::{Client, Cmd, FromRedisValue, RedisError, Script, aio::MultiplexedConnection};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// How long a request waits for Redis.
const PATIENCE: Duration = Duration::from_millis(10);
/// Slow answers in a row after which Redis is left alone, and for how long.
const SLOW_TO_OPEN: u32 = 3;
const OPEN_FOR: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RECONNECT_EVERY: Duration = Duration::from_millis(250);

/// Takes up to ARGV[3] tokens from the bucket at KEYS[1], which refills by one every ARGV[1] microseconds up to ARGV[2]: the same
/// arithmetic as [`crate::bucket::Bucket`], on Redis' own clock. Answers how many there were and, with none, how long until one.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local interval, burst, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local room = math.max(interval * burst - (full_at - now), 0)
local there = math.floor(room / interval)
if there == 0 then return {0, interval - room % interval} end
local taken = math.min(there, wanted)
full_at = full_at + interval * taken
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
return {taken, 0}
";

/// A connection to Redis, as long as there is one. Clones share it.
#[derive(Clone)]
pub struct Redis(Arc<Shared>);

struct Shared {
    client: Client,
    connection: ArcSwapOption<MultiplexedConnection>,
    connected: AtomicBool,
    lost: Notify,
    breaker: Breaker,
    take: Script,
    metrics: SharedMetrics,
}

/// Redis did not answer: go on alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl Redis {
    /// Connects in the background, and again whenever the connection is lost.
    pub fn connect(url: &str) -> Result<Self, RedisError> {
        let redis = Self(Arc::new(Shared {
            client: Client::open(url)?,
            connection: ArcSwapOption::empty(),
            connected: AtomicBool::new(false),
            lost: Notify::new(),
            breaker: Breaker::new(SLOW_TO_OPEN, OPEN_FOR),
            take: Script::new(TAKE),
            metrics: SharedMetrics::new(),
        }));
        tokio::spawn(redis.clone().stay_connected());
        Ok(redis)
    }

    async fn stay_connected(self) {
        let mut said = false;
        loop {
            let connect = self.0.client.get_multiplexed_async_connection();
            match tokio::time::timeout(CONNECT_TIMEOUT, connect).await {
                Ok(Ok(connection)) => {
                    tracing::info!("connected to Redis: limits and cached answers are shared");
                    said = false;
                    self.0.connection.store(Some(Arc::new(connection)));
                    self.0.connected.store(true, Ordering::Relaxed);
                    self.0.metrics.set_connected(true);
                    self.0.lost.notified().await;
                    self.0.metrics.set_connected(false);
                }
                failed if !said => {
                    let error = failed
                        .ok()
                        .and_then(Result::err)
                        .map(|error| error.to_string());
                    tracing::warn!(
                        error,
                        "Redis can't be reached: this replica limits and caches alone meanwhile"
                    );
                    said = true;
                }
                _ => {}
            }
            tokio::time::sleep(RECONNECT_EVERY).await;
        }
    }

    /// Whether there is a connection.
    pub fn is_connected(&self) -> bool {
        self.0.connected.load(Ordering::Relaxed)
    }

    /// Takes up to `wanted` tokens from a bucket that all replicas share; with none there, says how long until one is.
    pub async fn take(
        &self,
        bucket: &str,
        limit: Limit,
        wanted: u32,
    ) -> Result<Result<u32, Duration>, Gone> {
        let mut script = self.0.take.key(bucket);
        script.arg(limit.interval()).arg(limit.burst).arg(wanted);
        let (taken, wait): (u32, u64) = self
            .ask(async |mut connection| script.invoke_async(&mut connection).await)
            .await?;
        Ok(if taken == 0 {
            Err(Duration::from_micros(wait))
        } else {
            Ok(taken)
        })
    }

    /// What is kept under a name.
    pub async fn get(&self, name: &str) -> Result<Option<Vec<u8>>, Gone> {
        self.command(&Cmd::get(name)).await
    }

    /// Keeps something for so many seconds.
    pub async fn put(&self, name: &str, value: &[u8], seconds: u64) -> Result<(), Gone> {
        self.command(&Cmd::set_ex(name, value, seconds.max(1)))
            .await
    }

    /// Forgets a name.
    pub async fn forget(&self, name: &str) -> Result<(), Gone> {
        self.command(&Cmd::del(name)).await
    }

    async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, Gone> {
        self.ask(async |mut connection| command.query_async(&mut connection).await)
            .await
    }

    async fn ask<T>(
        &self,
        ask: impl AsyncFnOnce(MultiplexedConnection) -> Result<T, RedisError>,
    ) -> Result<T, Gone> {
        let connection = self.0.connection.load_full().ok_or(Gone)?;
        if !self.0.breaker.allows() {
            return Err(Gone);
        }
        match tokio::time::timeout(PATIENCE, ask(MultiplexedConnection::clone(&connection))).await {
            Ok(Ok(answer)) => {
                self.0.breaker.succeeded();
                return Ok(answer);
            }
            Ok(Err(error)) if error.is_io_error() || error.is_unrecoverable_error() => {
                self.lose(&connection, &error);
            }
            Ok(Err(error)) => tracing::warn!(%error, "Redis refused a command"),
            Err(_) => self.0.breaker.failed(),
        }
        self.0.metrics.failed();
        Err(Gone)
    }

    /// The first to notice says so; a connection that was made meanwhile stays.
    fn lose(&self, lost: &Arc<MultiplexedConnection>, error: &RedisError) {
        let before = self.0.connection.compare_and_swap(lost, None);
        if before
            .as_ref()
            .is_some_and(|before| Arc::ptr_eq(before, lost))
        {
            tracing::warn!(%error, "Redis is gone: this replica limits and caches alone meanwhile");
            self.0.connected.store(false, Ordering::Relaxed);
            self.0.lost.notify_one();
        }
    }
}
