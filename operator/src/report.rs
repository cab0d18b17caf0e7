//! What whoever looks at a store is told: its status, and Kubernetes Events.

use crate::api::v1alpha1::{AmazoffStore, AmazoffStoreStatus};
use crate::apply::{Applied, Change, What};
use crate::chain::chain;
use crate::controller::{Context, Guarded, ReconcileError, slot};
use crate::status::{Outcome, status};
use kube::api::{Api, PartialObjectMeta, Patch, PatchParams};
use kube::runtime::events::{Event, EventType, Recorder};
use kube::{Resource, ResourceExt};
use serde_json::json;
use std::sync::PoisonError;
use tracing::warn;

/// The field manager of the status.
const STATUS_MANAGER: &str = "amazoff-operator-status";

/// Says in the status, and once in an event, why nothing is done.
pub(crate) async fn reject(
    context: &Context,
    store: &Guarded,
    before: Option<&AmazoffStoreStatus>,
    message: &str,
) -> Result<(), ReconcileError> {
    if write_status(context, store, before, &Outcome::Rejected(message)).await? {
        warn!(
            store.namespace = store.namespace(),
            store.name = store.name_any(),
            message,
            "rejected"
        );
        publish(
            &context.recorder,
            store,
            EventType::Warning,
            "Rejected",
            message.to_owned(),
        )
        .await;
    }
    Ok(())
}

/// Writes the status if it is not what it should be, and says whether it did.
pub(crate) async fn write_status(
    context: &Context,
    store: &Guarded,
    cached: Option<&AmazoffStoreStatus>,
    outcome: &Outcome<'_>,
) -> Result<bool, ReconcileError> {
    let meta = store.meta();
    let written = {
        let statuses = context
            .statuses
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        statuses
            .get(&slot(store))
            .filter(|(version, _)| *version == meta.resource_version)
            .map(|(_, s)| s.clone())
    };
    // The cache may not have heard yet of what was written over this very version.
    let before = written.as_ref().or(cached);
    let next = status(before, meta.generation, outcome, (context.now)());
    if before == Some(&next) {
        return Ok(false);
    }
    // What others write stays theirs.
    let own = AmazoffStoreStatus {
        mariadb: None,
        ..next.clone()
    };
    let patch = json!({
        "apiVersion": AmazoffStore::api_version(&()),
        "kind": AmazoffStore::kind(&()),
        "metadata": {"name": store.name_any()},
        "status": own,
    });
    let api: Api<PartialObjectMeta<AmazoffStore>> = Api::namespaced(
        context.client.clone(),
        &store.namespace().unwrap_or_default(),
    );
    let params = PatchParams::apply(STATUS_MANAGER).force();
    match api
        .patch_status(&store.name_any(), &params, &Patch::Apply(&patch))
        .await
    {
        Ok(_) => {}
        // The store is gone.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(false),
        Err(error) => return Err(ReconcileError::Status(error)),
    }
    for (type_, reason, note) in turns(before, &next) {
        publish(&context.recorder, store, type_, &reason, note).await;
    }
    let mut statuses = context
        .statuses
        .lock()
        .unwrap_or_else(PoisonError::into_inner);
    statuses.insert(slot(store), (meta.resource_version.clone(), next));
    Ok(true)
}

/// What of the change in status somebody may be waiting for: that the shop begins to serve, or ceases to, and that a part of it
/// needs help. Of what was refused or could not be applied, other events tell.
fn turns(
    before: Option<&AmazoffStoreStatus>,
    next: &AmazoffStoreStatus,
) -> Vec<(EventType, String, String)> {
    let find = |status: &AmazoffStoreStatus, type_: &str| {
        let mut conditions = status.conditions.iter();
        conditions.find(|c| c.type_ == type_).cloned()
    };
    let was = |type_: &str| {
        before
            .and_then(|before| find(before, type_))
            .is_some_and(|condition| condition.status == "True")
    };
    let told_elsewhere = |reason: &str| matches!(reason, "Rejected" | "ApplyFailed");
    let mut turns = Vec::new();
    if let Some(ready) = find(next, "Ready") {
        match (was("Ready"), ready.status == "True") {
            (false, true) => turns.push((EventType::Normal, "Ready".to_owned(), ready.message)),
            (true, false) if ready.reason != "Rejected" => {
                turns.push((EventType::Warning, "NotReady".to_owned(), ready.message));
            }
            _ => {}
        }
    }
    if let Some(stalled) = find(next, "Stalled")
        && stalled.status == "True"
        && !was("Stalled")
        && !told_elsewhere(&stalled.reason)
    {
        turns.push((EventType::Warning, stalled.reason, stalled.message));
    }
    turns
}

/// Tells the store's readers what was done: one event for each sort of change.
pub(crate) async fn tell(recorder: &Recorder, store: &AmazoffStore, applied: &Applied) {
    type Sort = (&'static str, &'static str, fn(&What) -> bool);
    let sorts: [Sort; 3] = [
        ("Created", "Created", |what| matches!(what, What::Created)),
        ("Updated", "Updated", |what| matches!(what, What::Updated)),
        (
            "Pruned",
            "Deleted what the store no longer wants:",
            |what| matches!(what, What::Pruned),
        ),
    ];
    for (reason, verb, matches) in sorts {
        let keys: Vec<_> = applied
            .changes
            .iter()
            .filter(|change| matches(&change.what))
            .map(|change| change.key.to_string())
            .collect();
        if !keys.is_empty() {
            publish(
                recorder,
                store,
                EventType::Normal,
                reason,
                format!("{verb} {}.", keys.join(", ")),
            )
            .await;
        }
    }
    for Change { key, what } in &applied.changes {
        let What::PutBack(field) = what else { continue };
        let note = match field {
            Some(field) => format!(
                "Put {field} of {key} back: somebody else had changed it. Set spec.paused to change it by hand."
            ),
            None => format!("Put {key} back: somebody else had deleted it."),
        };
        publish(recorder, store, EventType::Warning, "PutBack", note).await;
    }
    for failure in &applied.failures {
        let note = chain(failure);
        publish(recorder, store, EventType::Warning, "ApplyFailed", note).await;
    }
}

/// Publishes one event about the store. That it could not be published is logged, and no more.
pub(crate) async fn publish<K: Resource<DynamicType = ()>>(
    recorder: &Recorder,
    store: &K,
    type_: EventType,
    reason: &str,
    mut note: String,
) {
    // The API server takes no more than 1024 bytes.
    if note.len() > 1000 {
        let end = (0..=1000)
            .rev()
            .find(|&at| note.is_char_boundary(at))
            .unwrap_or_default();
        note.truncate(end);
        note.push('…');
    }
    let event = Event {
        type_,
        reason: reason.to_owned(),
        note: Some(note),
        action: "Reconcile".to_owned(),
        secondary: None,
    };
    if let Err(error) = recorder.publish(&event, &store.object_ref(&())).await {
        warn!(
            reason,
            error = chain(&error),
            "an event could not be published"
        );
    }
}
