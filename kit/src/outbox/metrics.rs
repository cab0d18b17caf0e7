use std::sync::LazyLock;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use crate::metrics;

/// What alerts look at.
#[derive(Default)]
pub(super) struct Metrics {
    pub(super) delivered: Family<SinkLabel, Counter>,
    pub(super) failures: Family<SinkLabel, Counter>,
    pub(super) pending: Family<SinkLabel, Gauge>,
    pub(super) lag: Family<SinkLabel, Gauge>,
    pub(super) dead: Family<SinkLabel, Gauge>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct SinkLabel {
    sink: String,
}

pub(super) fn label(sink: &str) -> SinkLabel {
    SinkLabel {
        sink: sink.to_owned(),
    }
}

pub(super) static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let all = Metrics::default();
    metrics::register(|registry| {
        registry.register(
            "outbox_events_delivered",
            "Events that the sink took",
            all.delivered.clone(),
        );
        registry.register(
            "outbox_delivery_failures",
            "Times that the sink was away, or refused an event",
            all.failures.clone(),
        );
        registry.register(
            "outbox_pending",
            "Events that wait for delivery",
            all.pending.clone(),
        );
        registry.register(
            "outbox_lag_seconds",
            "Age of the oldest event that waits for delivery",
            all.lag.clone(),
        );
        registry.register(
            "outbox_dead_letters",
            "Events that the sink refused for good; staff send them again",
            all.dead.clone(),
        );
    });
    all
});
