//! How each part of a shop is. Pure.

use crate::apply::Applied;
use crate::desired::{Key, Kind, meta};
use crate::validate::{Entry, Redis, ValidStore};
use kube::api::DynamicObject;
use serde_json::Value;

/// Says how one thing is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) type_: String,
    pub(super) status: &'static str,
    pub(super) reason: String,
    pub(super) message: String,
}

pub(super) fn finding(
    type_: &str,
    holds: bool,
    reason: &str,
    message: impl Into<String>,
) -> Finding {
    let status = if holds { "True" } else { "False" };
    Finding {
        type_: type_.to_owned(),
        status,
        reason: reason.to_owned(),
        message: message.into(),
    }
}

/// One part of the shop, judged.
pub(super) struct Part {
    pub(super) finding: Finding,
    /// The shop does not serve without it.
    pub(super) vital: bool,
    pub(super) state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// All is as it should be.
    Good,
    /// On its way, without help.
    Moving,
    /// Serves, but less than asked.
    Short,
    /// Will not get there without help.
    Stuck,
}

/// Judges each part.
pub(super) fn parts(store: &ValidStore, applied: &Applied) -> Vec<Part> {
    let absent = |part: &str| store.missing.iter().find(|missing| missing.part == part);
    // Causes before effects: the first that is not well is what Ready names.
    let mut parts = vec![match absent("MongoDB") {
        Some(missing) => waiting("MongoDBReady", true, "SecretMissing", &missing.message),
        None => good(
            "MongoDBReady",
            true,
            "External",
            "It runs elsewhere; whether it answers shows in the catalog's readiness.",
        ),
    }];
    let services = store.services.iter();
    parts.extend(services.map(|service| deployment_part(store, applied, service.needs.name, true)));
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
    if applied
        .unknown
        .iter()
        .any(|key| key.kind == Kind::PodMonitor)
    {
        let message = "The cluster does not know PodMonitor: install the Prometheus operator, or leave \
                       observability.podMonitor out.";
        parts.push(waiting(
            "MonitoringReady",
            false,
            "PodMonitorMissing",
            message,
        ));
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

    if wanted == 0 {
        let message = format!("{name} is stopped: spec.services.{name}.replicas is 0.");
        return Part {
            finding: finding(&type_, false, "Stopped", message),
            vital,
            state: State::Short,
        };
    }
    let stuck = failure.or_else(|| progressing.filter(|(status, ..)| seen && *status == "False"));
    if let Some((_, reason, message)) = stuck {
        return Part {
            finding: finding(&type_, available > 0, reason, format!("{serve}. {message}")),
            vital,
            state: State::Stuck,
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

fn capitalized(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}
