//! A `PodMonitor` over all services of the store.

use super::meta::{INSTANCE, store_meta};
use super::needs::SERVICES;
use super::{Kind, Object};
use crate::validate::ValidStore;
use serde_json::json;

/// The `PodMonitor`, when the store asks for one.
pub(super) fn objects(store: &ValidStore) -> Vec<Object> {
    let Some(monitor) = &store.observability.pod_monitor else {
        return Vec::new();
    };
    let mut metadata = store_meta(store);
    metadata
        .labels
        .get_or_insert_default()
        .extend(monitor.labels.clone());
    let mut endpoint = json!({"port": "admin", "path": "/metrics"});
    if let Some(interval) = &monitor.interval {
        endpoint["interval"] = json!(interval);
    }
    let services: Vec<_> = SERVICES.iter().map(|needs| needs.name).collect();
    let object = json!({
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": metadata,
        "spec": {
            "selector": {
                "matchLabels": {INSTANCE: store.name, "app.kubernetes.io/part-of": "amazoff"},
                "matchExpressions": [{"key": "app.kubernetes.io/name", "operator": "In", "values": services}],
            },
            "podTargetLabels": ["app.kubernetes.io/name", "app.kubernetes.io/instance"],
            "podMetricsEndpoints": [endpoint],
        },
    });
    vec![Object::new(Kind::PodMonitor, &store.name, &object)]
}
