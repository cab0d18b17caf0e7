//! What the status says, from what is there. Pure.

use crate::api::v1alpha1::{AmazoffStoreStatus, ServiceStatus};
use crate::apply::Applied;
use crate::desired::{Key, Kind, meta};
use crate::validate::{Entry, Redis, ValidStore};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use kube::api::DynamicObject;
use serde_json::Value;
use std::error::Error;

/// What a reconcile came to.
pub enum Outcome<'a> {
    /// The resource makes no sense; nothing was done.
    Rejected(&'a str),
    /// Nothing was to be done.
    Paused(&'a ValidStore, &'a Applied),
    /// Everything was done that could be.
    Reconciled(&'a ValidStore, &'a Applied),
}

/// Says how one thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    type_: String,
    status: &'static str,
    reason: String,
    message: String,
}

fn finding(type_: &str, holds: bool, reason: &str, message: impl Into<String>) -> Finding {
    let status = if holds { "True" } else { "False" };
    Finding {
        type_: type_.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.into(),
    }
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

/// One part of the shop, judged.
struct Part {
    finding: Finding,
    /// The shop does not serve without it.
    vital: bool,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// All is as it should be.
    Good,
    /// On its way, without help.
    Moving,
    /// Serves, but less than asked.
    Short,
    /// Will not get there without help.
    Stuck,
}

fn parts(store: &ValidStore, applied: &Applied) -> Vec<Part> {
    let mut parts: Vec<_> = store
        .services
        .iter()
        .map(|service| deployment_part(store, applied, service.needs.name, true))
        .collect();
    let absent = |part: &str| store.missing.iter().find(|missing| missing.part == part);
    parts.push(match absent("MongoDB") {
        Some(missing) => waiting("MongoDBReady", true, "SecretMissing", &missing.message),
        None => good(
            "MongoDBReady",
            true,
            "External",
            "It runs elsewhere; whether it answers shows in the catalog's readiness.",
        ),
    });
    match &store.redis {
        Redis::Disabled => {}
        Redis::InCluster(_) => parts.push(deployment_part(store, applied, "redis", false)),
        Redis::External(_) => parts.push(match absent("Redis") {
            Some(missing) => waiting("RedisReady", false, "SecretMissing", &missing.message),
            None => good(
                "RedisReady",
                false,
                "External",
                "It runs elsewhere; the shop serves without it, only slower.",
            ),
        }),
    }
    if let Some(expose) = &store.expose {
        parts.push(match (absent("Entry"), &expose.entry) {
            (Some(missing), _) => waiting("EntryReady", true, "SecretMissing", &missing.message),
            (None, Entry::Ingress(_)) => ingress_part(store, applied),
            (None, Entry::HttpRoute(_)) => route_part(store, applied),
        });
    }
    parts
}

fn good(type_: &str, vital: bool, reason: &str, message: &str) -> Part {
    Part {
        finding: finding(type_, true, reason, message),
        vital,
        state: State::Good,
    }
}

fn waiting(type_: &str, vital: bool, reason: &str, message: &str) -> Part {
    Part {
        finding: finding(type_, false, reason, message),
        vital,
        state: State::Moving,
    }
}

fn deployment_part(store: &ValidStore, applied: &Applied, name: &str, vital: bool) -> Part {
    let type_ = format!("{}Ready", capitalized(name));
    let key = Key {
        kind: Kind::Deployment,
        name: meta::name(store, name),
    };
    let Some(live) = applied.live.get(&key) else {
        return waiting(
            &type_,
            vital,
            "Missing",
            &format!("{key} does not exist yet."),
        );
    };
    let number = |path: &str| {
        live.data
            .pointer(path)
            .and_then(Value::as_i64)
            .unwrap_or_default()
    };
    let wanted = number("/spec/replicas");
    let available = number("/status/availableReplicas");
    let seen = number("/status/observedGeneration") >= live.metadata.generation.unwrap_or_default();
    let progressing = live_condition(live, "Progressing");
    let failure = live_condition(live, "ReplicaFailure").filter(|(status, ..)| *status == "True");
    let rolled =
        seen && progressing.is_some_and(|(_, reason, _)| reason == "NewReplicaSetAvailable");
    let serve = format!("{available} of {wanted} replicas serve");

    let stuck = failure.or(progressing.filter(|(status, ..)| seen && *status == "False"));
    if let Some((_, reason, message)) = stuck {
        return Part {
            finding: finding(&type_, available > 0, reason, format!("{serve}. {message}")),
            vital,
            state: State::Stuck,
        };
    }
    if wanted == 0 {
        let message = format!("{name} is stopped: spec.services.{name}.replicas is 0.");
        return Part {
            finding: finding(&type_, false, "Stopped", message),
            vital,
            state: State::Short,
        };
    }
    if !rolled {
        return Part {
            finding: finding(
                &type_,
                available > 0,
                "RollingOut",
                format!("{serve}; new ones are starting."),
            ),
            vital,
            state: State::Moving,
        };
    }
    if available < wanted {
        return Part {
            finding: finding(&type_, available > 0, "TooFewReplicas", format!("{serve}.")),
            vital,
            state: State::Short,
        };
    }
    good(&type_, vital, "Available", &format!("{serve}."))
}

fn ingress_part(store: &ValidStore, applied: &Applied) -> Part {
    let key = Key {
        kind: Kind::Ingress,
        name: meta::name(store, "gateway"),
    };
    if applied.live.contains_key(&key) {
        good(
            "EntryReady",
            true,
            "Applied",
            &format!("{key} brings {} to the gateway.", store.url),
        )
    } else {
        waiting(
            "EntryReady",
            true,
            "Missing",
            &format!("{key} does not exist yet."),
        )
    }
}

fn route_part(store: &ValidStore, applied: &Applied) -> Part {
    let key = Key {
        kind: Kind::HttpRoute,
        name: meta::name(store, "gateway"),
    };
    if applied.unknown.contains(&key) {
        let message =
            "The cluster does not know HTTPRoute: install the Gateway API, or use expose.ingress.";
        return waiting("EntryReady", true, "GatewayApiMissing", message);
    }
    let Some(live) = applied.live.get(&key) else {
        return waiting(
            "EntryReady",
            true,
            "Missing",
            &format!("{key} does not exist yet."),
        );
    };
    let parents = live
        .data
        .pointer("/status/parents")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let conditions: Vec<_> = parents
        .iter()
        .filter_map(|parent| parent.get("conditions")?.as_array())
        .flatten()
        .collect();
    let is = |condition: &Value, type_: &str, status: &str| {
        condition["type"].as_str() == Some(type_) && condition["status"].as_str() == Some(status)
    };
    if let Some(refusal) = conditions
        .iter()
        .find(|c| is(c, "Accepted", "False") || is(c, "ResolvedRefs", "False"))
    {
        let reason = refusal["reason"].as_str().unwrap_or("NotAccepted");
        let message = refusal["message"]
            .as_str()
            .unwrap_or("The Gateway does not accept the route.");
        return Part {
            finding: finding("EntryReady", false, reason, message),
            vital: true,
            state: State::Stuck,
        };
    }
    if conditions.iter().any(|c| is(c, "Accepted", "True")) {
        return good(
            "EntryReady",
            true,
            "Accepted",
            &format!("{key} brings {} to the gateway.", store.url),
        );
    }
    waiting(
        "EntryReady",
        true,
        "Waiting",
        "No Gateway has accepted the route yet. Does expose.httpRoute.parentRefs name one?",
    )
}

fn live_condition<'a>(live: &'a DynamicObject, type_: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let conditions = live.data.pointer("/status/conditions")?.as_array()?;
    let condition = conditions
        .iter()
        .find(|condition| condition["type"].as_str() == Some(type_))?;
    Some((
        condition["status"].as_str()?,
        condition["reason"].as_str().unwrap_or_default(),
        condition["message"].as_str().unwrap_or_default(),
    ))
}

/// What all parts come to.
fn summary(store: &ValidStore, applied: &Applied, parts: &[Part]) -> Vec<Finding> {
    let failure = applied.failures.first().map(|failure| {
        let cause = failure
            .source
            .source()
            .map_or_else(|| failure.source.to_string(), ToString::to_string);
        let more = applied.failures.len().saturating_sub(1);
        let more = if more > 0 {
            format!(" (and {more} more)")
        } else {
            String::new()
        };
        (
            "ApplyFailed".to_owned(),
            format!("{failure}: {cause}{more}"),
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

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
