//! Any object that the operator applies, as the JSON that is sent.

use crate::secrets::hex;
use kube::api::{ApiResource, GroupVersionKind};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::{self, Display};

/// The kinds that the operator applies, in the order in which they are applied: what a pod needs comes before the pod,
/// what sends traffic comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Comes first, so that no pod ever runs without it.
    NetworkPolicy,
    /// The identity of a service's pods.
    ServiceAccount,
    /// Files that pods mount.
    ConfigMap,
    /// Before its pods: the scheduler spreads by it, and names resolve from the start.
    Service,
    /// Runs pods with volumes of their own.
    StatefulSet,
    /// Changes tables before the pods that need it can serve.
    Job,
    /// Runs the pods.
    Deployment,
    /// Needs the Deployment that it scales.
    HorizontalPodAutoscaler,
    /// Needs the pods that it protects.
    PodDisruptionBudget,
    /// Brings shoppers in.
    Ingress,
    /// Brings shoppers in, where the Gateway API is installed.
    HttpRoute,
    /// Has metrics read, where the Prometheus operator is installed.
    PodMonitor,
}

impl Kind {
    /// Every kind, in order.
    pub const ALL: [Self; 12] = [
        Self::NetworkPolicy,
        Self::ServiceAccount,
        Self::ConfigMap,
        Self::Service,
        Self::StatefulSet,
        Self::Job,
        Self::Deployment,
        Self::HorizontalPodAutoscaler,
        Self::PodDisruptionBudget,
        Self::Ingress,
        Self::HttpRoute,
        Self::PodMonitor,
    ];

    /// Group, version, kind and plural.
    pub fn resource(self) -> ApiResource {
        let (group, version, kind, plural) = match self {
            Self::NetworkPolicy => (
                "networking.k8s.io",
                "v1",
                "NetworkPolicy",
                "networkpolicies",
            ),
            Self::ServiceAccount => ("", "v1", "ServiceAccount", "serviceaccounts"),
            Self::ConfigMap => ("", "v1", "ConfigMap", "configmaps"),
            Self::Service => ("", "v1", "Service", "services"),
            Self::StatefulSet => ("apps", "v1", "StatefulSet", "statefulsets"),
            Self::Job => ("batch", "v1", "Job", "jobs"),
            Self::Deployment => ("apps", "v1", "Deployment", "deployments"),
            Self::HorizontalPodAutoscaler => (
                "autoscaling",
                "v2",
                "HorizontalPodAutoscaler",
                "horizontalpodautoscalers",
            ),
            Self::PodDisruptionBudget => (
                "policy",
                "v1",
                "PodDisruptionBudget",
                "poddisruptionbudgets",
            ),
            Self::Ingress => ("networking.k8s.io", "v1", "Ingress", "ingresses"),
            Self::HttpRoute => ("gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes"),
            Self::PodMonitor => ("monitoring.coreos.com", "v1", "PodMonitor", "podmonitors"),
        };
        ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
    }

    /// Whether a cluster may well not know this kind.
    pub fn is_optional(self) -> bool {
        matches!(self, Self::HttpRoute | Self::PodMonitor)
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.resource().kind)
    }
}

/// What names an object within the store's namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// Its kind.
    pub kind: Kind,
    /// Its name.
    pub name: String,
}

impl Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// Holds a digest of the object as it was last applied. So an object shows, also to an operator that has just started, whether
/// it is what somebody else made of it or what the store used to want; and a field that the store no longer wants makes a
/// difference, although everything that it does want is there.
pub const APPLIED: &str = "amazoff.io/applied";

/// An object as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// What names it.
    pub key: Key,
    /// All of it, as it is sent.
    pub value: Value,
    /// For a Deployment whose replicas an autoscaler decides: between how many and how many.
    pub autoscaled: Option<(i32, i32)>,
}

impl Object {
    /// Writes the digest of the object into it.
    pub(super) fn sign(&mut self) {
        let digest = hex(&Sha256::digest(self.value.to_string())[..8]);
        let annotations = &mut self.value["metadata"]["annotations"];
        annotations[APPLIED] = Value::String(digest);
    }

    /// From one of the API's own types, or one written by hand.
    pub(super) fn new(kind: Kind, name: &str, object: &impl Serialize) -> Self {
        let value = serde_json::to_value(object)
            .expect("the types of the Kubernetes API always become JSON");
        Self {
            key: Key {
                kind,
                name: name.to_owned(),
            },
            value,
            autoscaled: None,
        }
    }
}
