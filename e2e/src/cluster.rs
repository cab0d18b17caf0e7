//! The shop by Kubernetes, as a platform engineer sees it.

use std::time::Duration;

use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DeleteParams, DynamicObject, ListParams, Patch, PatchParams},
    core::GroupVersionKind,
};
use serde_json::{Value, json};

use crate::{Failure, within};

/// The store's objects on the cluster of the current kubeconfig.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    namespace: String,
    store: String,
}

impl Cluster {
    /// The store that `E2E_STORE` names as `namespace/name`.
    pub async fn from_env() -> Result<Self, Failure> {
        let name = std::env::var("E2E_STORE")
            .map_err(|_unset| "E2E_STORE is not set; `make e2e` sets it")?;
        let (namespace, store) = name.split_once('/').ok_or("E2E_STORE is namespace/name")?;
        Ok(Self {
            client: Client::try_default().await?,
            namespace: namespace.to_owned(),
            store: store.to_owned(),
        })
    }

    /// The name of one of the store's Deployments.
    pub fn deployment_name(&self, service: &str) -> String {
        format!("{}-{service}", self.store)
    }

    /// The store's Deployments.
    pub fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    /// The pods of a service.
    pub async fn pods(&self, service: &str) -> Result<Vec<Pod>, Failure> {
        let selector = format!(
            "app.kubernetes.io/instance={},app.kubernetes.io/component={service}",
            self.store
        );
        Ok(self
            .pod_api()
            .list(&ListParams::default().labels(&selector))
            .await?
            .items)
    }

    /// Deletes every pod of a service at once, without a grace period, as a crash would; returns their names.
    pub async fn kill(&self, service: &str) -> Result<Vec<String>, Failure> {
        let mut killed = Vec::new();
        for pod in self.pods(service).await? {
            let at_once = DeleteParams::default().grace_period(0);
            self.pod_api().delete(&pod.name_any(), &at_once).await?;
            killed.push(pod.name_any());
        }
        Ok(killed)
    }

    /// Whether a pod that is not among `killed` is ready.
    pub async fn is_replaced(&self, service: &str, killed: &[String]) -> bool {
        let pods = self.pods(service).await.unwrap_or_default();
        pods.iter().any(|pod| {
            let conditions = pod.status.as_ref().and_then(|s| s.conditions.as_ref());
            let ready = conditions
                .into_iter()
                .flatten()
                .any(|c| c.type_ == "Ready" && c.status == "True");
            ready && !killed.contains(&pod.name_any())
        })
    }

    /// Changes a Deployment by a merge patch, as a person at `kubectl edit` would.
    pub async fn edit(&self, service: &str, change: &Value) -> Result<(), Failure> {
        let name = self.deployment_name(service);
        self.deployments()
            .patch(&name, &PatchParams::default(), &Patch::Merge(change))
            .await?;
        Ok(())
    }

    /// Restarts a service one pod after the other and waits until it is whole again.
    pub async fn rolling_restart(&self, service: &str, mark: &str) -> Result<Duration, Failure> {
        self.edit(service, &json!({"spec": {"template": {"metadata": {"annotations": {"e2e.amazoff.io/restarted": mark}}}}})).await?;
        within(
            Duration::from_mins(2),
            &format!("{service} rolled out"),
            || async { self.is_rolled_out(service).await },
        )
        .await
    }

    /// Whether all pods of a service are of the current template and available.
    pub async fn is_rolled_out(&self, service: &str) -> bool {
        let Ok(deployment) = self.deployments().get(&self.deployment_name(service)).await else {
            return false;
        };
        let wanted = deployment
            .spec
            .as_ref()
            .and_then(|spec| spec.replicas)
            .unwrap_or(1);
        let Some(status) = &deployment.status else {
            return false;
        };
        status.observed_generation >= deployment.metadata.generation
            && status.updated_replicas == Some(wanted)
            && status.available_replicas == Some(wanted)
            && status.replicas == Some(wanted)
    }

    /// The `AmazoffStore` as it is.
    pub async fn store(&self) -> Result<DynamicObject, Failure> {
        let kind = ApiResource::from_gvk_with_plural(
            &GroupVersionKind::gvk("amazoff.io", "v1alpha1", "AmazoffStore"),
            "amazoffstores",
        );
        Ok(
            Api::namespaced_with(self.client.clone(), &self.namespace, &kind)
                .get(&self.store)
                .await?,
        )
    }

    /// The status of one of the store's conditions: `True`, `False` or `Unknown`.
    pub async fn condition(&self, kind: &str) -> Result<String, Failure> {
        let store = self.store().await?;
        let conditions = store.data["status"]["conditions"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let found = conditions
            .iter()
            .find(|condition| condition["type"] == kind);
        Ok(found
            .and_then(|condition| condition["status"].as_str())
            .unwrap_or("absent")
            .to_owned())
    }

    fn pod_api(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}
