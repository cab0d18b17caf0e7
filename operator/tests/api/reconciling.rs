//! From a store to its objects, and back to rest.

use crate::cluster::{Cluster, EVERYTHING, MINIMAL, here};
use amazoff_operator::desired::Kind;
use amazoff_operator::desired::needs::SERVICES;
use amazoff_operator::difference::difference;
use amazoff_operator::render::render;
use kube::ResourceExt as _;
use kube::api::{Patch, PatchParams};
use serde::Deserialize;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_minimal_store_becomes_a_shop() {
    let cluster = Cluster::with_operator("minimal").await;
    cluster
        .put_secret("mongo", "uri", "mongodb://somewhere")
        .await;
    cluster.apply(MINIMAL).await.expect("the store is sound");
    for needs in &SERVICES {
        let name = format!("corner-{}", needs.name);
        cluster
            .until(Kind::Deployment, &name, "has its replicas", |o| {
                o.data["spec"]["replicas"] == 2
            })
            .await;
    }
    cluster.serve_all("corner").await;
    let message = cluster
        .until_condition("corner", "Ready", "True", "Serving")
        .await;
    assert_eq!(
        message,
        format!(
            "The shop serves at http://corner-gateway.{}.svc.",
            cluster.namespace
        )
    );
    let mut services: Vec<&str> = SERVICES.iter().map(|needs| needs.name).collect();
    services.sort_unstable();
    let each = |kind: &str, more: &[&str]| -> Vec<String> {
        let mut names = [&services[..], more].concat();
        names.sort_unstable();
        names
            .iter()
            .map(|name| format!("{kind} corner-{name}"))
            .collect()
    };
    let mut migrations = Vec::new();
    for service in ["orders", "payment", "users"] {
        let job = cluster.only_migration(&format!("corner-{service}")).await;
        migrations.push(format!("Job {}", job.name_any()));
    }
    let mut policies = each("NetworkPolicy", &["mariadb", "migration", "redis"]);
    policies.insert(0, "NetworkPolicy corner".to_owned());
    assert_eq!(
        cluster.owned().await,
        [
            policies,
            each("ServiceAccount", &["mariadb", "migration", "redis"]),
            vec![
                "ConfigMap corner-identity".to_owned(),
                "ConfigMap corner-redis".to_owned(),
            ],
            each(
                "Service",
                &["mariadb", "mariadb-members", "mariadb-ro", "redis"]
            ),
            vec!["StatefulSet corner-mariadb".to_owned()],
            migrations,
            each("Deployment", &["redis"]),
            each("HorizontalPodAutoscaler", &[]),
            each("PodDisruptionBudget", &["mariadb"]),
        ]
        .concat()
    );
    let status = cluster.status("corner").await.expect("it has a status");
    let lines: Vec<_> = status
        .services
        .iter()
        .map(|s| format!("{} {} {}", s.name, s.ready, s.image))
        .collect();
    let mut expected: Vec<_> = SERVICES
        .iter()
        .map(|needs| {
            let name = needs.name;
            format!("{name} 2/2 registry.example/amazoff/{name}:1.2.3")
        })
        .collect();
    expected.push("redis 1/1 registry.example/redis:7".to_owned());
    assert_eq!(lines, expected);
    assert_eq!(status.observed_generation, Some(1));
    cluster
        .until_event("Created", "NetworkPolicy corner-catalog")
        .await;
    cluster.until_event("Ready", "The shop serves").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_rendered_is_what_is_applied() {
    let cluster = Cluster::with_operator("rendered").await;
    cluster.put_secret("special", "word", "x").await;
    let store = cluster
        .apply(&here(EVERYTHING))
        .await
        .expect("the store is sound");
    cluster.until_exists(Kind::Ingress, "corner-gateway").await;
    cluster.settle().await;

    let rendered = render(
        &serde_yaml_ng::to_string(&store).expect("a store is YAML"),
        &crate::cluster::defaults(),
    )
    .expect("the store is sound");
    let mut compared = 0;
    for document in serde_yaml_ng::Deserializer::from_str(&rendered) {
        let mut object = Value::deserialize(document).expect("what is rendered is YAML");
        let kind = object["kind"]
            .as_str()
            .expect("an object has a kind")
            .to_owned();
        let name = object["metadata"]["name"]
            .as_str()
            .expect("an object has a name")
            .to_owned();
        let Some(kind) = Kind::ALL
            .into_iter()
            .find(|known| known.to_string() == kind && !known.is_optional())
        else {
            continue;
        };
        // Only a cluster knows what the Secrets hold: the public keys in them, and the digest of what uses them, which names migrations too.
        let live = match name.split_once("-migrate-") {
            Some((service, _)) => Some(cluster.only_migration(service).await),
            None => cluster.get(kind, &name).await,
        };
        let live = serde_json::to_value(live).expect("an object is JSON");
        if kind == Kind::Job {
            object["metadata"]["name"] = live["metadata"]["name"].clone();
        }
        if name == "corner-identity" {
            object["data"] = live["data"].clone();
            object["metadata"]["annotations"] = live["metadata"]["annotations"].clone();
        }
        if let Some(annotations) = object.pointer_mut("/spec/template/metadata/annotations") {
            annotations
                .as_object_mut()
                .expect("annotations")
                .remove("amazoff.io/config-hash");
            object["metadata"]
                .as_object_mut()
                .expect("metadata")
                .remove("annotations");
        }
        assert_eq!(difference(&object, &live), None, "{kind} {name}");
        compared += 1;
    }
    assert!(compared > 15, "only {compared} objects");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reconcile_without_a_change_writes_nothing() {
    let cluster = Cluster::with_operator("noop").await;
    for (name, key) in [("mongo", "connection"), ("special", "word")] {
        cluster.put_secret(name, key, "x").await;
    }
    cluster
        .apply(&here(EVERYTHING))
        .await
        .expect("the store is sound");
    cluster.until_exists(Kind::Ingress, "corner-gateway").await;
    cluster.serve_all("corner").await;
    cluster
        .until_condition("corner", "Ready", "True", "Serving")
        .await;
    cluster.settle().await;

    let writes = cluster.telemetry.writes();
    for _ in 0..3 {
        cluster.look_again("corner").await;
    }
    assert_eq!(
        cluster.telemetry.writes(),
        writes,
        "a reconcile wrote although nothing had changed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_operator_writes_nothing_to_what_an_old_one_made() {
    let mut cluster = Cluster::with_store("restart", MINIMAL).await;

    cluster.telemetry = amazoff_operator::telemetry::Telemetry::default();
    cluster.start().await;
    while cluster.telemetry.reconciles() == 0 {
        crate::cluster::pause().await;
    }
    cluster.settle().await;
    assert_eq!(cluster.telemetry.writes(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_longer_wanted_is_pruned() {
    let cluster = Cluster::with_operator("prune").await;
    cluster.apply(MINIMAL).await.expect("the store is sound");
    cluster.until_exists(Kind::Deployment, "corner-redis").await;
    cluster
        .until_exists(Kind::NetworkPolicy, "corner-redis")
        .await;
    let somebody_elses = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "corner-notes"}, "data": {"a": "b"},
    });
    cluster
        .api(Kind::ConfigMap)
        .patch(
            "corner-notes",
            &PatchParams::apply("somebody"),
            &Patch::Apply(&somebody_elses),
        )
        .await
        .expect("the config map can be written");

    cluster
        .change("corner", json!({"spec": {"redis": {"enabled": false}}}))
        .await;
    for kind in [
        Kind::Deployment,
        Kind::Service,
        Kind::ConfigMap,
        Kind::ServiceAccount,
        Kind::NetworkPolicy,
    ] {
        cluster.until_gone(kind, "corner-redis").await;
    }
    cluster
        .until_event("Pruned", "Deployment corner-redis")
        .await;
    let gateway = cluster
        .get(Kind::Deployment, "corner-gateway")
        .await
        .expect("the gateway stays");
    let env = gateway
        .data
        .pointer("/spec/template/spec/containers/0/env")
        .and_then(Value::as_array)
        .expect("env");
    assert!(env.iter().all(|variable| variable["name"] != "REDIS_URL"));
    assert!(
        cluster.get(Kind::ConfigMap, "corner-notes").await.is_some(),
        "somebody else's is left alone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_that_is_no_longer_wanted_goes() {
    let cluster = Cluster::with_operator("field").await;
    let catalog = json!({
        "podAnnotations": {"example.com/mesh": "on"},
        "scheduling": {"nodeSelector": {"disk": "fast"}},
        "resources": {"limits": {"cpu": "2"}},
    });
    cluster.apply(MINIMAL).await.expect("the store is sound");
    cluster
        .change(
            "corner",
            json!({"spec": {"services": {"catalog": catalog}}}),
        )
        .await;
    let field = |object: &kube::api::DynamicObject, path: &str| {
        object
            .data
            .pointer(&format!("/spec/template/{path}"))
            .cloned()
    };
    let paths = [
        "metadata/annotations/example.com~1mesh",
        "spec/nodeSelector/disk",
        "spec/containers/0/resources/limits/cpu",
    ];
    let has_all =
        |object: &kube::api::DynamicObject| paths.iter().all(|path| field(object, path).is_some());
    cluster
        .until(Kind::Deployment, "corner-catalog", "has all three", has_all)
        .await;
    cluster
        .change("corner", json!({"spec": {"services": {"catalog": null}}}))
        .await;
    let has_none =
        |object: &kube::api::DynamicObject| paths.iter().all(|path| field(object, path).is_none());
    cluster
        .until(
            Kind::Deployment,
            "corner-catalog",
            "has none of them",
            has_none,
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_store_is_left_alone_until_it_goes_on() {
    let cluster = Cluster::with_store("pause", MINIMAL).await;
    cluster
        .change("corner", json!({"spec": {"paused": true}}))
        .await;
    cluster
        .until_condition("corner", "Progressing", "False", "Paused")
        .await;

    let by_hand = json!({"spec": {"template": {"spec": {"terminationGracePeriodSeconds": 5}}}});
    cluster
        .edit(Kind::Deployment, "corner-catalog", by_hand)
        .await;
    cluster.look_again("corner").await;
    let grace = |object: &kube::api::DynamicObject| {
        object
            .data
            .pointer("/spec/template/spec/terminationGracePeriodSeconds")
            .and_then(Value::as_i64)
    };
    let kept = cluster
        .get(Kind::Deployment, "corner-catalog")
        .await
        .expect("the catalog stays");
    assert_eq!(grace(&kept), Some(5));

    cluster
        .change("corner", json!({"spec": {"paused": false}}))
        .await;
    cluster
        .until(
            Kind::Deployment,
            "corner-catalog",
            "is put back",
            |object| grace(object) == Some(30),
        )
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_store_is_not_made_again() {
    let cluster = Cluster::with_operator("delete").await;
    let store = cluster.apply(MINIMAL).await.expect("the store is sound");
    cluster.until_made("corner").await;
    // What the garbage collector goes by.
    for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_optional()) {
        for object in cluster
            .api(kind)
            .list(&kube::api::ListParams::default().labels("app.kubernetes.io/managed-by"))
            .await
            .expect("a list")
        {
            let owner = &object
                .metadata
                .owner_references
                .as_ref()
                .expect("every object has an owner")[0];
            assert_eq!(Some(&owner.uid), store.metadata.uid.as_ref());
        }
    }
    cluster
        .stores()
        .delete("corner", &kube::api::DeleteParams::default())
        .await
        .expect("a store can be deleted");
    assert!(
        cluster
            .stores()
            .get_opt("corner")
            .await
            .expect("an answer")
            .is_none(),
        "nothing holds it up"
    );

    let writes = cluster.telemetry.writes();
    let service = cluster.api(Kind::Service);
    service
        .delete("corner-catalog", &kube::api::DeleteParams::default())
        .await
        .expect("a service can be deleted");
    cluster.settle().await;
    assert!(cluster.get(Kind::Service, "corner-catalog").await.is_none());
    assert_eq!(cluster.telemetry.writes(), writes);
}
