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
            hash(&cluster, "corner-users").await,
            hash(&cluster, "corner-catalog").await,
            hash(&cluster, "corner-gateway").await,
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
    let again = data().await;
    assert_ne!(again, first);
    let published = cluster
        .get(Kind::ConfigMap, "corner-identity")
        .await
        .expect("the public keys");
    let published = published.data["data"]["jwks.json"].as_str().expect("text");
    let published: Value = serde_json::from_str(published).expect("JSON");
    let new: Value = serde_json::from_slice(&again["jwks.json"].0).expect("JSON");
    assert_eq!(published["keys"][0], new["keys"][0]);
    let after = hashes().await;
    assert_ne!(after[0], before[0], "who signs for people is replaced");
    assert_eq!(
        after[1..],
        before[1..],
        "who verifies reads the new keys by itself"
    );
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
