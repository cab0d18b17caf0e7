//! What becomes of payments, in numbers.

use std::sync::LazyLock;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};

use crate::{
    completion::Step,
    payment::{Payment, Provider},
};

static CHANGES: LazyLock<Family<ChangeLabels, Counter>> = LazyLock::new(Family::default);
static UNWANTED: LazyLock<Family<UnwantedLabels, Counter>> = LazyLock::new(Family::default);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    provider: &'static str,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct UnwantedLabels {
    provider: &'static str,
    problem: &'static str,
}

/// Shows them in `/metrics`.
pub fn register() {
    kit::metrics::register(|registry| {
        registry.register(
            "payment_changes",
            "Payments that changed their state, by provider and new state",
            CHANGES.clone(),
        );
        registry.register(
            "payment_unwanted_money",
            "Times that money was given back because it was not wanted, by provider and reason",
            UNWANTED.clone(),
        );
    });
}

/// Counts what was done.
pub fn count(payment: &Payment, steps: &[Step]) {
    let provider = Provider::name(payment.provider);
    for step in steps {
        match step {
            Step::Become(state) => {
                let labels = ChangeLabels {
                    provider,
                    state: state.name(),
                };
                CHANGES.get_or_create(&labels).inc();
            }
            Step::GiveBack(_, trouble) => {
                let labels = UnwantedLabels {
                    provider,
                    problem: trouble.name(),
                };
                UNWANTED.get_or_create(&labels).inc();
            }
            Step::Keep(_) | Step::TellCaptured | Step::TellFailed(_) => {}
        }
    }
}
