//! Secrets, and what is replaced when they change.

use crate::cluster::{Cluster, MINIMAL};
use amazoff_operator::desired::Kind;
use kube::api::DeleteParams;
use serde_json::{Value, json};

async fn hash(cluster: &Cluster, name: &str) -> String {
    let deployment = cluster.until_exists(Kind::Deployment, name).await;
    let annotation = deployment
        .data
        .pointer("/spec/template/metadata/annotations/amazoff.io~1config-hash");
    annotation
        .and_then(Value::as_str)
        .expect("the pods carry a hash")
        .to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_made_once_and_again_only_when_they_are_gone() {
    let cluster = Cluster::with_store("secrets", MINIMAL).await;
    let data = async || {
        cluster
            .secrets()
            .get("corner-identity")
            .await
            .expect("there is one")
            .data
            .expect("it holds keys")
    };
    let first = data().await;
    let jwks: Value =
        serde_json::from_slice(&first["jwks.json"].0).expect("the public keys are JSON");
    assert!(
        jwks["keys"][0].get("d").is_none(),
        "the private part is not published"
    );
    let hashes = async || {
        [
            hash(&cluster, "corner-catalog").await,
            hash(&cluster, "corner-gateway").await,
            hash(&cluster, "corner-storefront").await,
        ]
    };
    let before = hashes().await;

    cluster
        .change("corner", json!({"spec": {"shop": {"currency": "USD"}}}))
        .await;
    cluster.settle().await;
    assert_eq!(
        data().await,
        first,
        "nothing makes them again while they exist"
    );
    assert_eq!(hashes().await, before);

    cluster
        .secrets()
        .delete("corner-identity", &DeleteParams::default())
        .await
        .expect("it can be deleted");
    cluster.look_again("corner").await;
    assert_ne!(data().await, first);
    let after = hashes().await;
    assert_ne!(
        (&after[0], &after[1]),
        (&before[0], &before[1]),
        "who verifies tokens is replaced"
    );
    assert_eq!(after[2], before[2], "who does not is not");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_connection_string_replaces_the_pods_that_use_it() {
    let cluster = Cluster::with_operator("rotated").await;
    cluster.apply(MINIMAL).await.expect("the store is sound");
    let message = cluster
        .until_condition("corner", "MongoDBReady", "False", "SecretMissing")
        .await;
    assert!(
        message.contains("kubectl -n") && message.contains("create secret generic mongo"),
        "{message}"
    );
    cluster
        .put_secret("mongo", "url", "mongodb://wrong-key")
        .await;
    cluster.look_again("corner").await;
    let message = cluster
        .until_condition("corner", "MongoDBReady", "False", "SecretMissing")
        .await;
    assert!(message.contains("has no key \"uri\""), "{message}");

    cluster.put_secret("mongo", "uri", "mongodb://one").await;
    cluster
        .until_condition("corner", "MongoDBReady", "True", "External")
        .await;
    cluster.settle().await;
    let (catalog, gateway) = (
        hash(&cluster, "corner-catalog").await,
        hash(&cluster, "corner-gateway").await,
    );
    cluster.put_secret("mongo", "uri", "mongodb://two").await;
    cluster.look_again("corner").await;
    assert_ne!(hash(&cluster, "corner-catalog").await, catalog);
    assert_eq!(hash(&cluster, "corner-gateway").await, gateway);
}

#[tokio::test(flavor = "multi_thread")]
async fn status_tells_a_slow_rollout_from_a_stuck_one_and_from_a_lost_pod() {
    let cluster = Cluster::with_operator("status").await;
    cluster
        .put_secret("mongo", "uri", "mongodb://somewhere")
        .await;
    cluster.apply(MINIMAL).await.expect("the store is sound");
    cluster
        .until_condition("corner", "Ready", "False", "CatalogRollingOut")
        .await;
    cluster
        .until_condition("corner", "Reconciling", "True", "CatalogRollingOut")
        .await;
    cluster.serve_all("corner").await;
    cluster
        .until_condition("corner", "Ready", "True", "Serving")
        .await;
    cluster
        .until_condition("corner", "Reconciling", "False", "Settled")
        .await;

    cluster
        .deployment_status("corner-catalog", json!({"availableReplicas": 1}))
        .await;
    cluster
        .until_condition("corner", "Degraded", "True", "CatalogTooFewReplicas")
        .await;
    cluster
        .until_condition("corner", "Ready", "True", "Serving")
        .await;

    cluster
        .deployment_status("corner-catalog", json!({"availableReplicas": 0}))
        .await;
    cluster
        .until_condition("corner", "Ready", "False", "CatalogTooFewReplicas")
        .await;
    cluster.until_event("NotReady", "Catalog").await;

    cluster.deployment_status("corner-catalog", json!({"conditions": [{
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "no progress",
    }]})).await;
    cluster
        .until_condition(
            "corner",
            "Stalled",
            "True",
            "CatalogProgressDeadlineExceeded",
        )
        .await;

    cluster.serve("corner-catalog").await;
    cluster
        .deployment_status("corner-redis", json!({"availableReplicas": 0}))
        .await;
    cluster
        .until_condition("corner", "Degraded", "True", "RedisTooFewReplicas")
        .await;
    cluster
        .until_condition("corner", "Ready", "True", "Serving")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hanging_rollout_shows_while_the_old_replicas_serve() {
    let cluster = Cluster::with_store("hanging", MINIMAL).await;
    cluster.serve_all("corner").await;
    cluster
        .until_condition("corner", "Reconciling", "False", "Settled")
        .await;
    let is = async |type_: &str, status: &str, reason: &str| {
        cluster
            .until_condition("corner", type_, status, reason)
            .await
    };

    let version = json!({"spec": {"services": {"catalog": {"version": "2.0.0"}}}});
    cluster.change("corner", version).await;
    let (rolling, hanging) = ("CatalogRollingOut", "CatalogProgressDeadlineExceeded");
    is("Progressing", "True", rolling).await;
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
    let message = is("Progressing", "True", rolling).await;
    assert_eq!(
        message,
        "Catalog: 2 of 2 replicas serve; new ones are starting, and 2 old still run."
    );
    is("Reconciling", "True", rolling).await;
    is("Degraded", "False", "Whole").await;
    is("Ready", "True", "Serving").await;

    let late = json!({
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "ReplicaSet \"x\" has timed out progressing.",
    });
    cluster
        .deployment_status("corner-catalog", rollout(late))
        .await;
    let message = is("Degraded", "True", hanging).await;
    assert_eq!(
        message,
        format!(
            "Catalog: 2 of 2 replicas serve, but for 120 s no new one has become ready. See why with: kubectl -n {} \
             describe pods -l app.kubernetes.io/instance=corner,app.kubernetes.io/name=catalog",
            cluster.namespace
        )
    );
    is("Stalled", "True", hanging).await;
    is("Reconciling", "False", "Settled").await;
    is("Progressing", "False", "Settled").await;
    is("Ready", "True", "Serving").await;
    is("CatalogReady", "True", "ProgressDeadlineExceeded").await;
    cluster.until_event(hanging, "describe pods").await;

    // Another attempt is under way as soon as the store is changed, and no longer hangs.
    let repaired = json!({"spec": {"services": {"catalog": {"version": null}}}});
    cluster.change("corner", repaired).await;
    is("Stalled", "False", "NotStalled").await;
    is("Progressing", "True", rolling).await;
    cluster.serve("corner-catalog").await;
    is("Degraded", "False", "Whole").await;
    is("Reconciling", "False", "Settled").await;
}
