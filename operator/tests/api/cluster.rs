//! A real API server, a namespace of one's own in it, and an operator that looks after that namespace. No controllers run
//! there, so what a Deployment's controller or an autoscaler would write is written here.

use amazoff_operator::api::v1alpha1::{AmazoffStore, crd};
use amazoff_operator::controller::{Setup, run};
use amazoff_operator::desired::Kind;
use amazoff_operator::telemetry::{CountCalls, Telemetry};
use amazoff_operator::validate::Defaults;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DynamicObject, ListParams, Patch, PatchParams, PostParams};
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, Config, ResourceExt};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use tokio::sync::watch;

#[expect(
    clippy::disallowed_methods,
    reason = "tests are where the clock enters"
)]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests are where randomness enters"
)]
fn random() -> [u8; 32] {
    rand::random()
}

pub(crate) const MINIMAL: &str = "
apiVersion: amazoff.io/v1alpha1
kind: AmazoffStore
metadata: {name: corner}
spec:
  mongodb: {external: {uriSecret: {name: mongo}}}
";

pub(crate) fn defaults() -> Defaults {
    Defaults {
        image_repository: "registry.example/amazoff".to_owned(),
        version: "1.2.3".to_owned(),
        redis_image: "registry.example/redis:7".to_owned(),
    }
}

/// The API server, started when it does not run yet. Every test is a process of its own, so one waits for the other.
fn kubeconfig() -> &'static str {
    static PATH: OnceLock<String> = OnceLock::new();
    PATH.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("the workspace's root");
        let script = root.join("dev/cluster/apiserver");
        let lock = std::env::temp_dir().join("amazoff-operator-tests.start");
        let output = Command::new("flock")
            // The servers that the script leaves running must not keep the lock.
            .arg("--close")
            .arg(&lock)
            .arg(&script)
            .arg("up")
            .env("APISERVER_NAME", "operator-tests")
            .env("APISERVER_PORTS", "27200")
            .output()
            .expect("flock and the script can be run");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix("KUBECONFIG="));
        line.expect("the script prints where its kubeconfig is")
            .to_owned()
    })
}

async fn client(telemetry: &Telemetry) -> Client {
    let kubeconfig = Kubeconfig::read_from(kubeconfig()).expect("the kubeconfig is there");
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("the kubeconfig is sound");
    ClientBuilder::try_from(config)
        .expect("the client can be made")
        .with_layer(&CountCalls(telemetry.clone()))
        .build()
}

/// A namespace, and in it perhaps an operator.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) namespace: String,
    pub(crate) telemetry: Telemetry,
    lead: watch::Sender<bool>,
    stop: Option<watch::Sender<bool>>,
}

impl Cluster {
    /// A namespace without an operator.
    pub(crate) async fn new(test: &str) -> Self {
        let filter = tracing_subscriber::EnvFilter::from_default_env();
        let log = tracing_subscriber::fmt()
            .with_test_writer()
            .with_env_filter(filter);
        // Another test of this process may have been first.
        let _ = log.try_init();
        let client = client(&Telemetry::default()).await;
        install(&client, &crd()).await;
        let unique = now().as_microsecond();
        let namespace = format!("{test}-{unique}");
        let object: Namespace =
            serde_json::from_value(json!({"metadata": {"name": namespace}})).expect("a namespace");
        Api::all(client.clone())
            .create(&PostParams::default(), &object)
            .await
            .expect("the namespace is new");
        Self {
            client,
            namespace,
            telemetry: Telemetry::default(),
            lead: watch::Sender::new(false),
            stop: None,
        }
    }

    /// A namespace with an operator that acts.
    pub(crate) async fn with_operator(test: &str) -> Self {
        let mut cluster = Self::new(test).await;
        cluster.start().await;
        cluster.lead();
        cluster
    }

    /// Starts an operator that follows.
    pub(crate) async fn start(&mut self) {
        let setup = Setup {
            client: client(&self.telemetry).await,
            namespace: Some(self.namespace.clone()),
            defaults: defaults(),
            telemetry: self.telemetry.clone(),
            identity: "operator-under-test".to_owned(),
            now,
            random,
        };
        let stop = watch::Sender::new(false);
        let mut stopped = stop.subscribe();
        let stopped = async move {
            let _ = stopped.wait_for(|stop| *stop).await;
        };
        tokio::spawn(run(setup, self.lead.subscribe(), stopped));
        self.stop = Some(stop);
    }

    pub(crate) fn lead(&self) {
        self.lead.send_replace(true);
    }

    pub(crate) fn api(&self, kind: Kind) -> Api<DynamicObject> {
        Api::namespaced_with(self.client.clone(), &self.namespace, &kind.resource())
    }

    pub(crate) fn stores(&self) -> Api<AmazoffStore> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// Applies a store as a person would.
    pub(crate) async fn apply(&self, yaml: &str) -> Result<AmazoffStore, kube::Error> {
        let store: Value = serde_yaml_ng::from_str(yaml).expect("the test's store is YAML");
        let name = store["metadata"]["name"]
            .as_str()
            .expect("the test's store has a name")
            .to_owned();
        let params = PatchParams::apply("somebody").force();
        self.stores()
            .patch(&name, &params, &Patch::Apply(&store))
            .await
    }

    /// Merges something into a store.
    pub(crate) async fn change(&self, name: &str, patch: Value) {
        self.stores()
            .patch(name, &PatchParams::default(), &Patch::Merge(&patch))
            .await
            .expect("the change is allowed");
    }

    /// Makes, or replaces, the value of a Secret that a person looks after.
    pub(crate) async fn put_secret(&self, name: &str, key: &str, value: &str) {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": {key: value},
        });
        self.secrets()
            .patch(
                name,
                &PatchParams::apply("somebody").force(),
                &Patch::Apply(&secret),
            )
            .await
            .expect("the secret can be written");
    }

    pub(crate) async fn get(&self, kind: Kind, name: &str) -> Option<DynamicObject> {
        self.api(kind)
            .get_opt(name)
            .await
            .expect("the API server answers")
    }

    /// The object, once there is one that is as it should be.
    pub(crate) async fn until(
        &self,
        kind: Kind,
        name: &str,
        what: &str,
        is: impl Fn(&DynamicObject) -> bool,
    ) -> DynamicObject {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let found = self.get(kind, name).await;
            match found {
                Some(object) if is(&object) => return object,
                found => assert!(
                    Instant::now() < deadline,
                    "{kind} {name} never: {what}; it is {found:#?}"
                ),
            }
            pause().await;
        }
    }

    pub(crate) async fn until_gone(&self, kind: Kind, name: &str) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.get(kind, name).await.is_some() {
            assert!(Instant::now() < deadline, "{kind} {name} never went");
            pause().await;
        }
    }

    /// Everything that carries the operator's labels, as `Kind name`.
    pub(crate) async fn owned(&self) -> Vec<String> {
        let mine = ListParams::default().labels("app.kubernetes.io/managed-by=amazoff-operator");
        let mut names = Vec::new();
        for kind in Kind::ALL.into_iter().filter(|kind| !kind.is_optional()) {
            let objects = self
                .api(kind)
                .list(&mine)
                .await
                .expect("the API server answers");
            names.extend(
                objects
                    .iter()
                    .map(|object| format!("{kind} {}", object.name_any())),
            );
        }
        names
    }

    /// A condition of a store as `(status, reason, message)`.
    pub(crate) async fn condition(
        &self,
        store: &str,
        type_: &str,
    ) -> Option<(String, String, String)> {
        let store = self.stores().get(store).await.expect("the store is there");
        let condition = store
            .status?
            .conditions
            .into_iter()
            .find(|condition| condition.type_ == type_)?;
        Some((condition.status, condition.reason, condition.message))
    }

    pub(crate) async fn until_condition(
        &self,
        store: &str,
        type_: &str,
        status: &str,
        reason: &str,
    ) -> String {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let found = self.condition(store, type_).await;
            match &found {
                Some((is, why, message)) if is == status && why == reason => {
                    return message.clone();
                }
                _ => assert!(
                    Instant::now() < deadline,
                    "{type_} never {status}/{reason}; it is {found:?}"
                ),
            }
            pause().await;
        }
    }

    pub(crate) async fn until_event(&self, reason: &str, contains: &str) {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let events = api
                .list(&ListParams::default())
                .await
                .expect("the API server answers");
            let told = |event: &Event| {
                event.reason.as_deref() == Some(reason)
                    && event
                        .note
                        .as_deref()
                        .is_some_and(|note| note.contains(contains))
            };
            if events.iter().any(told) {
                return;
            }
            let all: Vec<_> = events
                .iter()
                .map(|event| (event.reason.clone(), event.note.clone()))
                .collect();
            assert!(
                Instant::now() < deadline,
                "no event {reason} with {contains:?} in {all:?}"
            );
            pause().await;
        }
    }

    /// Has the operator look at a store, and returns once it has.
    pub(crate) async fn look_again(&self, store: &str) {
        let before = self.telemetry.reconciles();
        let nudge = json!({"metadata": {"annotations": {"nudge": now().to_string()}}});
        self.change(store, nudge).await;
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.telemetry.reconciles() == before {
            assert!(
                Instant::now() < deadline,
                "the operator never looked at {store} again"
            );
            pause().await;
        }
        self.settle().await;
    }

    /// Returns once the operator has had nothing to do for a moment.
    pub(crate) async fn settle(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        let mut seen = (self.telemetry.reconciles(), Instant::now());
        while seen.1.elapsed() < Duration::from_millis(700) {
            assert!(
                Instant::now() < deadline,
                "the operator never comes to rest"
            );
            pause().await;
            let now = self.telemetry.reconciles();
            if now != seen.0 {
                seen = (now, Instant::now());
            }
        }
    }

    /// What a Deployment's controller writes once all pods serve.
    pub(crate) async fn serve(&self, name: &str) {
        let deployment = self.until(Kind::Deployment, name, "exists", |_| true).await;
        let replicas = deployment.data["spec"]["replicas"].clone();
        self.deployment_status(name, json!({
            "observedGeneration": deployment.metadata.generation,
            "replicas": replicas, "updatedReplicas": replicas, "readyReplicas": replicas, "availableReplicas": replicas,
            "conditions": [{
                "type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "done",
            }],
        })).await;
    }

    pub(crate) async fn deployment_status(&self, name: &str, status: Value) {
        self.api(Kind::Deployment)
            .patch_status(
                name,
                &PatchParams::default(),
                &Patch::Merge(&json!({"status": status})),
            )
            .await
            .expect("the status can be written");
    }

    /// What an autoscaler does.
    pub(crate) async fn scale(&self, name: &str, replicas: i32) {
        let params = PatchParams {
            field_manager: Some("kube-controller-manager".to_owned()),
            ..PatchParams::default()
        };
        self.api(Kind::Deployment)
            .patch_scale(
                name,
                &params,
                &Patch::Merge(&json!({"spec": {"replicas": replicas}})),
            )
            .await
            .expect("the scale can be changed");
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(stop) = &self.stop {
            stop.send_replace(true);
        }
    }
}

/// Installs a definition and waits until it is served.
pub(crate) async fn install(client: &Client, definition: &CustomResourceDefinition) {
    let api: Api<CustomResourceDefinition> = Api::all(client.clone());
    let name = definition.name_any();
    api.patch(
        &name,
        &PatchParams::apply("tests").force(),
        &Patch::Apply(definition),
    )
    .await
    .expect("the API server accepts the definition");
    let served = await_condition(api, &name, conditions::is_crd_established());
    tokio::time::timeout(Duration::from_secs(20), served)
        .await
        .expect("the definition is served in time")
        .expect("the API server answers");
}

/// Between two looks at a condition.
pub(crate) async fn pause() {
    // Every loop around it has a deadline.
    tokio::time::sleep(Duration::from_millis(50)).await;
}
