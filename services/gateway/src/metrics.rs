//! What the gateway counts beside the requests themselves. Label sets are resolved once, so that counting is one addition.

use kit::breaker::State;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use std::{sync::LazyLock, time::Duration};

use crate::route::Class;

static ALL: LazyLock<All> = LazyLock::new(All::register);

struct All {
    answers: Family<UpstreamLabel, Histogram, fn() -> Histogram>,
    failures: Family<UpstreamLabel, Counter>,
    retries: Family<UpstreamLabel, Counter>,
    breakers: Family<UpstreamLabel, Gauge>,
    limited: Family<ClassLabel, Counter>,
    cache: Family<OutcomeLabel, Counter>,
    shared_failures: Counter,
    shared_connected: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    class: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabel {
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UpstreamLabel {
    upstream: &'static str,
}

impl All {
    fn register() -> Self {
        let all = Self {
            answers: Family::new_with_constructor(|| {
                Histogram::new([
                    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0,
                    10.0,
                ])
            }),
            failures: Family::default(),
            retries: Family::default(),
            breakers: Family::default(),
            limited: Family::default(),
            cache: Family::default(),
            shared_failures: Counter::default(),
            shared_connected: Gauge::default(),
        };
        kit::metrics::register(|registry| {
            registry.register(
                "gateway_upstream_answer_seconds",
                "Time until an upstream's answer began, retries included",
                all.answers.clone(),
            );
            registry.register(
                "gateway_upstream_failures",
                "Requests that an upstream did not answer",
                all.failures.clone(),
            );
            registry.register(
                "gateway_upstream_retries",
                "Requests sent again to an upstream",
                all.retries.clone(),
            );
            registry.register(
                "gateway_upstream_breaker",
                "Whether requests pass to an upstream: 0 all, 1 none, 2 the next one decides",
                all.breakers.clone(),
            );
            registry.register(
                "gateway_limited",
                "Requests refused because their client made too many",
                all.limited.clone(),
            );
            registry.register(
                "gateway_cache",
                "Requests that the cache was asked for, by what came of it",
                all.cache.clone(),
            );
            registry.register(
                "gateway_redis_failures",
                "Questions that Redis did not answer in time",
                all.shared_failures.clone(),
            );
            registry.register(
                "gateway_redis_connected",
                "Whether limits and cached answers are shared between replicas",
                all.shared_connected.clone(),
            );
        });
        all
    }
}

/// What is counted of Redis.
#[derive(Debug)]
pub(crate) struct SharedMetrics {
    failures: Counter,
    connected: Gauge,
}

impl SharedMetrics {
    pub(crate) fn new() -> Self {
        Self {
            failures: ALL.shared_failures.clone(),
            connected: ALL.shared_connected.clone(),
        }
    }

    pub(crate) fn failed(&self) {
        self.failures.inc();
    }

    pub(crate) fn set_connected(&self, connected: bool) {
        self.connected.set(i64::from(connected));
    }
}

/// What is counted of refused requests.
#[derive(Debug)]
pub(crate) struct LimitMetrics([Counter; Class::ALL.len()]);

impl LimitMetrics {
    pub(crate) fn new() -> Self {
        Self(Class::ALL.map(|class| {
            ALL.limited.get_or_create_owned(&ClassLabel {
                class: class.name(),
            })
        }))
    }

    pub(crate) fn limited(&self, class: Class) {
        self.0[class.index()].inc();
    }
}

/// What is counted of the cache.
#[derive(Debug)]
pub(crate) struct CacheMetrics {
    /// Given out from memory.
    pub(crate) hits: Counter,
    /// Given out from memory while a new one was fetched, or because none could be had.
    pub(crate) stale: Counter,
    /// Given out from Redis.
    pub(crate) shared: Counter,
    /// Fetched by another request at the same time.
    pub(crate) collapsed: Counter,
    /// Fetched.
    pub(crate) misses: Counter,
    /// Not to be kept.
    pub(crate) passed: Counter,
}

impl CacheMetrics {
    pub(crate) fn new() -> Self {
        let count = |outcome| ALL.cache.get_or_create_owned(&OutcomeLabel { outcome });
        Self {
            hits: count("hit"),
            stale: count("stale"),
            shared: count("shared"),
            collapsed: count("collapsed"),
            misses: count("miss"),
            passed: count("pass"),
        }
    }
}

/// What is counted of one upstream.
#[derive(Debug)]
pub(crate) struct UpstreamMetrics {
    answers: Histogram,
    failures: Counter,
    retries: Counter,
    breaker: Gauge,
}

impl UpstreamMetrics {
    pub(crate) fn new(upstream: &'static str) -> Self {
        let label = UpstreamLabel { upstream };
        Self {
            answers: ALL.answers.get_or_create_owned(&label),
            failures: ALL.failures.get_or_create_owned(&label),
            retries: ALL.retries.get_or_create_owned(&label),
            breaker: ALL.breakers.get_or_create_owned(&label),
        }
    }

    pub(crate) fn answered(&self, after: Duration) {
        self.answers.observe(after.as_secs_f64());
    }

    pub(crate) fn failed(&self) {
        self.failures.inc();
    }

    pub(crate) fn retried(&self) {
        self.retries.inc();
    }

    pub(crate) fn set_state(&self, state: State) {
        let state = match state {
            State::Closed => 0,
            State::Open => 1,
            State::HalfOpen => 2,
        };
        if self.breaker.get() != state {
            self.breaker.set(state);
        }
    }
}
