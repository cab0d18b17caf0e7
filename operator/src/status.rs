//! What the status says, from what is there. Pure.

mod deployment;
mod parts;

use crate::api::v1alpha1::{AmazoffStoreStatus, ServiceStatus};
use crate::apply::Applied;
use crate::chain::chain;
use crate::desired::{Key, Kind, meta};
use crate::validate::{Redis, ValidStore};
pub(crate) use deployment::is_rolled_out;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use parts::{Finding, Part, State, finding, parts};

/// What a reconcile came to.
pub enum Outcome<'a> {
    /// The resource makes no sense; nothing was done.
    Rejected(&'a str),
    /// Nothing was to be done.
    Paused(&'a ValidStore, &'a Applied),
    /// Everything was done that could be.
    Reconciled(&'a ValidStore, &'a Applied),
}

/// The status after `outcome`, given the one before. What stays the same keeps its time.
pub fn status(
    before: Option<&AmazoffStoreStatus>,
    generation: Option<i64>,
    outcome: &Outcome<'_>,
    now: Timestamp,
) -> AmazoffStoreStatus {
    let previous = before.cloned().unwrap_or_default();
    let (findings, services, url, version) = match outcome {
        Outcome::Rejected(message) => (
            rejected(&previous, message),
            previous.services,
            previous.url,
            previous.version,
        ),
        Outcome::Paused(store, applied) => {
            let parts = parts(store, applied);
            let mut findings = summary(store, applied, &parts);
            for finding in &mut findings {
                if matches!(
                    finding.type_.as_str(),
                    "Progressing" | "Reconciling" | "Stalled"
                ) {
                    finding.status = "False";
                    "Paused".clone_into(&mut finding.reason);
                    "spec.paused is true: nothing is changed and nothing put back."
                        .clone_into(&mut finding.message);
                }
            }
            findings.extend(parts.into_iter().map(|part| part.finding));
            (
                findings,
                lines(store, applied),
                Some(store.url.clone()),
                Some(store.version.clone()),
            )
        }
        Outcome::Reconciled(store, applied) => {
            let parts = parts(store, applied);
            let mut findings = summary(store, applied, &parts);
            findings.extend(parts.into_iter().map(|part| part.finding));
            (
                findings,
                lines(store, applied),
                Some(store.url.clone()),
                Some(store.version.clone()),
            )
        }
    };
    AmazoffStoreStatus {
        observed_generation: generation,
        url,
        version,
        conditions: findings
            .into_iter()
            .map(|finding| condition(finding, &previous.conditions, generation, now))
            .collect(),
        services,
        // Of those who look after it alone.
        mariadb: previous.mariadb,
    }
}

fn condition(
    finding: Finding,
    before: &[Condition],
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    let since = before
        .iter()
        .find(|condition| condition.type_ == finding.type_ && condition.status == finding.status)
        .map_or_else(
            || Time(now),
            |condition| condition.last_transition_time.clone(),
        );
    Condition {
        type_: finding.type_,
        status: finding.status.to_owned(),
        reason: finding.reason,
        message: finding.message,
        last_transition_time: since,
        observed_generation: generation,
    }
}

/// What runs keeps running; what was said of its parts is no longer kept up.
fn rejected(previous: &AmazoffStoreStatus, message: &str) -> Vec<Finding> {
    let was_ready = previous
        .conditions
        .iter()
        .any(|c| c.type_ == "Ready" && c.status == "True");
    let kept = if was_ready {
        " What ran before keeps running as it was."
    } else {
        ""
    };
    let message = format!("{message}{kept}");
    vec![
        finding("Ready", false, "Rejected", message.clone()),
        finding("Progressing", false, "Rejected", message.clone()),
        finding("Degraded", true, "Rejected", message.clone()),
        finding("Reconciling", false, "Rejected", message.clone()),
        finding("Stalled", true, "Rejected", message),
    ]
}

/// What all parts come to.
fn summary(store: &ValidStore, applied: &Applied, parts: &[Part]) -> Vec<Finding> {
    let failure = applied.failures.first().map(|failure| {
        let more = match applied.failures.len() {
            0 | 1 => String::new(),
            all => format!(" (and {} more)", all - 1),
        };
        (
            "ApplyFailed".to_owned(),
            format!("{}{more}", chain(failure)),
        )
    });
    let first = |matches: &dyn Fn(&Part) -> bool| {
        let part = parts.iter().find(|part| matches(part))?;
        let name = part.finding.type_.strip_suffix("Ready").unwrap_or_default();
        Some((
            format!("{name}{}", part.finding.reason),
            format!("{name}: {}", part.finding.message),
        ))
    };
    let blocker = first(&|part| part.vital && part.finding.status == "False");
    let moving = first(&|part| part.state == State::Moving);
    let stuck = failure
        .clone()
        .or_else(|| first(&|part| part.state == State::Stuck));
    let short = stuck
        .clone()
        .or_else(|| first(&|part| matches!(part.state, State::Short)));

    let say =
        |type_: &str, found: Option<(String, String)>, reason: &str, message: &str| match found {
            Some((reason, message)) => finding(type_, true, &reason, message),
            None => finding(type_, false, reason, message),
        };
    vec![
        match blocker
            .or_else(|| failure.filter(|_| parts.iter().any(|p| p.vital && p.state != State::Good)))
        {
            Some((reason, message)) => finding("Ready", false, &reason, message),
            None => finding(
                "Ready",
                true,
                "Serving",
                format!("The shop serves at {}.", store.url),
            ),
        },
        say(
            "Progressing",
            moving.clone(),
            "Settled",
            "Everything is as it should be, or waits for somebody.",
        ),
        say(
            "Degraded",
            short,
            "Whole",
            "Nothing is less than it should be.",
        ),
        say(
            "Reconciling",
            moving,
            "Settled",
            "There is nothing left to do.",
        ),
        say(
            "Stalled",
            stuck,
            "NotStalled",
            "Nothing waits for somebody.",
        ),
    ]
}

fn lines(store: &ValidStore, applied: &Applied) -> Vec<ServiceStatus> {
    let services = store
        .services
        .iter()
        .map(|service| (service.needs.name, service.image.clone()));
    let redis = match &store.redis {
        Redis::InCluster(redis) => Some(("redis", redis.image.clone())),
        Redis::External(_) | Redis::Disabled => None,
    };
    services
        .chain(redis)
        .map(|(name, image)| {
            let live = applied.live.get(&Key {
                kind: Kind::Deployment,
                name: meta::name(store, name),
            });
            let number = |path: &str| {
                live.and_then(|l| l.data.pointer(path)?.as_i64())
                    .unwrap_or_default()
            };
            let ready = format!(
                "{}/{}",
                number("/status/availableReplicas"),
                number("/spec/replicas")
            );
            ServiceStatus {
                name: name.to_owned(),
                ready,
                image,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests;
