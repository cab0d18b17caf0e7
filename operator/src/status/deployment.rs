//! How a Deployment is getting on. Pure.

use super::parts::{Part, State, finding, waiting};
use crate::apply::Applied;
use crate::desired::{Key, Kind, meta};
use crate::validate::ValidStore;
use kube::api::DynamicObject;
use serde_json::Value;

/// Judges the Deployment of one part. As long as a replica serves, so does the part, however its rollout is getting on.
pub(super) fn deployment_part(
    store: &ValidStore,
    applied: &Applied,
    name: &str,
    vital: bool,
) -> Part {
    let type_ = format!("{}Ready", capitalized(name));
    let key = Key {
        kind: Kind::Deployment,
        name: meta::name(store, name),
    };
    let Some(live) = applied.live.get(&key) else {
        let message = format!("{key} does not exist yet.");
        return waiting(&type_, vital, "Missing", &message);
    };
    let rollout = Rollout::of(live);
    let serve = format!("{} of {} replicas serve", rollout.available, rollout.wanted);
    let (state, reason, message) = match rollout.stage() {
        Stage::Stopped => (
            State::Short,
            "Stopped",
            format!("{name} is stopped: spec.services.{name}.replicas is 0."),
        ),
        Stage::Refused { reason, message } => (State::Stuck, reason, format!("{serve}. {message}")),
        Stage::Hanging { seconds } => (
            State::Stuck,
            "ProgressDeadlineExceeded",
            format!(
                "{serve}, but for {seconds} s no new one has become ready. See why with: \
                 kubectl -n {} describe pods -l {}={},app.kubernetes.io/name={name}",
                store.namespace,
                meta::INSTANCE,
                store.name
            ),
        ),
        Stage::Rolling { old: 0 } => (
            State::Moving,
            "RollingOut",
            format!("{serve}; new ones are starting."),
        ),
        Stage::Rolling { old } => (
            State::Moving,
            "RollingOut",
            format!("{serve}; new ones are starting, and {old} old still run."),
        ),
        Stage::Rolled if rollout.available < rollout.wanted => {
            (State::Short, "TooFewReplicas", format!("{serve}."))
        }
        Stage::Rolled => (State::Good, "Available", format!("{serve}.")),
    };
    let serves = rollout.wanted > 0 && rollout.available > 0;
    Part {
        finding: finding(&type_, serves, reason, message),
        vital,
        state,
    }
}

/// Whether every pod there is, is of the newest template.
pub(crate) fn is_rolled_out(live: &DynamicObject) -> bool {
    let rollout = Rollout::of(live);
    match rollout.stage() {
        Stage::Rolled => rollout.seen && rollout.available >= rollout.wanted,
        Stage::Stopped => rollout.seen && rollout.total == 0,
        _ => false,
    }
}

/// What a Deployment says of itself.
struct Rollout<'a> {
    wanted: i64,
    /// Of any template.
    total: i64,
    /// Of the newest template.
    updated: i64,
    available: i64,
    /// Whether all this is about the newest template.
    seen: bool,
    deadline: i64,
    progressing: Option<Said<'a>>,
    failure: Option<Said<'a>>,
}

/// A condition: its status, reason and message.
type Said<'a> = (&'a str, &'a str, &'a str);

/// How far it has come.
enum Stage<'a> {
    /// It is not to run.
    Stopped,
    /// The API server does not let it make pods, or something else that its controller says.
    Refused { reason: &'a str, message: &'a str },
    /// New replicas do not become ready.
    Hanging { seconds: i64 },
    /// Replicas of the newest template are being started, or old ones are yet to go.
    Rolling { old: i64 },
    /// All there are, are of the newest template.
    Rolled,
}

impl<'a> Rollout<'a> {
    fn of(live: &'a DynamicObject) -> Self {
        let number = |path: &str| {
            let number = live.data.pointer(path).and_then(Value::as_i64);
            number.unwrap_or_default()
        };
        Self {
            wanted: number("/spec/replicas"),
            total: number("/status/replicas"),
            updated: number("/status/updatedReplicas"),
            available: number("/status/availableReplicas"),
            seen: number("/status/observedGeneration")
                >= live.metadata.generation.unwrap_or_default(),
            deadline: number("/spec/progressDeadlineSeconds"),
            progressing: condition(live, "Progressing"),
            failure: condition(live, "ReplicaFailure").filter(|(status, ..)| *status == "True"),
        }
    }

    fn stage(&self) -> Stage<'a> {
        if self.wanted == 0 {
            return Stage::Stopped;
        }
        if let Some((_, reason, message)) = self.failure {
            return Stage::Refused { reason, message };
        }
        // What it says is about the template before, until its controller has seen this one.
        match self.progressing.filter(|_| self.seen) {
            Some(("False", "ProgressDeadlineExceeded", _)) => Stage::Hanging {
                seconds: self.deadline,
            },
            Some(("False", reason, message)) => Stage::Refused { reason, message },
            // Back at an earlier template, the condition says for a while that all is well.
            Some((_, "NewReplicaSetAvailable", _))
                if self.updated >= self.wanted && self.old() == 0 =>
            {
                Stage::Rolled
            }
            _ => Stage::Rolling { old: self.old() },
        }
    }

    fn old(&self) -> i64 {
        (self.total - self.updated).max(0)
    }
}

/// What an object's condition of a type says: its status, reason and message.
pub(super) fn condition<'a>(live: &'a DynamicObject, type_: &str) -> Option<Said<'a>> {
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
