//! Who decides how many replicas run.

use crate::cluster::{Cluster, MINIMAL};
use amazoff_operator::desired::Kind;
use kube::api::{DynamicObject, Patch, PatchParams};
use serde_json::{Value, json};

fn replicas(object: &DynamicObject) -> Option<i64> {
    object
        .data
        .pointer("/spec/replicas")
        .and_then(Value::as_i64)
}

async fn now(cluster: &Cluster) -> Option<i64> {
    replicas(
        &cluster
            .get(Kind::Deployment, "corner-catalog")
            .await
            .expect("the catalog is there"),
    )
}

/// Whether the operator's main manager owns the replica count.
async fn owned(cluster: &Cluster) -> bool {
    let object = cluster
        .get(Kind::Deployment, "corner-catalog")
        .await
        .expect("the catalog is there");
    object
        .metadata
        .managed_fields
        .iter()
        .flatten()
        .any(|entry| {
            entry.manager.as_deref() == Some("amazoff-operator")
                && entry
                    .fields_v1
                    .as_ref()
                    .is_some_and(|f| f.0.pointer("/f:spec/f:replicas").is_some())
        })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_born_with_the_fewest_replicas_and_belongs_to_its_autoscaler() {
    let store = MINIMAL.to_owned() + "  services: {catalog: {autoscaling: {min: 3, max: 9}}}\n";
    let cluster = Cluster::with_store("born", &store).await;
    let born = cluster
        .until_exists(Kind::Deployment, "corner-catalog")
        .await;
    assert_eq!(replicas(&born), Some(3));
    assert_eq!(
        born.metadata.generation,
        Some(1),
        "it never had another number of replicas"
    );
    assert!(!owned(&cluster).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_deleted_under_load_comes_back_as_big_as_it_was() {
    let store = MINIMAL.to_owned() + "  services: {catalog: {autoscaling: {min: 2, max: 9}}}\n";
    let cluster = Cluster::with_store("deleted-big", &store).await;
    cluster.scale("corner-catalog", 7).await;
    let decided = json!({"status": {"currentReplicas": 7, "desiredReplicas": 7}});
    cluster
        .api(Kind::HorizontalPodAutoscaler)
        .patch_status(
            "corner-catalog",
            &PatchParams::default(),
            &Patch::Merge(&decided),
        )
        .await
        .expect("an autoscaler's status can be written");
    cluster.settle().await;
    let before = cluster.get(Kind::Deployment, "corner-catalog").await;
    let before = before.expect("the catalog is there").metadata.uid;

    cluster.delete(Kind::Deployment, "corner-catalog").await;
    let again = cluster
        .until(Kind::Deployment, "corner-catalog", "comes back", |object| {
            object.metadata.uid != before
        })
        .await;
    assert_eq!(replicas(&again), Some(7));
    assert_eq!(again.metadata.generation, Some(1));
    cluster.settle().await;
    assert!(!owned(&cluster).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_autoscaler_keeps_what_it_decided() {
    let store = MINIMAL.to_owned() + "  services: {catalog: {autoscaling: {min: 2, max: 9}}}\n";
    let cluster = Cluster::with_store("autoscaled", &store).await;
    cluster
        .until_exists(Kind::HorizontalPodAutoscaler, "corner-catalog")
        .await;
    cluster
        .until(
            Kind::Deployment,
            "corner-catalog",
            "starts with the fewest",
            |o| replicas(o) == Some(2),
        )
        .await;
    assert!(!owned(&cluster).await);

    cluster.scale("corner-catalog", 7).await;
    cluster.settle().await;
    cluster.look_again("corner").await;
    // A change of something else, so that the Deployment really is applied again.
    cluster
        .change(
            "corner",
            json!({"spec": {"observability": {"logLevel": "debug"}}}),
        )
        .await;
    let env = "/spec/template/spec/containers/0/env/1/value";
    cluster
        .until(Kind::Deployment, "corner-catalog", "logs more", |o| {
            o.data.pointer(env).and_then(Value::as_str) == Some("debug")
        })
        .await;
    cluster.settle().await;
    assert_eq!(now(&cluster).await, Some(7));
    // Scaled to one by hand, against the autoscaler: its business, not the operator's.
    cluster.scale("corner-catalog", 1).await;
    cluster.look_again("corner").await;
    assert_eq!(now(&cluster).await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn handing_over_to_an_autoscaler_and_back_never_drops_a_replica() {
    let store = MINIMAL.to_owned() + "  services: {catalog: {replicas: 5}}\n";
    let cluster = Cluster::with_store("handover", &store).await;
    cluster
        .until(Kind::Deployment, "corner-catalog", "has five", |o| {
            replicas(o) == Some(5)
        })
        .await;
    cluster.settle().await;
    assert!(owned(&cluster).await);

    let automatic = json!({"spec": {"services": {"catalog": {"replicas": null, "autoscaling": {"min": 2, "max": 9}}}}});
    cluster.change("corner", automatic).await;
    cluster
        .until_exists(Kind::HorizontalPodAutoscaler, "corner-catalog")
        .await;
    cluster.settle().await;
    assert_eq!(
        now(&cluster).await,
        Some(5),
        "as it was until the autoscaler says otherwise"
    );
    assert!(!owned(&cluster).await);
    cluster.scale("corner-catalog", 8).await;
    cluster.look_again("corner").await;
    assert_eq!(now(&cluster).await, Some(8));

    let fixed = json!({"spec": {"services": {"catalog": {"replicas": 4, "autoscaling": null}}}});
    cluster.change("corner", fixed).await;
    cluster
        .until(Kind::Deployment, "corner-catalog", "has four", |o| {
            replicas(o) == Some(4)
        })
        .await;
    cluster
        .until_gone(Kind::HorizontalPodAutoscaler, "corner-catalog")
        .await;
    assert!(owned(&cluster).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fixed_replica_count_is_put_back() {
    let store = MINIMAL.to_owned() + "  services: {catalog: {replicas: 2}}\n";
    let cluster = Cluster::with_store("fixed", &store).await;
    cluster.scale("corner-catalog", 0).await;
    cluster
        .until(Kind::Deployment, "corner-catalog", "has two again", |o| {
            replicas(o) == Some(2)
        })
        .await;
}
