//! `status`: what the operator found and did.

use crate::databases::mariadb::record::Record;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::KubeSchema;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// What the operator found and did.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AmazoffStoreStatus {
    /// The generation of the resource that this status is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Where the shop is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The release of the shop's services that was last asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Ready says whether the shop serves; Progressing, Degraded, Reconciling and Stalled how it is getting on; one condition
    /// for each part says where to look.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Vec<Condition>,
    /// The MariaDB beside the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mariadb: Option<MariadbStatus>,
    /// One line for each service.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["name".into()]))]
    pub services: Vec<ServiceStatus>,
}

/// The MariaDB beside the shop: what was decided about it, and how its members are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MariadbStatus {
    /// What was decided, written before anything is done about it. Not to be changed by hand.
    #[schemars(schema_with = "anything")]
    pub record: Record,
    /// One line for each member.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub members: Vec<MemberStatus>,
}

/// An object of which the API server knows no more.
fn anything(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
}

/// One member of a set of database servers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MemberStatus {
    /// The ordinal of its pod.
    pub member: i64,
    /// primary or replica.
    pub role: String,
    /// How it is.
    pub state: String,
    /// Whether what it has counts as kept: a write is acknowledged once such a member has it.
    pub acknowledges: bool,
}

/// One service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// How many replicas serve, of how many wanted.
    pub ready: String,
    /// The image that its newest replicas run.
    pub image: String,
}
