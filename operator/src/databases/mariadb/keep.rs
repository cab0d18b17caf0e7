//! Looks after the set of one store, for as long as the store wants it: look, plan, write down what was decided, act.

use super::ask::Members;
use super::plan::{Plan, Say, plan};
use super::record::{Member, Phase, Record};
use super::seen::{Receiving, Seen, Server, Sight};
use crate::api::v1alpha1::{AmazoffStore, MariadbStatus, MemberStatus};
use crate::chain::chain;
use crate::control::caller::Caller;
use crate::control::certificates::{CertificateError, Identity};
use crate::desired::mariadb::{CONTROL_PORT, MOST_MEMBERS, address};
use crate::desired::meta::{members_secret, name_of};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::api::{Api, Patch, PatchParams};
use kube::{Client, ResourceExt};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// The longest pause between two looks. A primary lives on being asked, and a dead one is found by it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The pause after something that the API server or a Secret would not do.
const TRY_AGAIN: Duration = Duration::from_secs(1);
/// How long the API server may take to say how the pods of silent members are.
const POD_WITHIN: Duration = Duration::from_millis(500);
/// How long it may take to write: less than what a primary that nobody asks and nobody follows lives on.
const WRITES_WITHIN: Duration = Duration::from_secs(2);

/// In the set's Secret: what the operator shows to the members.
pub const OPERATOR_CERTIFICATE: &str = "operator.crt";
/// Beside it: its key.
pub const OPERATOR_KEY: &str = "operator.key";

/// Which set, and what is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The store's namespace.
    pub namespace: String,
    /// The store's name.
    pub store: String,
    /// How many members.
    pub members: u32,
    /// Who is to become primary, if somebody asked.
    pub switch_to: Option<Member>,
    /// Who is to become primary although something may be lost, if somebody took that upon them.
    pub force: Option<Member>,
}

/// How a set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who is, or becomes, primary.
    pub primary: Member,
    /// Its epoch.
    pub epoch: u64,
    /// What is to be said.
    pub say: Say,
}

/// Why a set can't be looked after for now.
#[derive(Debug, thiserror::Error)]
enum KeepError {
    #[error("the API server did not do it")]
    Api(#[from] kube::Error),
    #[error("Secret {0} lacks {1}")]
    Lacks(String, &'static str),
    #[error("its certificates can't be used")]
    Certificates(#[from] CertificateError),
    #[error("what stands in the store's status can't be understood")]
    Record(#[source] serde_json::Error),
    #[error("somebody else has written another record")]
    Overtaken,
    #[error("the API server does not answer in time")]
    Late,
}

/// Looks after a set. Never returns. What is seen is told through `standing`.
pub async fn keep(
    client: Client,
    wanted: watch::Receiver<Wanted>,
    standing: watch::Sender<Option<Standing>>,
    now: fn() -> Timestamp,
) {
    loop {
        let name = wanted.borrow().store.clone();
        // Everything is read anew: somebody else may have decided meanwhile.
        let Err(error) = keep_until_it_fails(&client, wanted.clone(), &standing, now).await;
        warn!(
            store = name,
            error = chain(&error),
            "the MariaDB is not looked after for now"
        );
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn keep_until_it_fails(
    client: &Client,
    mut wanted: watch::Receiver<Wanted>,
    standing: &watch::Sender<Option<Standing>>,
    now: fn() -> Timestamp,
) -> Result<std::convert::Infallible, KeepError> {
    let Wanted {
        namespace, store, ..
    } = wanted.borrow().clone();
    let stores: Api<AmazoffStore> = Api::namespaced(client.clone(), &namespace);
    let pods: Api<Pod> = Api::namespaced(client.clone(), &namespace);
    let caller = caller(client, &namespace, &store).await?;
    let addresses = (0..MOST_MEMBERS).map(|member| {
        let host = address(&store, &namespace, member);
        (member, format!("https://{host}:{CONTROL_PORT}"))
    });
    let mut members = Members::new(addresses.collect(), caller);
    let count = wanted.borrow().members;
    let mut status = read(&stores, &store, count, now()).await?;
    loop {
        let asked = wanted.borrow_and_update().clone();
        let record = &status.record;
        let last = record.sync.keys().max().copied().unwrap_or(0);
        let there = asked.members.max(record.primary + 1).max(last + 1);
        let silent = members.silent(there);
        // Whoever is asked about pods may be down itself; that must keep nobody from being looked at.
        let ended = tokio::time::timeout(POD_WITHIN, ended(&pods, &store, &silent)).await;
        let ended = ended.unwrap_or_default();
        let sights = members.look(there, &ended).await;
        let seen = Seen {
            now: now(),
            members: sights,
            wanted: asked.members,
            switch_to: asked.switch_to,
            force: asked.force,
        };
        let Plan {
            record: next,
            orders,
            say,
            again,
        } = plan(record, &seen);
        let lines = lines(&next, &seen);
        if next != *record || lines != status.members {
            let after = MariadbStatus {
                record: next,
                members: lines,
            };
            let decides = after.record != status.record;
            let writing = write(&stores, &store, &status, &after);
            let written = tokio::time::timeout(WRITES_WITHIN, writing).await;
            match written.unwrap_or(Err(KeepError::Late)) {
                Ok(()) => {
                    tell_log(&store, &status.record, &after.record);
                    status = after;
                }
                Err(KeepError::Overtaken) => return Err(KeepError::Overtaken),
                // It may have been written all the same, which has to be known before anything else is decided.
                Err(KeepError::Late) if decides => return Err(KeepError::Late),
                // Nothing new was decided; but the members are looked at on, for that is what a primary lives on.
                Err(error) => warn!(store, error = chain(&error), "the status is not written"),
            }
        }
        let stands = Standing {
            primary: status.record.primary,
            epoch: status.record.epoch,
            say,
        };
        standing.send_if_modified(|before| {
            let is_news = before.as_ref() != Some(&stands);
            *before = Some(stands);
            is_news
        });
        members.send(&orders).await;
        let pause = again.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            changed = wanted.changed() => if changed.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}

async fn caller(client: &Client, namespace: &str, store: &str) -> Result<Caller, KeepError> {
    let name = members_secret(store);
    let secrets: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let data = secrets.get(&name).await?.data.unwrap_or_default();
    let text = |key: &'static str| {
        let value = data.get(key).map(|value| value.0.clone());
        value
            .and_then(|value| String::from_utf8(value).ok())
            .ok_or_else(|| KeepError::Lacks(name.clone(), key))
    };
    let identity = Identity {
        authority: text(crate::control::certificates::AUTHORITY)?,
        certificate: text(OPERATOR_CERTIFICATE)?,
        key: text(OPERATOR_KEY)?,
    };
    Ok(Caller::new(&identity)?)
}

/// Those of the silent whose container the kubelet says has ended. A pod that is not there says nothing: it may have been deleted by force
/// while it runs on on a node that nobody reaches.
async fn ended(pods: &Api<Pod>, store: &str, silent: &BTreeSet<Member>) -> BTreeSet<Member> {
    let mut ended = BTreeSet::new();
    for member in silent {
        let name = format!("{}-{member}", name_of(store, crate::desired::mariadb::NAME));
        let Ok(Some(pod)) = pods.get_opt(&name).await else {
            continue;
        };
        let status = pod.status.unwrap_or_default();
        let containers = status.container_statuses.unwrap_or_default();
        let has_ended = |state: &k8s_openapi::api::core::v1::ContainerState| {
            state.terminated.is_some() || state.waiting.is_some()
        };
        let all_ended = containers
            .iter()
            .all(|container| container.state.as_ref().is_some_and(has_ended));
        if !containers.is_empty() && all_ended {
            ended.insert(*member);
        }
    }
    ended
}

/// What was decided before, or the beginning.
async fn read(
    stores: &Api<AmazoffStore>,
    store: &str,
    members: u32,
    now: Timestamp,
) -> Result<MariadbStatus, KeepError> {
    let object = stores.get(store).await?;
    let version = object.resource_version();
    if let Some(status) = object.status.and_then(|status| status.mariadb) {
        return Ok(status);
    }
    let first = MariadbStatus {
        record: Record::new(members, now),
        members: Vec::new(),
    };
    // Of two operators that begin, one does: the version that was read is still the one that is there.
    let patch = json!([
        {"op": "test", "path": "/metadata/resourceVersion", "value": version},
        {"op": "add", "path": "/status/mariadb", "value": first},
    ]);
    patch_status(stores, store, patch).await?;
    Ok(first)
}

/// Writes what was decided, unless somebody else has decided meanwhile.
async fn write(
    stores: &Api<AmazoffStore>,
    store: &str,
    before: &MariadbStatus,
    after: &MariadbStatus,
) -> Result<(), KeepError> {
    let patch = json!([
        {"op": "test", "path": "/status/mariadb/record/version", "value": before.record.version},
        {"op": "replace", "path": "/status/mariadb", "value": after},
    ]);
    patch_status(stores, store, patch).await
}

async fn patch_status(
    stores: &Api<AmazoffStore>,
    store: &str,
    patch: Value,
) -> Result<(), KeepError> {
    let patch: json_patch::Patch = serde_json::from_value(patch).map_err(KeepError::Record)?;
    let patch: Patch<()> = Patch::Json(patch);
    match stores
        .patch_status(store, &PatchParams::default(), &patch)
        .await
    {
        Ok(_) => Ok(()),
        // A test that does not hold.
        Err(kube::Error::Api(status)) if status.code == 422 || status.code == 409 => {
            Err(KeepError::Overtaken)
        }
        Err(error) => Err(error.into()),
    }
}

/// One line for each member, of what seldom changes.
fn lines(record: &Record, seen: &Seen) -> Vec<MemberStatus> {
    let line = |(member, sight): (&Member, &Sight)| {
        let role = if *member == record.primary {
            "primary"
        } else {
            "replica"
        };
        let state = match sight {
            Sight::Silent { .. } => "silent",
            Sight::Answers(report) => match &report.server {
                Server::Down => "down",
                Server::Changing => "starting",
                Server::Hung(_) => "hung",
                Server::Up(state) if state.open => "takes writes",
                Server::Up(state) if *member == record.primary || state.leads => "closed",
                Server::Up(state) if state.stuck => "can't apply",
                Server::Up(state) if state.receiving == Receiving::Running => {
                    if state.is_fresh() {
                        "follows"
                    } else {
                        "catches up"
                    }
                }
                Server::Up(_) => "follows nobody",
            },
        };
        MemberStatus {
            member: i64::from(*member),
            role: role.to_owned(),
            state: state.to_owned(),
            acknowledges: record.ackers().contains(member),
        }
    };
    seen.members.iter().map(line).collect()
}

fn tell_log(store: &str, before: &Record, after: &Record) {
    let phase = |record: &Record| record.change.as_ref().map(|change| change.phase);
    if before.epoch != after.epoch {
        info!(
            store,
            primary = after.primary,
            epoch = after.epoch,
            base = after.base,
            "another primary"
        );
    } else if phase(before) != phase(after) {
        match phase(after) {
            Some(Phase::Gathering) => {
                warn!(
                    store,
                    primary = after.primary,
                    "the primary is lost: another is chosen"
                );
            }
            phase => info!(store, ?phase, version = after.version, "decided"),
        }
    }
}
