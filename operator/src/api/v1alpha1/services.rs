//! `spec.services`: how each service runs.

use k8s_openapi::api::core::v1::{EnvVar, Toleration, TopologySpreadConstraint};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How each service runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServicesSpec {
    /// Products, categories and search.
    #[serde(default)]
    pub catalog: ServiceSpec,
    /// The only way in: routing, authentication, rate limits and the response cache.
    #[serde(default)]
    pub gateway: ServiceSpec,
    /// The pages that shoppers see.
    #[serde(default)]
    pub storefront: ServiceSpec,
    /// Accounts: registration, login, roles.
    #[serde(default)]
    pub users: ServiceSpec,
    /// What shoppers are about to buy.
    #[serde(default)]
    pub cart: ServiceSpec,
    /// Stock and orders.
    #[serde(default)]
    pub orders: ServiceSpec,
    /// Payments and refunds.
    #[serde(default)]
    pub payment: ServiceSpec,
    /// Mails to shoppers.
    #[serde(default)]
    pub notifications: ServiceSpec,
}

/// How one service runs.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.replicas) && has(self.autoscaling))")
    .message("Set replicas or autoscaling, not both: with autoscaling, the HorizontalPodAutoscaler decides how many replicas run."))]
#[x_kube(validation = Rule::new("!(has(self.image) && has(self.version))")
    .message("Set version or image, not both: an image already names its version."))]
pub struct ServiceSpec {
    /// A fixed number of replicas, in place of autoscaling; 0 stops the service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 500))]
    pub replicas: Option<i32>,

    /// Lets a HorizontalPodAutoscaler decide how many replicas run. Unless replicas is set, this is on, with 2 to 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub autoscaling: Option<AutoscalingSpec>,

    /// CPU and memory of each replica. Each value set here replaces the default of the same name.
    #[serde(default)]
    pub resources: ResourcesSpec,

    /// A release of its own for this service, instead of spec.version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$')")
        .message("A version is an image tag: letters, digits, dots, hyphens and underscores, such as 0.1.0."))]
    pub version: Option<String>,

    /// A complete image reference for this service, with a tag or a digest, instead of the one made from spec.image and
    /// spec.version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$') && self.matches('(:[A-Za-z0-9_.-]+|@sha256:[a-f0-9]{64})$')")
        .message("An image needs a tag or a digest, such as registry.example.com/shop/catalog:0.1.0 or registry.example.com/shop/catalog@sha256:…"))]
    pub image: Option<String>,

    /// More environment variables. One with the name of a variable that the operator sets replaces it. Pods are replaced
    /// when a Secret that is referred to here changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    #[x_kube(validation = Rule::new("self.all(v, !(v.name in ['API_ADDR', 'ADMIN_ADDR', 'JWKS_FILE', 'SIGNING_KEY_FILE', 'TOKEN_KEY_FILE', 'MASTER_KEY_FILE', 'SHUTDOWN_DRAIN_MS', 'SHUTDOWN_GRACE_MS']))")
        .message("API_ADDR, ADMIN_ADDR, JWKS_FILE, the other key files, SHUTDOWN_DRAIN_MS and SHUTDOWN_GRACE_MS belong to the operator: ports, probes and draining depend on them.")
        .reason(Reason::FieldValueForbidden))]
    pub env: Vec<EnvVar>,

    /// Where the replicas may run.
    #[serde(default)]
    pub scheduling: SchedulingSpec,

    /// More annotations for the pods, for service meshes and the like.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pod_annotations: BTreeMap<String, String>,
}

/// Between how many and how many replicas, and at what load.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("self.min <= self.max")
    .message("autoscaling.min may not be greater than autoscaling.max."))]
pub struct AutoscalingSpec {
    /// The fewest replicas.
    #[serde(default = "two")]
    #[schemars(range(min = 1, max = 500))]
    pub min: i32,
    /// The most replicas.
    #[serde(default = "ten")]
    #[schemars(range(min = 1, max = 500))]
    pub max: i32,
    /// The CPU use to aim at, in percent of the CPU request, averaged over the replicas.
    #[serde(default = "seventy")]
    #[schemars(range(min = 1, max = 1000))]
    pub target_cpu: i32,
}

impl Default for AutoscalingSpec {
    fn default() -> Self {
        Self {
            min: two(),
            max: ten(),
            target_cpu: seventy(),
        }
    }
}

fn two() -> i32 {
    2
}

fn ten() -> i32 {
    10
}

fn seventy() -> i32 {
    70
}

/// CPU and memory of each replica.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourcesSpec {
    /// What the scheduler sets aside for a replica, for example cpu: 100m and memory: 64Mi.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "quantities")]
    pub requests: BTreeMap<String, Quantity>,
    /// What a replica may not exceed. By default memory is limited and CPU is not, so that no request waits while the
    /// node has CPU to spare.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "quantities")]
    pub limits: BTreeMap<String, Quantity>,
}

fn quantities(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": quantity_schema(),
    })
}

pub(super) fn quantity(_: &mut SchemaGenerator) -> Schema {
    quantity_schema()
}

/// As the API server itself describes a quantity in its own types' schemas.
fn quantity_schema() -> Schema {
    json_schema!({
        "anyOf": [{"type": "integer"}, {"type": "string"}],
        "pattern": r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
        "x-kubernetes-int-or-string": true,
    })
}

/// Where replicas may run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SchedulingSpec {
    /// Labels that a node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that are tolerated.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// Affinity, as in a pod's spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "any_object")]
    pub affinity: Option<serde_json::Value>,
    /// How replicas spread, instead of the default: over zones and over nodes, as evenly as there is room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,
    /// The priority class of the pods.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
}

/// Affinity written out would be half of the whole definition, three times over; the API server checks it in the Deployment.
fn any_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "x-kubernetes-preserve-unknown-fields": true,
    })
}
