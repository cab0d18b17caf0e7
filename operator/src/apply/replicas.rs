//! Who decides how many replicas run: the operator, or an autoscaler from the moment there is one.
//!
//! A field that its only owner gives up returns to its default, and that would be one replica. So a second field manager takes
//! the count over before the operator lets go of it, and has it until the autoscaler first changes it.

use super::memory::fingerprint;
use super::{FailureCause, MANAGER, Target, send};
use crate::desired::{Key, Kind, Object};
use crate::world::World;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};
use std::sync::Arc;
use tracing::info;

/// The field manager that has the replica count in between.
const HANDOVER: &str = "amazoff-operator-handover";

/// Makes a Deployment that an autoscaler is to have, with as many replicas as that would want at once. Sent without a count it
/// would be born with one, and the first pod would have to bear what is meant for all of them. What is still to be done
/// afterwards, to apply it without the count, changes nothing but who owns the field.
pub(super) async fn give_birth(
    target: &Target<'_>,
    api: &Api<DynamicObject>,
    object: &Object,
    world: &World,
) -> Result<Option<Arc<DynamicObject>>, FailureCause> {
    let Some((min, max)) = object.autoscaled else {
        return Ok(None);
    };
    let mut first = object.value.clone();
    first["spec"]["replicas"] = json!(within(decided(world, object), min, max));
    let born = send(api, object, &first).await?;
    let wanted = fingerprint(&object.value);
    target
        .memory
        .wrote(target, &object.key, wanted, None, Some(&born));
    hand_over(target, api, object, &born).await
}

/// Lets an autoscaler have the replica count of a Deployment, once, as it is or within the autoscaler's bounds. From then on
/// nobody here speaks of it.
pub(super) async fn hand_over(
    target: &Target<'_>,
    api: &Api<DynamicObject>,
    object: &Object,
    live: &Arc<DynamicObject>,
) -> Result<Option<Arc<DynamicObject>>, FailureCause> {
    let Some((min, max)) = object.autoscaled else {
        return Ok(None);
    };
    let others = |entry: &&ManagedFieldsEntry| entry.manager.as_deref() != Some(MANAGER);
    if live
        .managed_fields()
        .iter()
        .filter(others)
        .any(has_replicas)
    {
        return Ok(None);
    }
    let current = live.data.pointer("/spec/replicas").and_then(Value::as_i64);
    let replicas = within(current, min, max);
    let patch = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": object.key.name},
        "spec": {"replicas": replicas},
    });
    let params = PatchParams::apply(HANDOVER).force();
    let handed = Arc::new(
        api.patch(&object.key.name, &params, &Patch::Apply(&patch))
            .await?,
    );
    info!(object = %object.key, replicas, "the autoscaler decides how many replicas run");
    target.memory.wrote(
        target,
        &object.key,
        fingerprint(&object.value),
        Some(live),
        Some(&handed),
    );
    Ok(Some(handed))
}

/// Whether the operator itself still has the replica count.
pub(super) fn owns_replicas(live: &DynamicObject) -> bool {
    let ours = |entry: &&ManagedFieldsEntry| entry.manager.as_deref() == Some(MANAGER);
    live.managed_fields().iter().filter(ours).any(has_replicas)
}

fn has_replicas(entry: &ManagedFieldsEntry) -> bool {
    let fields = entry.fields_v1.as_ref();
    fields.is_some_and(|fields| fields.0.pointer("/f:spec/f:replicas").is_some())
}

/// What the autoscaler last decided, when a Deployment that somebody deleted has to be made again.
fn decided(world: &World, object: &Object) -> Option<i64> {
    let autoscaler = Key {
        kind: Kind::HorizontalPodAutoscaler,
        name: object.key.name.clone(),
    };
    let live = world.live.get(&autoscaler)?;
    live.data.pointer("/status/desiredReplicas")?.as_i64()
}

fn within(replicas: Option<i64>, min: i32, max: i32) -> i64 {
    let min = i64::from(min);
    replicas.unwrap_or(min).clamp(min, i64::from(max).max(min))
}
