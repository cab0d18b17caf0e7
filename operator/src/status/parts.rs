//! How each part of a shop is. Pure.

use super::deployment::{condition, deployment_part};
use crate::apply::Applied;
use crate::databases::mariadb::plan::{Say, Trouble};
use crate::desired::mariadb::NAME;
use crate::desired::migration::job_prefix;
use crate::desired::{Key, Kind, meta};
use crate::validate::{Entry, InClusterMariadb, Mariadb, Redis, ValidStore};
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
    parts.push(match (&store.mariadb, absent("MariaDB")) {
        (Mariadb::InCluster(mariadb), _) => {
            let mut part = match &mariadb.say {
                Some(say) => mariadb_part(mariadb, say),
                // An operator that has just started has not asked yet; the members' own readiness will do.
                None => stateful_set_part(store, applied, "MariaDBReady", NAME),
            };
            if !mariadb.retiring.is_empty() {
                let users = mariadb.retiring.join(", ");
                part.finding.message = format!(
                    "{} Passwords are being changed: {users} go once no pod uses them.",
                    part.finding.message
                );
            }
            part
        }
        (Mariadb::External(_), Some(missing)) => {
            waiting("MariaDBReady", true, "SecretMissing", &missing.message)
        }
        (Mariadb::External(_), None) => good(
            "MariaDBReady",
            true,
            "External",
            "It runs elsewhere; whether it answers shows in the readiness of users, orders and payment.",
        ),
    });
    if let Some(missing) = absent("Mail") {
        parts.push(waiting(
            "MailReady",
            false,
            "SecretMissing",
            &missing.message,
        ));
    }
    let services = store.services.iter();
    parts.extend(services.map(|service| service_part(store, applied, service.needs.name)));
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

pub(super) fn good(type_: &str, vital: bool, reason: &str, message: &str) -> Part {
    Part {
        finding: finding(type_, true, reason, message),
        vital,
        state: State::Good,
    }
}

pub(super) fn waiting(type_: &str, vital: bool, reason: &str, message: &str) -> Part {
    Part {
        finding: finding(type_, false, reason, message),
        vital,
        state: State::Moving,
    }
}

/// As its Deployment is, unless its tables could not be brought up to date: that waits for somebody.
fn service_part(store: &ValidStore, applied: &Applied, name: &str) -> Part {
    let mut part = deployment_part(store, applied, name, true);
    let prefix = job_prefix(store, name);
    let failed = applied.live.iter().find(|(key, job)| {
        let is_one = key.kind == Kind::Job && key.name.starts_with(&prefix);
        is_one && condition(job, "Failed").is_some_and(|(status, ..)| status == "True")
    });
    if let Some((key, _)) = failed {
        part.state = State::Stuck;
        "MigrationFailed".clone_into(&mut part.finding.reason);
        part.finding.message = format!(
            "{} Its tables could not be brought up to date. See why with: kubectl -n {} logs job/{}; delete the Job to \
             have it tried again.",
            part.finding.message, store.namespace, key.name
        );
    }
    part
}

/// The shop does not serve without somebody who takes writes.
fn mariadb_part(mariadb: &InClusterMariadb, say: &Say) -> Part {
    let type_ = "MariaDBReady";
    let (primary, members) = (mariadb.primary, mariadb.replicas);
    match say {
        Say::Safe => good(
            type_,
            true,
            "Safe",
            &format!("Member {primary} takes writes; any one of {members} members may be lost."),
        ),
        Say::Degraded(Trouble::Alone) => good(
            type_,
            true,
            "Alone",
            &format!(
                "Member {primary} takes writes. {}.",
                capitalized(&Trouble::Alone)
            ),
        ),
        Say::Degraded(trouble) => Part {
            finding: finding(
                type_,
                true,
                "NotInStep",
                format!("Member {primary} takes writes. {}.", capitalized(trouble)),
            ),
            vital: true,
            state: State::Short,
        },
        Say::Closed(trouble) => waiting(
            type_,
            true,
            "Closed",
            &format!("Nothing can be written for now. {}.", capitalized(trouble)),
        ),
    }
}

fn capitalized(trouble: &Trouble) -> String {
    let text = trouble.to_string();
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(letters).collect()
    })
}

/// A database's pods: the shop does not serve without them.
fn stateful_set_part(store: &ValidStore, applied: &Applied, type_: &str, component: &str) -> Part {
    let key = Key {
        kind: Kind::StatefulSet,
        name: meta::name(store, component),
    };
    let Some(live) = applied.live.get(&key) else {
        let message = format!("{key} does not exist yet.");
        return waiting(type_, true, "Missing", &message);
    };
    let number = |pointer: &str| live.data.pointer(pointer).and_then(Value::as_i64);
    let (wanted, ready) = (
        number("/spec/replicas").unwrap_or_default(),
        number("/status/readyReplicas").unwrap_or_default(),
    );
    let message = format!("{ready} of {wanted} members are ready.");
    if ready >= wanted {
        return good(type_, true, "Available", &message);
    }
    let look = format!(
        "{message} Look at: kubectl -n {} logs {}-0",
        store.namespace, key.name
    );
    waiting(type_, true, "Unavailable", &look)
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
