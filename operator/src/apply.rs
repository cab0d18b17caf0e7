//! Makes the cluster as it should be: server-side apply of what differs, then pruning. The only place that writes, apart from
//! status and the lease.

mod memory;
mod replicas;

pub use memory::Memory;

use crate::desired::meta::{INSTANCE, MANAGED_BY};
use crate::desired::{APPLIED, Key, Kind, Object};
use crate::difference::{difference, essence};
use crate::telemetry::Telemetry;
use crate::world::World;
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, Preconditions};
use kube::{Client, ResourceExt};
use memory::{fingerprint, value};
use replicas::{give_birth, hand_over, owns_replicas};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tracing::{debug, info};

/// The field manager of everything that is applied.
pub const MANAGER: &str = "amazoff-operator";

/// What was done, and what could not be.
#[derive(Debug, Default)]
pub struct Applied {
    /// The objects as they are now.
    pub live: BTreeMap<Key, Arc<DynamicObject>>,
    /// What was done, in order.
    pub changes: Vec<Change>,
    /// What could not be done.
    pub failures: Vec<Failure>,
    /// Wanted objects of kinds that the cluster does not know.
    pub unknown: Vec<Key>,
}

/// Something that was done to an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which object.
    pub key: Key,
    /// What was done.
    pub what: What,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// There was none.
    Created,
    /// The store wants it otherwise now.
    Updated,
    /// Somebody else had changed or deleted it; the path of the field, if it was a field.
    PutBack(Option<String>),
    /// The store no longer wants it.
    Pruned,
}

/// Something that could not be done.
#[derive(Debug, thiserror::Error)]
#[error("{key} could not be applied")]
pub struct Failure {
    /// To which object.
    pub key: Key,
    /// Why.
    #[source]
    pub source: FailureCause,
}

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum FailureCause {
    /// The API server refused.
    #[error("the API server refused")]
    Api(#[from] kube::Error),
    /// The name is taken.
    #[error("an object of that name exists and does not belong to this store; rename or delete it")]
    Foreign,
}

impl Applied {
    /// As if everything had been found as it should be.
    pub fn nothing(world: &World) -> Self {
        Self {
            live: world.live.clone(),
            ..Self::default()
        }
    }
}

/// Where and for whom something is applied.
pub struct Target<'a> {
    /// The API server.
    pub client: &'a Client,
    /// What was written before.
    pub memory: &'a Memory,
    /// What counts changes.
    pub telemetry: &'a Telemetry,
    /// The store's namespace.
    pub namespace: &'a str,
    /// The store's name.
    pub store: &'a str,
    /// The store's identity.
    pub uid: &'a str,
}

impl Target<'_> {
    fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), self.namespace, &kind.resource())
    }
}

/// Creates a Secret, unless there is one: what it holds is never overwritten.
pub async fn create_secret(
    client: &Client,
    namespace: &str,
    secret: &Secret,
) -> Result<bool, kube::Error> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let params = PostParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PostParams::default()
    };
    match api.create(&params, secret).await {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}

/// Changes keys of a Secret that is as it was read: of two operators that change passwords at the same time, one has to look again.
pub async fn change_secret(
    api: &Api<Secret>,
    read: &Secret,
    data: &BTreeMap<String, String>,
) -> Result<(), kube::Error> {
    let patch = json!({
        "metadata": {"resourceVersion": read.resource_version()},
        "stringData": data,
    });
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    let patch = Patch::Merge(&patch);
    api.patch(&read.name_any(), &params, &patch)
        .await
        .map(|_changed| ())
}

/// Applies what differs, in order, and prunes. One object that cannot be applied does not hold up the others.
pub async fn apply(target: &Target<'_>, desired: &[Object], world: &World) -> Applied {
    let mut applied = Applied::nothing(world);
    for object in desired {
        if world.missing_kinds.contains(&object.key.kind) {
            applied.unknown.push(object.key.clone());
            continue;
        }
        match apply_one(target, object, world).await {
            Ok(Some((live, what))) => {
                done(target, &mut applied, object.key.clone(), what, Some(live));
            }
            Ok(None) => {}
            Err(source) => applied.failures.push(Failure {
                key: object.key.clone(),
                source,
            }),
        }
    }
    for (key, live) in &world.live {
        if desired.iter().any(|object| object.key == *key) || !belongs(live, target.uid) {
            continue;
        }
        match prune(target, key, live).await {
            Ok(()) => done(target, &mut applied, key.clone(), What::Pruned, None),
            Err(error) => applied.failures.push(Failure {
                key: key.clone(),
                source: error.into(),
            }),
        }
    }
    if !applied.changes.is_empty() {
        let count = |matches: fn(&What) -> bool| {
            applied
                .changes
                .iter()
                .filter(|change| matches(&change.what))
                .count()
        };
        info!(
            store.namespace = target.namespace,
            store.name = target.store,
            created = count(|what| *what == What::Created),
            updated = count(|what| *what == What::Updated),
            put_back = count(|what| matches!(what, What::PutBack(_))),
            pruned = count(|what| *what == What::Pruned),
            "applied"
        );
    }
    applied
}

fn done(
    target: &Target<'_>,
    applied: &mut Applied,
    key: Key,
    what: What,
    live: Option<Arc<DynamicObject>>,
) {
    let change = match &what {
        What::Created => "created",
        What::Updated => "updated",
        What::PutBack(_) => "put back",
        What::Pruned => "pruned",
    };
    debug!(store.namespace = target.namespace, store.name = target.store, object = %key, change, "changed");
    target.telemetry.changed(key.kind.to_string(), change);
    match live {
        Some(live) => applied.live.insert(key.clone(), live),
        None => applied.live.remove(&key),
    };
    applied.changes.push(Change { key, what });
}

async fn apply_one(
    target: &Target<'_>,
    object: &Object,
    world: &World,
) -> Result<Option<(Arc<DynamicObject>, What)>, FailureCause> {
    let api = target.api(object.key.kind);
    let cached = world.live.get(&object.key);
    // An object without our labels is in no cache, and would be taken over without a word.
    let found = match cached {
        Some(live) => Some(Arc::clone(live)),
        None => api.get_opt(&object.key.name).await?.map(Arc::new),
    };
    let wanted = fingerprint(&object.value);
    let before = target.memory.last(target, &object.key);
    let what = match &found {
        None if before.is_some() => What::PutBack(None),
        None => What::Created,
        Some(live) if is_foreign(live, target) => return Err(FailureCause::Foreign),
        Some(live) => {
            let live_value = value(live);
            let path = match difference(&object.value, &live_value) {
                Some(path) => path,
                // What is there is what is wanted, but for who decides how many replicas run.
                None if object.autoscaled.is_some() && owns_replicas(live) => {
                    "spec.replicas".to_owned()
                }
                None => {
                    let handed = hand_over(target, &api, object, live).await?;
                    return Ok(handed.map(|live| (live, What::Updated)));
                }
            };
            let essence = fingerprint(&essence(&live_value));
            let same = |key: &str| {
                object.value["metadata"]["annotations"][key]
                    == live_value["metadata"]["annotations"][key]
            };
            match before {
                // The API server did not keep what it was sent; to insist would be to write forever.
                Some(last) if last.desired == wanted && last.essence == essence => {
                    debug!(object = %object.key, field = %path, "the API server keeps this otherwise");
                    return Ok(None);
                }
                _ if same(APPLIED) => What::PutBack(Some(path)),
                _ => What::Updated,
            }
        }
    };
    match &found {
        Some(live) => hand_over(target, &api, object, live).await?,
        None => give_birth(target, &api, object, world).await?,
    };
    let live = send(&api, object, &object.value).await?;
    target
        .memory
        .wrote(target, &object.key, wanted, cached, Some(&live));
    Ok(Some((live, what)))
}

async fn send(
    api: &Api<DynamicObject>,
    object: &Object,
    value: &Value,
) -> Result<Arc<DynamicObject>, kube::Error> {
    let params = PatchParams::apply(MANAGER).force().validation_strict();
    let live = api
        .patch(&object.key.name, &params, &Patch::Apply(value))
        .await?;
    Ok(Arc::new(live))
}

async fn prune(
    target: &Target<'_>,
    key: &Key,
    live: &Arc<DynamicObject>,
) -> Result<(), kube::Error> {
    let only_this_one = Preconditions {
        uid: live.uid(),
        resource_version: None,
    };
    let params = DeleteParams::background().preconditions(only_this_one);
    match target.api(key.kind).delete(&key.name, &params).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => return Err(error),
    }
    target.memory.wrote(target, key, 0, Some(live), None);
    Ok(())
}

fn belongs(object: &DynamicObject, uid: &str) -> bool {
    object
        .owner_references()
        .iter()
        .any(|owner| owner.uid == uid && owner.controller == Some(true))
}

/// Somebody else's: another controller's, or nobody's and without our labels. One of ours that lost its owner is ours.
fn is_foreign(object: &DynamicObject, target: &Target<'_>) -> bool {
    let mut owners = object.owner_references().iter();
    if let Some(owner) = owners.find(|owner| owner.controller == Some(true)) {
        return owner.uid != target.uid;
    }
    let has = |label: &str, value: &str| {
        object
            .labels()
            .get(label)
            .is_some_and(|found| found == value)
    };
    !(has("app.kubernetes.io/managed-by", MANAGED_BY) && has(INSTANCE, target.store))
}
