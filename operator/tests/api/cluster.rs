//! A real API server, a namespace of one's own in it, and an operator that looks after that namespace. No controllers run
//! there, so what a Deployment's controller or an autoscaler would write is written here.

mod people;
mod waits;

pub(crate) use waits::pause;

use amazoff_operator::api::v1alpha1::{AmazoffStore, crd};
use amazoff_operator::controller::{Setup, run};
use amazoff_operator::desired::Kind;
use amazoff_operator::telemetry::{CountCalls, Telemetry};
use amazoff_operator::validate::Defaults;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, ApiResource, DynamicObject, Patch, PatchParams, PostParams};
use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::runtime::{conditions, wait::await_condition};
use kube::{Client, Config, ResourceExt};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;
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

pub(crate) const EVERYTHING: &str = include_str!("../render/everything/store.yaml");

/// A case's store, in the test's own namespace.
pub(crate) fn here(store: &str) -> String {
    store.replace(", namespace: shops", "")
}

pub(crate) fn defaults() -> Defaults {
    Defaults {
        image_repository: "registry.example/amazoff".to_owned(),
        version: "1.2.3".to_owned(),
        redis_image: "registry.example/redis:7".to_owned(),
        mariadb_image: "registry.example/mariadb:11.4".to_owned(),
        operator_image: "registry.example/amazoff/amazoff-operator:1.2.3".to_owned(),
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

    /// A namespace with an operator and a store that it has made all of; its `MongoDB` is there.
    pub(crate) async fn with_store(test: &str, store: &str) -> Self {
        let cluster = Self::with_operator(test).await;
        let uri = "mongodb://somewhere";
        cluster.put_secret("mongo", "uri", uri).await;
        let store = cluster.apply(store).await.expect("the store is sound");
        cluster.until_made(&store.name_any()).await;
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
            // Nothing runs on an API server alone.
            keeps_databases: false,
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

    /// The same, for stores that the type does not let pass.
    pub(crate) fn untyped_stores(&self) -> Api<DynamicObject> {
        let resource = ApiResource::erase::<AmazoffStore>(&());
        Api::namespaced_with(self.client.clone(), &self.namespace, &resource)
    }

    pub(crate) fn secrets(&self) -> Api<Secret> {
        Api::namespaced(self.client.clone(), &self.namespace)
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
