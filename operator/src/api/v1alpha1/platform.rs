//! `spec.image`, `spec.shop`, `spec.networkPolicy` and `spec.observability`.

use k8s_openapi::api::core::v1::LocalObjectReference;
use k8s_openapi::api::networking::v1::NetworkPolicyPeer;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where the images of the shop's services come from.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageSpec {
    /// What stands before the name of each service: a registry, a path, or both, such as registry.example.com/shop. Left
    /// out, it is what the operator was told to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9._-]*[a-z0-9])?(:[0-9]+)?(/[a-z0-9]([a-z0-9._-]*[a-z0-9])?)*$')")
        .message("image.repository is a registry, a path, or both, in lower case and without a tag, such as registry.example.com/shop."))]
    pub repository: Option<String>,
    /// When the kubelet looks for a newer image of the same name.
    #[serde(default)]
    pub pull_policy: PullPolicy,
    /// Secrets with the registry's credentials, in the store's namespace.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pull_secrets: Vec<LocalObjectReference>,
}

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    /// When the node does not have it.
    #[default]
    IfNotPresent,
    /// Each time a pod starts.
    Always,
    /// Never: it has to be there.
    Never,
}

/// What the shop is to its shoppers.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ShopSpec {
    /// The currency that prices are shown in.
    #[serde(default = "eur")]
    #[schemars(length(max = 3))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Z]{3}$')")
        .message("A currency is an ISO 4217 code of three capital letters, such as EUR."))]
    pub currency: String,
    /// The language of the pages for shoppers who ask for none that the shop speaks.
    #[serde(default)]
    pub default_language: Language,
}

impl Default for ShopSpec {
    fn default() -> Self {
        Self {
            currency: eur(),
            default_language: Language::default(),
        }
    }
}

fn eur() -> String {
    "EUR".to_owned()
}

/// A language that the shop speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    #[default]
    En,
    /// French.
    Fr,
}

/// Who may talk to whom. Every pod of the shop refuses whatever no rule allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicySpec {
    /// Whether the operator makes network policies at all.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Who may reach the gateway. Left out, everyone: narrow it to your entry point's pods where you can.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ingress_from: Vec<NetworkPolicyPeer>,
    /// Who may read metrics. Left out, every pod of the cluster.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics_from: Vec<NetworkPolicyPeer>,
}

impl Default for NetworkPolicySpec {
    fn default() -> Self {
        Self {
            enabled: true,
            ingress_from: Vec::new(),
            metrics_from: Vec::new(),
        }
    }
}

fn yes() -> bool {
    true
}

/// Logs, traces and metrics of the services.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ObservabilitySpec {
    /// Where traces go: an OpenTelemetry collector that takes OTLP over HTTP. Left out, nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("isURL(self) && url(self).getScheme() in ['http', 'https']")
        .message("otlpEndpoint is a URL such as http://collector.monitoring:4318."))]
    pub otlp_endpoint: Option<String>,
    /// How a line of the log looks.
    #[serde(default)]
    pub log_format: LogFormat,
    /// What is logged: a level, or directives such as info,catalog=debug.
    #[serde(default = "info")]
    #[schemars(length(min = 1, max = 256))]
    pub log_level: String,
    /// A PodMonitor for the Prometheus operator. Without it, the pods' prometheus.io annotations say where metrics are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_monitor: Option<PodMonitorSpec>,
}

impl Default for ObservabilitySpec {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            log_format: LogFormat::default(),
            log_level: info(),
            pod_monitor: None,
        }
    }
}

fn info() -> String {
    "info".to_owned()
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For machines.
    #[default]
    Json,
    /// For people.
    Pretty,
}

/// A PodMonitor for the Prometheus operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PodMonitorSpec {
    /// Labels that your Prometheus selects monitors by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// How often metrics are read, such as 30s. Left out, Prometheus decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    pub interval: Option<String>,
}
