//! What people do to a store and its objects, and what controllers and autoscalers would do if they ran.

use super::Cluster;
use amazoff_operator::api::v1alpha1::AmazoffStore;
use amazoff_operator::desired::Kind;
use amazoff_operator::desired::needs::SERVICES;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

impl Cluster {
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

    /// Changes an object as `kubectl edit` would.
    pub(crate) async fn edit(&self, kind: Kind, name: &str, patch: Value) {
        self.api(kind)
            .patch(name, &PatchParams::default(), &Patch::Strategic(&patch))
            .await
            .expect("an object can be edited");
    }

    pub(crate) async fn delete(&self, kind: Kind, name: &str) {
        self.api(kind)
            .delete(name, &DeleteParams::default())
            .await
            .expect("an object can be deleted");
    }

    /// What the controllers of Deployments and `StatefulSets` write once all pods of a store serve.
    pub(crate) async fn serve_all(&self, store: &str) {
        let database = format!("{store}-mariadb");
        self.until_exists(Kind::StatefulSet, &database).await;
        let status = json!({"status": {"replicas": 3, "readyReplicas": 3}});
        self.api(Kind::StatefulSet)
            .patch_status(&database, &PatchParams::default(), &Patch::Merge(&status))
            .await
            .expect("the status can be written");
        for needs in &SERVICES {
            self.serve(&format!("{store}-{}", needs.name)).await;
        }
        self.serve(&format!("{store}-redis")).await;
    }

    /// The same for one.
    pub(crate) async fn serve(&self, name: &str) {
        let deployment = self.until_exists(Kind::Deployment, name).await;
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
