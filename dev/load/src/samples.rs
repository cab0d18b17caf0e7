//! What was measured: one histogram for each kind of request, and what each second was like.

use std::{collections::BTreeMap, time::Duration};

use hdrhistogram::Histogram;
use serde::Serialize;

/// A latency in microseconds that no histogram needs to tell apart from longer ones.
const LONGEST_US: u64 = 120_000_000;

/// One request, or one whole errand of a shopper.
#[derive(Debug)]
pub(crate) struct Sample {
    /// What it was, such as `place order`.
    pub(crate) step: &'static str,
    /// When it was due, since the start of the run.
    pub(crate) due: Duration,
    /// From then to the last byte of the answer.
    pub(crate) took: Duration,
    /// How it ended.
    pub(crate) outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As it should.
    Done,
    /// Otherwise.
    Failed(Failure),
    /// Not yet: this try failed, and the same request is sent again.
    Again(Failure),
}

/// What was met in place of a yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// A problem document that says why not.
    Refused(String),
    /// Broken: no answer, or one that is no problem document.
    Broken(String),
}

/// Everything that was measured.
#[derive(Default)]
pub(crate) struct Samples {
    steps: BTreeMap<&'static str, Step>,
    seconds: Vec<Second>,
}

struct Step {
    latencies: Histogram<u64>,
    refused: u64,
    broken: u64,
    reasons: BTreeMap<String, u64>,
    again: BTreeMap<String, u64>,
    again_broken: u64,
}

/// What happened in one second, by when it was due.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Second {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) slowest_ms: u64,
}

/// The figures of one kind of request.
#[derive(Debug, Serialize)]
pub(crate) struct StepReport {
    pub(crate) step: &'static str,
    pub(crate) done: u64,
    pub(crate) refused: u64,
    pub(crate) broken: u64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    pub(crate) reasons: BTreeMap<String, u64>,
    /// Tries that failed and were made again, by what they met; how the request ended is counted above.
    pub(crate) again: BTreeMap<String, u64>,
    /// How many of them were not answered with a problem document.
    pub(crate) again_broken: u64,
}

impl Samples {
    pub(crate) fn add(&mut self, sample: Sample) -> Result<(), hdrhistogram::CreationError> {
        let at = usize::try_from(sample.due.as_secs()).unwrap_or(usize::MAX - 1);
        if self.seconds.len() <= at {
            self.seconds.resize(at + 1, Second::default());
        }
        let second = &mut self.seconds[at];
        let ms = u64::try_from(sample.took.as_millis()).unwrap_or(u64::MAX);
        second.slowest_ms = second.slowest_ms.max(ms);
        match sample.outcome {
            Outcome::Done => second.done += 1,
            Outcome::Failed(_) | Outcome::Again(_) => second.failed += 1,
        }
        let step = match self.steps.entry(sample.step) {
            std::collections::btree_map::Entry::Occupied(step) => step.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => vacant.insert(Step {
                latencies: Histogram::new_with_bounds(1, LONGEST_US, 3)?,
                refused: 0,
                broken: 0,
                reasons: BTreeMap::new(),
                again: BTreeMap::new(),
                again_broken: 0,
            }),
        };
        match sample.outcome {
            Outcome::Done => {
                let us = u64::try_from(sample.took.as_micros()).unwrap_or(u64::MAX);
                step.latencies.saturating_record(us);
            }
            Outcome::Failed(Failure::Refused(reason)) => {
                step.refused += 1;
                *step.reasons.entry(reason).or_default() += 1;
            }
            Outcome::Failed(Failure::Broken(reason)) => {
                step.broken += 1;
                *step.reasons.entry(reason).or_default() += 1;
            }
            Outcome::Again(Failure::Refused(reason)) => *step.again.entry(reason).or_default() += 1,
            Outcome::Again(Failure::Broken(reason)) => {
                step.again_broken += 1;
                *step.again.entry(reason).or_default() += 1;
            }
        }
        Ok(())
    }

    /// How often a step was done so far.
    pub(crate) fn done(&self, step: &str) -> u64 {
        self.steps.get(step).map_or(0, |step| step.latencies.len())
    }

    /// How many requests of any kind failed so far.
    pub(crate) fn failed(&self) -> u64 {
        self.steps
            .values()
            .map(|step| step.refused + step.broken)
            .sum()
    }

    /// How often a step ended otherwise than done.
    pub(crate) fn fell_short(&self, step: &str) -> u64 {
        self.steps
            .get(step)
            .map_or(0, |step| step.refused + step.broken)
    }

    pub(crate) fn steps(&self) -> Vec<StepReport> {
        let report = |(name, step): (&&'static str, &Step)| StepReport {
            step: name,
            done: step.latencies.len(),
            refused: step.refused,
            broken: step.broken,
            p50_ms: milliseconds(step.latencies.value_at_quantile(0.5)),
            p90_ms: milliseconds(step.latencies.value_at_quantile(0.9)),
            p99_ms: milliseconds(step.latencies.value_at_quantile(0.99)),
            max_ms: milliseconds(step.latencies.max()),
            reasons: step.reasons.clone(),
            again: step.again.clone(),
            again_broken: step.again_broken,
        };
        self.steps.iter().map(report).collect()
    }

    pub(crate) fn seconds(&self) -> &[Second] {
        &self.seconds
    }
}

#[expect(
    clippy::float_arithmetic,
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "figures for people, far below 2^52"
)]
fn milliseconds(us: u64) -> f64 {
    us as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_request_counts_as_failed_and_not_as_fast() {
        let mut samples = Samples::default();
        let mut add = |took, outcome| {
            let due = Duration::from_millis(1500);
            let sample = Sample {
                step: "page",
                due,
                took: Duration::from_millis(took),
                outcome,
            };
            samples.add(sample).expect("bounds are right");
        };
        add(40, Outcome::Done);
        add(
            1,
            Outcome::Failed(Failure::Refused("out-of-stock".to_owned())),
        );
        add(
            1,
            Outcome::Failed(Failure::Broken("no connection".to_owned())),
        );
        let steps = samples.steps();
        assert_eq!(
            (steps[0].done, steps[0].refused, steps[0].broken),
            (1, 1, 1)
        );
        assert!(steps[0].p50_ms > 39.0);
        assert_eq!(
            (samples.seconds()[1].done, samples.seconds()[1].failed),
            (1, 2)
        );
        assert_eq!(samples.seconds()[0].done, 0);
    }

    #[test]
    fn a_try_that_is_made_again_is_not_how_the_request_ended() {
        let mut samples = Samples::default();
        let mut add = |outcome| {
            let sample = Sample {
                step: "place order",
                due: Duration::ZERO,
                took: Duration::from_millis(5),
                outcome,
            };
            samples.add(sample).expect("bounds are right");
        };
        add(Outcome::Again(Failure::Refused(
            "503 unavailable".to_owned(),
        )));
        add(Outcome::Again(Failure::Broken("no connection".to_owned())));
        add(Outcome::Done);
        let steps = samples.steps();
        assert_eq!((steps[0].done, samples.fell_short("place order")), (1, 0));
        assert_eq!((steps[0].again.len(), steps[0].again_broken), (2, 1));
    }
}
