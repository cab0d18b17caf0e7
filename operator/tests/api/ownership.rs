//! What is the operator's is put back; what is not is left alone; one broken store never stops another.

use crate::cluster::{Cluster, MINIMAL, pause};
use amazoff_operator::desired::Kind;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

#[tokio::test(flavor = "multi_thread")]
async fn an_edited_deployment_is_put_back_within_two_seconds() {
    let cluster = Cluster::with_store("edited", MINIMAL).await;
    let image = |object: &kube::api::DynamicObject| {
        object
            .data
            .pointer("/spec/template/spec/containers/0/image")
            .and_then(Value::as_str)
            .map(ToOwned::to_owned)
    };
    let merge = json!({"spec": {"template": {"spec": {"containers": [{"name": "catalog", "image": "evil:1"}]}}}});
    let edited = Instant::now();
    cluster
        .edit(Kind::Deployment, "corner-catalog", merge)
        .await;
    let wanted = "registry.example/amazoff/catalog:1.2.3";
    cluster
        .until(Kind::Deployment, "corner-catalog", "has its image", |o| {
            image(o).as_deref() == Some(wanted)
        })
        .await;
    assert!(
        edited.elapsed() < Duration::from_secs(2),
        "it took {:?}",
        edited.elapsed()
    );
    cluster
        .until_event(
            "PutBack",
            "spec.template.spec.containers.catalog.image of Deployment corner-catalog",
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_deleted_by_hand_comes_back() {
    let cluster = Cluster::with_store("deleted", MINIMAL).await;
    for kind in [
        Kind::Service,
        Kind::Deployment,
        Kind::NetworkPolicy,
        Kind::ServiceAccount,
    ] {
        let uid = |object: &kube::api::DynamicObject| object.metadata.uid.clone();
        let before = cluster
            .get(kind, "corner-catalog")
            .await
            .and_then(|object| uid(&object));
        cluster.delete(kind, "corner-catalog").await;
        cluster
            .until(kind, "corner-catalog", "comes back", |object| {
                uid(object) != before
            })
            .await;
    }
    cluster
        .until_event("PutBack", "somebody else had deleted it")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_widened_network_policy_is_narrowed_again() {
    let cluster = Cluster::with_store("widened", MINIMAL).await;
    let open = json!({"spec": {"ingress": [{}]}});
    cluster
        .edit(Kind::NetworkPolicy, "corner-catalog", open)
        .await;
    let rules = |object: &kube::api::DynamicObject| {
        object.data["spec"]["ingress"]
            .as_array()
            .map_or(0, Vec::len)
    };
    cluster
        .until(
            Kind::NetworkPolicy,
            "corner-catalog",
            "has two rules",
            |object| rules(object) == 2,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_add_is_left_alone() {
    let cluster = Cluster::with_store("added", MINIMAL).await;
    let added = json!({"metadata": {"annotations": {"example.com/note": "mine"}}, "spec": {"template": {"spec": {
        "hostAliases": [{"ip": "127.0.0.2", "hostnames": ["example.com"]}],
    }}}});
    cluster
        .edit(Kind::Deployment, "corner-catalog", added)
        .await;
    cluster.settle().await;
    cluster.look_again("corner").await;
    let object = cluster
        .get(Kind::Deployment, "corner-catalog")
        .await
        .expect("the catalog stays");
    assert_eq!(
        object.metadata.annotations.expect("annotations")["example.com/note"],
        "mine"
    );
    assert!(
        object
            .data
            .pointer("/spec/template/spec/hostAliases/0")
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_of_the_same_name_is_not_taken_over() {
    let cluster = Cluster::with_operator("foreign").await;
    let foreign = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "corner-catalog"},
        "spec": {"ports": [{"port": 1}], "selector": {"app": "mine"}},
    });
    cluster
        .api(Kind::Service)
        .patch(
            "corner-catalog",
            &PatchParams::apply("somebody"),
            &Patch::Apply(&foreign),
        )
        .await
        .expect("a service can be made");
    cluster
        .put_secret("mongo", "uri", "mongodb://somewhere")
        .await;
    cluster.apply(MINIMAL).await.expect("the store is sound");
    let message = cluster
        .until_condition("corner", "Stalled", "True", "ApplyFailed")
        .await;
    assert!(
        message.contains("Service corner-catalog")
            && message.contains("does not belong to this store"),
        "{message}"
    );
    cluster
        .until(
            Kind::Deployment,
            "corner-catalog",
            "exists all the same",
            |_| true,
        )
        .await;
    let service = cluster
        .get(Kind::Service, "corner-catalog")
        .await
        .expect("it stays");
    assert_eq!(service.data["spec"]["selector"], json!({"app": "mine"}));

    cluster.delete(Kind::Service, "corner-catalog").await;
    cluster
        .until_condition("corner", "Stalled", "False", "NotStalled")
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_store_does_not_stop_a_good_one() {
    let cluster = Cluster::with_operator("broken").await;
    let untyped = cluster.untyped_stores();
    // The schema lets it pass, the type does not.
    let broken = MINIMAL.replace("corner", "broken")
        + "  services: {catalog: {scheduling: {topologySpreadConstraints: [{maxSkew: 99999999999, topologyKey: a, whenUnsatisfiable: ScheduleAnyway}]}}}\n";
    let wrong = MINIMAL.replace("corner", "wrong")
        + "  services: {catalog: {scheduling: {affinity: {nodeAffinity: [1]}}}}\n";
    for store in [&broken, &wrong] {
        let value: Value = serde_yaml_ng::from_str(store).expect("the store is YAML");
        let name = value["metadata"]["name"]
            .as_str()
            .expect("a name")
            .to_owned();
        let somebody = PatchParams::apply("somebody");
        untyped
            .patch(&name, &somebody, &Patch::Apply(&value))
            .await
            .expect("the schema lets it pass");
    }
    cluster.apply(MINIMAL).await.expect("the store is sound");
    cluster.until_made("corner").await;

    let message = cluster
        .until_condition("wrong", "Stalled", "True", "Rejected")
        .await;
    assert!(
        message.contains("spec.services.catalog.scheduling.affinity"),
        "{message}"
    );
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let store = untyped.get("broken").await.expect("the store is there");
        let conditions = store.data["status"]["conditions"].clone();
        if conditions
            .as_array()
            .is_some_and(|all| all.iter().any(|c| c["reason"] == "Rejected"))
        {
            break;
        }
        assert!(Instant::now() < deadline, "never rejected: {conditions:#?}");
        pause().await;
    }
    cluster.until_event("Rejected", "affinity").await;
    assert!(
        cluster.get(Kind::Service, "wrong-catalog").await.is_none(),
        "nothing is made of it"
    );

    cluster
        .change(
            "wrong",
            json!({"spec": {"services": {"catalog": {"scheduling": {"affinity": null}}}}}),
        )
        .await;
    cluster.until_exists(Kind::Service, "wrong-catalog").await;
    cluster
        .until_condition("wrong", "Stalled", "False", "NotStalled")
        .await;
}
