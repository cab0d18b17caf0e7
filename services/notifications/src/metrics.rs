//! What alerts look at.

use std::sync::LazyLock;

use jiff::Timestamp;
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
};

use crate::mail::{Mail, State};

#[derive(Default)]
struct Metrics {
    attempts: Family<Labels, Counter>,
    due: Gauge,
    lag: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    kind: String,
    outcome: &'static str,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(|| {
    let all = Metrics::default();
    kit::metrics::register(|registry| {
        registry.register(
            "mail_attempts",
            "Attempts to hand a mail in, by kind and outcome: sent, delayed, failed or erased",
            all.attempts.clone(),
        );
        registry.register(
            "mails_due",
            "Mails that should have been handed in by now, as far as was looked",
            all.due.clone(),
        );
        registry.register(
            "mails_lag_seconds",
            "How long the one of them that has waited longest is due",
            all.lag.clone(),
        );
    });
    all
});

/// An attempt ended.
pub fn ended(mail: &Mail) {
    let outcome = match mail.state {
        State::Queued => "delayed",
        State::Sent => "sent",
        State::Failed => "failed",
        State::Erased => "erased",
    };
    let labels = Labels {
        kind: mail.kind.clone(),
        outcome,
    };
    METRICS.attempts.get_or_create(&labels).inc();
}

/// So many mails are due, the first of them since then.
pub fn waiting(mails: usize, since: Option<Timestamp>, now: Timestamp) {
    let lag = since.map_or(0, |since| now.duration_since(since).as_secs());
    METRICS.due.set(i64::try_from(mails).unwrap_or(i64::MAX));
    METRICS.lag.set(lag);
}
