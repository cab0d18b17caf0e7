//! What a store says of itself, and when.

use crate::cluster::{Cluster, EVERYTHING, MINIMAL, here, install};
use amazoff_operator::desired::Kind;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};

const HTTP_ROUTE: &str = include_str!("../render/http-route/store.yaml");

/// Waits until the store says so, and returns the words.
async fn told(cluster: &Cluster, type_: &str, status: &str, reason: &str) -> String {
    cluster
        .until_condition("corner", type_, status, reason)
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_a_slow_rollout_from_a_stuck_one_and_from_a_lost_pod() {
    let cluster = Cluster::with_store("status", MINIMAL).await;
    told(&cluster, "Ready", "False", "MariaDBUnavailable").await;
    told(&cluster, "Reconciling", "True", "MariaDBUnavailable").await;
    cluster.serve_all("corner").await;
    told(&cluster, "Ready", "True", "Serving").await;
    told(&cluster, "Reconciling", "False", "Settled").await;

    cluster
        .deployment_status("corner-catalog", json!({"availableReplicas": 1}))
        .await;
    told(&cluster, "Degraded", "True", "CatalogTooFewReplicas").await;
    told(&cluster, "Ready", "True", "Serving").await;

    cluster
        .deployment_status("corner-catalog", json!({"availableReplicas": 0}))
        .await;
    told(&cluster, "Ready", "False", "CatalogTooFewReplicas").await;
    cluster.until_event("NotReady", "Catalog").await;

    cluster.deployment_status("corner-catalog", json!({"conditions": [{
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "no progress",
    }]})).await;
    let stuck = "CatalogProgressDeadlineExceeded";
    told(&cluster, "Stalled", "True", stuck).await;

    cluster.serve("corner-catalog").await;
    cluster
        .deployment_status("corner-redis", json!({"availableReplicas": 0}))
        .await;
    told(&cluster, "Degraded", "True", "RedisTooFewReplicas").await;
    told(&cluster, "Ready", "True", "Serving").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_rollout_shows_while_the_old_replicas_serve() {
    let cluster = Cluster::with_store("hanging", MINIMAL).await;
    cluster.serve_all("corner").await;
    told(&cluster, "Reconciling", "False", "Settled").await;
    let version = json!({"spec": {"services": {"catalog": {"version": "2.0.0"}}}});
    cluster.change("corner", version).await;
    let (rolling, hanging) = ("CatalogRollingOut", "CatalogProgressDeadlineExceeded");
    told(&cluster, "Progressing", "True", rolling).await;
    let generation = cluster.get(Kind::Deployment, "corner-catalog").await;
    let generation = generation.and_then(|deployment| deployment.metadata.generation);
    let rollout = |condition: Value| {
        json!({
            "observedGeneration": generation,
            "replicas": 3, "updatedReplicas": 1, "readyReplicas": 2, "availableReplicas": 2, "unavailableReplicas": 1,
            "conditions": [condition],
        })
    };
    // As its controller leaves it for a moment when it goes back to an earlier template.
    let earlier = json!({
        "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "of the one before",
    });
    cluster
        .deployment_status("corner-catalog", rollout(earlier))
        .await;
    cluster.settle().await;
    let message = told(&cluster, "Progressing", "True", rolling).await;
    assert_eq!(
        message,
        "Catalog: 2 of 2 replicas serve; new ones are starting, and 2 old still run."
    );
    told(&cluster, "Reconciling", "True", rolling).await;
    told(&cluster, "Degraded", "False", "Whole").await;
    told(&cluster, "Ready", "True", "Serving").await;

    let late = json!({
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"x\" has timed out progressing.",
    });
    cluster
        .deployment_status("corner-catalog", rollout(late))
        .await;
    let message = told(&cluster, "Degraded", "True", hanging).await;
    assert_eq!(
        message,
        format!(
            "Catalog: 2 of 2 replicas serve, but for 120 s no new one has become ready. See why with: kubectl -n {} \
             describe pods -l app.kubernetes.io/instance=corner,app.kubernetes.io/name=catalog",
            cluster.namespace
        )
    );
    told(&cluster, "Stalled", "True", hanging).await;
    told(&cluster, "Reconciling", "False", "Settled").await;
    told(&cluster, "Progressing", "False", "Settled").await;
    told(&cluster, "Ready", "True", "Serving").await;
    told(&cluster, "CatalogReady", "True", "ProgressDeadlineExceeded").await;
    cluster.until_event(hanging, "describe pods").await;

    // Another attempt is under way as soon as the store is changed, and no longer hangs.
    let repaired = json!({"spec": {"services": {"catalog": {"version": null}}}});
    cluster.change("corner", repaired).await;
    told(&cluster, "Stalled", "False", "NotStalled").await;
    told(&cluster, "Progressing", "True", rolling).await;
    cluster.serve("corner-catalog").await;
    told(&cluster, "Degraded", "False", "Whole").await;
    told(&cluster, "Reconciling", "False", "Settled").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_route_waits_for_a_gateway_to_accept_it() {
    let cluster = Cluster::new("route").await;
    let definition: CustomResourceDefinition = serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {
            "name": "httproutes.gateway.networking.k8s.io",
            "annotations": {"api-approved.kubernetes.io": "unapproved, a stand-in for tests"},
        },
        "spec": {
            "group": "gateway.networking.k8s.io", "scope": "Namespaced",
            "names": {"kind": "HTTPRoute", "plural": "httproutes", "singular": "httproute"},
            "versions": [{
                "name": "v1", "served": true, "storage": true, "subresources": {"status": {}},
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}},
            }],
        },
    })).expect("a definition");
    install(&cluster.client, &definition).await;
    let mut cluster = cluster;
    cluster.start().await;
    cluster.lead();
    cluster
        .put_secret("mongo", "uri", "mongodb://somewhere")
        .await;
    cluster
        .apply(&here(HTTP_ROUTE))
        .await
        .expect("the store is sound");
    told(&cluster, "EntryReady", "False", "Waiting").await;

    let accept = |status: &str, reason: &str| {
        json!({"status": {"parents": [{
            "parentRef": {"name": "public"}, "controllerName": "example.com/gateway",
            "conditions": [{"type": "Accepted", "status": status, "reason": reason, "message": "said the gateway"}],
        }]}})
    };
    let api = cluster.api(Kind::HttpRoute);
    let say = async |patch: Value| {
        api.patch_status(
            "corner-gateway",
            &PatchParams::default(),
            &Patch::Merge(&patch),
        )
        .await
        .expect("a status");
    };
    say(accept("False", "NotAllowedByListeners")).await;
    let message = told(&cluster, "EntryReady", "False", "NotAllowedByListeners").await;
    assert_eq!(message, "said the gateway");
    say(accept("True", "Accepted")).await;
    told(&cluster, "EntryReady", "True", "Accepted").await;
    let store = cluster
        .stores()
        .get("corner")
        .await
        .expect("the store is there");
    assert_eq!(
        store.status.and_then(|status| status.url).as_deref(),
        Some("https://corner.example.com")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_the_cluster_does_not_know_is_named() {
    let cluster = Cluster::with_operator("unknown").await;
    cluster
        .apply(&here(EVERYTHING))
        .await
        .expect("the store is sound");
    let message = told(&cluster, "MonitoringReady", "False", "PodMonitorMissing").await;
    assert!(
        message.contains("install the Prometheus operator"),
        "{message}"
    );
    cluster.until_made("corner").await;
}
