//! What the gateway counts beside the requests themselves. Label sets are resolved once, so that counting is one addition.

use kit::breaker::State;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
};
use std::{sync::LazyLock, time::Duration};

static ALL: LazyLock<All> = LazyLock::new(All::register);

struct All {
    answers: Family<UpstreamLabel, Histogram, fn() -> Histogram>,
    failures: Family<UpstreamLabel, Counter>,
    retries: Family<UpstreamLabel, Counter>,
    breakers: Family<UpstreamLabel, Gauge>,
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
        });
        all
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
