//! How many requests a client may make: a bucket of tokens for each client and class.
//!
//! Replicas share the buckets through Redis without asking it about every request: a replica takes a few tokens at a time, more
//! the busier the client is, and spends them on its own for up to a second. When Redis is gone, each replica limits alone.

use crate::{
    bucket::{Bucket, Limit, LimitOverride, default_limit},
    db::Redis,
    metrics::LimitMetrics,
    refusal::Refusal,
    route::Class,
};
use kit::auth::Identity;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use std::{
    hash::{BuildHasher as _, RandomState},
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The most clients remembered; those that were seen least make room.
const CLIENTS: usize = 65_536;
/// How long, in microseconds, a replica may spend the tokens it has taken.
const LEASE_FOR: u64 = 1_000_000;
/// A replica takes at most this part of a burst at once.
const LEASE_PART: u32 = 8;

/// Limits clients.
pub struct Limiter {
    started: Instant,
    limits: [Limit; Class::ALL.len()],
    clients: Cache<Client, Arc<Mutex<Account>>>,
    hasher: RandomState,
    redis: Option<Redis>,
    metrics: LimitMetrics,
}

/// Whom a bucket belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Client {
    who: Who,
    class: Class,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Who {
    Network(IpAddr),
    Subject(u64),
}

/// What this replica knows of a client. Instants are microseconds since the limiter started.
#[derive(Debug, Default)]
struct Account {
    bucket: Bucket,
    leased: u32,
    leased_until: u64,
    lease: u32,
    refused_until: u64,
}

/// What to do with a request, as far as this replica knows alone.
enum Known {
    Pass,
    Refuse(Duration),
    Ask(u32),
}

impl Limiter {
    /// Limits by these rules.
    pub fn new(overrides: &[LimitOverride], redis: Option<Redis>) -> Self {
        let limits = Class::ALL.map(|class| {
            let replaced = overrides
                .iter()
                .rev()
                .find(|replaced| replaced.class == class);
            replaced.map_or_else(|| default_limit(class), |replaced| replaced.limit)
        });
        Self {
            started: Instant::now(),
            limits,
            clients: Cache::new(CLIENTS),
            hasher: RandomState::new(),
            redis,
            metrics: LimitMetrics::new(),
        }
    }

    /// Takes a token for a request, or refuses it. Who has a token to show is known by it, everyone else by the network.
    pub async fn admit(
        &self,
        class: Class,
        network: IpAddr,
        identity: Option<&Identity>,
    ) -> Result<(), Refusal> {
        let limit = self.limits[class.index()];
        if limit.per_second == 0 {
            return Ok(());
        }
        let who = match identity {
            Some(identity) => Who::Subject(self.hasher.hash_one(identity.subject())),
            None => Who::Network(network),
        };
        let account = self.account(Client { who, class });
        let known = account_of(&account).decide(limit, self.now(), self.redis.as_ref());
        let wait = match known {
            Known::Pass => return Ok(()),
            Known::Refuse(wait) => wait,
            Known::Ask(wanted) => {
                match Box::pin(self.ask(&account, class, limit, network, identity, wanted)).await {
                    Ok(()) => return Ok(()),
                    Err(wait) => wait,
                }
            }
        };
        self.metrics.limited(class);
        let retry_after = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(Refusal::Limited {
            class,
            policy: limit.policy(class),
            retry_after,
        })
    }

    async fn ask(
        &self,
        account: &Mutex<Account>,
        class: Class,
        limit: Limit,
        network: IpAddr,
        identity: Option<&Identity>,
        wanted: u32,
    ) -> Result<(), Duration> {
        let answer = match &self.redis {
            Some(redis) => redis
                .take(&name(class, network, identity), limit, wanted)
                .await
                .ok(),
            None => None,
        };
        let mut account = account_of(account);
        let now = self.now();
        match answer {
            Some(Ok(granted)) => {
                // Requests that asked at the same time each bring some.
                let left = if now < account.leased_until {
                    account.leased
                } else {
                    0
                };
                account.leased = left.saturating_add(granted - 1);
                account.leased_until = now + LEASE_FOR;
                account.lease = wanted
                    .saturating_mul(2)
                    .min((limit.burst / LEASE_PART).max(1));
                // Kept in step, so that this replica can go on alone from here.
                let _taken = account.bucket.take(limit, 1, now);
                Ok(())
            }
            Some(Err(wait)) => {
                account.refused_until = now + u64::try_from(wait.as_micros()).unwrap_or(0);
                Err(wait)
            }
            None => account.bucket.take(limit, 1, now).map(|_| ()),
        }
    }

    fn account(&self, client: Client) -> Arc<Mutex<Account>> {
        if let Some(account) = self.clients.get(&client) {
            return account;
        }
        let account = Arc::<Mutex<Account>>::default();
        self.clients.insert(client, Arc::clone(&account));
        account
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

impl Account {
    fn decide(&mut self, limit: Limit, now: u64, redis: Option<&Redis>) -> Known {
        if redis.is_none_or(|redis| !redis.is_connected()) {
            return match self.bucket.take(limit, 1, now) {
                Ok(_) => Known::Pass,
                Err(wait) => Known::Refuse(wait),
            };
        }
        if now < self.leased_until && self.leased > 0 {
            self.leased -= 1;
            let _in_step = self.bucket.take(limit, 1, now);
            return Known::Pass;
        }
        if now < self.refused_until {
            return Known::Refuse(Duration::from_micros(self.refused_until - now));
        }
        // A client that has paused begins small again: what it does not use is lost to the other replicas.
        Known::Ask(if now > self.leased_until + LEASE_FOR {
            1
        } else {
            self.lease.max(1)
        })
    }
}

fn account_of(account: &Mutex<Account>) -> std::sync::MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The bucket's name in Redis. Who a subject is, Redis need not know.
fn name(class: Class, network: IpAddr, identity: Option<&Identity>) -> String {
    use std::fmt::Write as _;
    let mut name = format!("gateway:limit:{}:", class.name());
    match identity {
        Some(identity) => {
            for byte in &Sha256::digest(identity.subject().as_bytes())[..16] {
                let _infallible = write!(name, "{byte:02x}");
            }
        }
        None => {
            let _infallible = write!(name, "{network}");
        }
    }
    name
}
