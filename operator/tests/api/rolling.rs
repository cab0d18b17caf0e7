//! Secrets, and what is replaced when they change.

use crate::cluster::{Cluster, MINIMAL};
use amazoff_operator::desired::Kind;
use k8s_openapi::api::core::v1::Secret;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, DynamicObject, Patch, PatchParams};
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

fn data(secret: &Secret, key: &str) -> String {
    let data = secret.data.as_ref().expect("it holds something");
    String::from_utf8(data[key].0.clone()).expect("text")
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_changed_by_raising_a_number_and_the_old_ones_go_when_no_pod_uses_them() {
    let cluster = Cluster::with_store("passwords", MINIMAL).await;
    cluster.serve_all("corner").await;
    cluster.settle().await;
    let secret = async || {
        let secret = cluster.secrets().get("corner-mariadb").await;
        secret.expect("there is one")
    };
    let first = secret().await;
    let hashes = async || {
        [
            hash(&cluster, "corner-users").await,
            hash(&cluster, "corner-orders").await,
            hash(&cluster, "corner-payment").await,
        ]
    };
    let (before, gateway) = (hashes().await, hash(&cluster, "corner-gateway").await);
    let orders = cluster
        .get(Kind::Deployment, "corner-orders")
        .await
        .expect("it runs");
    let url_key = |object: &DynamicObject| {
        let env = object.data.pointer("/spec/template/spec/containers/0/env");
        let mut env = env.and_then(Value::as_array).expect("variables").iter();
        let url = env.find(|variable| variable["name"] == "MARIADB_URL");
        url.expect("the URL")["valueFrom"]["secretKeyRef"]["key"].clone()
    };
    let migration = cluster.only_migration("corner-orders").await;
    assert_eq!(
        (url_key(&migration), url_key(&orders)),
        (json!("orders-schema"), json!("orders")),
        "who serves can't read the password that changes tables"
    );

    let raised = |to: i32| json!({"spec": {"mariadb": {"inCluster": {"credentials": to}}}});
    cluster.change("corner", raised(2)).await;
    cluster
        .until_event("CredentialsChanging", "Pods are replaced")
        .await;
    cluster.settle().await;
    let both = secret().await;
    assert!(data(&both, "orders").contains("orders_2_data"));
    let accounts = data(&both, "accounts.json");
    assert!(
        accounts.contains("orders_1_data") && accounts.contains("orders_2_data"),
        "the old password holds while old pods serve"
    );
    for (before, after) in before.iter().zip(hashes().await) {
        assert_ne!(*before, after, "its pods are replaced");
    }
    assert_eq!(hash(&cluster, "corner-gateway").await, gateway);
    assert_ne!(
        cluster.only_migration("corner-orders").await.name_any(),
        migration.name_any(),
        "the new user's tables are looked at once"
    );
    let (_, _, message) = cluster
        .condition("corner", "MariaDBReady")
        .await
        .expect("a part");
    assert!(message.contains("orders_1_data"), "{message}");

    // Two of three are not enough.
    cluster.serve("corner-users").await;
    cluster.serve("corner-orders").await;
    cluster.settle().await;
    assert!(data(&secret().await, "accounts.json").contains("orders_1_data"));
    cluster.serve("corner-payment").await;
    cluster
        .until_event("CredentialsChanged", "orders_1_data")
        .await;
    cluster.settle().await;
    let last = secret().await;
    assert!(!data(&last, "accounts.json").contains("_1_"));
    assert_eq!(data(&last, "orders"), data(&both, "orders"));
    assert_ne!(data(&last, "orders"), data(&first, "orders"));

    let lowered = cluster
        .stores()
        .patch("corner", &PatchParams::default(), &Patch::Merge(&raised(1)))
        .await;
    let refusal = lowered.expect_err("not back").to_string();
    assert!(refusal.contains("can only be raised"), "{refusal}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_is_another_migration_and_the_one_before_goes() {
    let cluster = Cluster::with_store("migrated", MINIMAL).await;
    cluster.settle().await;
    let first = cluster.only_migration("corner-orders").await;
    let other = cluster.only_migration("corner-users").await;
    cluster
        .change("corner", json!({"spec": {"shop": {"currency": "USD"}}}))
        .await;
    cluster.settle().await;
    let same = cluster.only_migration("corner-orders").await;
    assert_eq!(same.uid(), first.uid(), "nothing of it changed");

    let version = json!({"spec": {"services": {"orders": {"version": "9.9.9"}}}});
    cluster.change("corner", version).await;
    cluster.settle().await;
    let second = cluster.only_migration("corner-orders").await;
    assert_ne!(second.name_any(), first.name_any());
    let image = second
        .data
        .pointer("/spec/template/spec/containers/0/image");
    assert_eq!(
        image,
        Some(&json!("registry.example/amazoff/orders:9.9.9")),
        "the new version's own program changes the tables"
    );
    let untouched = cluster.only_migration("corner-users").await;
    assert_eq!(untouched.uid(), other.uid());

    cluster.delete(Kind::Job, &second.name_any()).await;
    cluster.until_exists(Kind::Job, &second.name_any()).await;
}
