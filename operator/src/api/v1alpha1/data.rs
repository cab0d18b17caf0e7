//! `spec.mongodb`, `spec.mariadb` and `spec.redis`: what the shop keeps its data in.

use super::services::{self, ResourcesSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A key of a Secret in the store's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretKey {
    /// The name of the Secret.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key in the Secret.
    #[serde(default = "uri")]
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

fn uri() -> String {
    "uri".to_owned()
}

/// Where the catalog is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MongodbSpec {
    /// A MongoDB, or something that speaks its protocol, that already runs somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalMongodb>,
}

/// A MongoDB that runs elsewhere.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalMongodb {
    /// The connection string, in a Secret. Pods are replaced when it changes.
    pub uri_secret: SecretKey,
    /// The port that the pods may reach it at. The network policy needs it; the connection string stays secret.
    #[serde(default = "mongodb_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
    /// Put before the name of each database, so that several shops can share a server.
    #[serde(default)]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("self == oldSelf")
        .message("databasePrefix cannot change: the shop would look at other, empty databases. Copy the data and make a new store."))]
    #[x_kube(validation = Rule::new("self.matches('^[a-zA-Z0-9_-]{0,32}$')")
        .message("databasePrefix may hold up to 32 letters, digits, hyphens and underscores."))]
    pub database_prefix: String,
}

fn mongodb_port() -> i32 {
    27017
}

/// Where accounts, orders and payments are stored. A MariaDB beside the shop unless one elsewhere is named.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.inCluster) && has(self.external))")
    .message("Set mariadb.inCluster or mariadb.external, not both."))]
pub struct MariadbSpec {
    /// A MariaDB beside the shop, run by the operator. The default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<InClusterMariadb>,
    /// A MariaDB that already runs somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalMariadb>,
}

/// A MariaDB beside the shop: a primary and replicas, of which any one may be lost. Their volumes stay when the store is deleted.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InClusterMariadb {
    /// How many members, 3 by default. With 3 or more, any one may be lost and nothing that was acknowledged is. A single one is not replicated.
    #[serde(default = "three")]
    #[schemars(range(min = 1, max = 5))]
    pub replicas: i32,
    /// Its image, MariaDB 10.11 or later. Left out, it is what the operator was told to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The size of each member's volume, 10Gi by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "services::quantity")]
    pub storage: Option<Quantity>,
    /// The storage class of the volumes. Left out, it is the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub storage_class_name: Option<String>,
    /// CPU and memory of its container. Half of the memory limit caches data.
    #[serde(default)]
    pub resources: ResourcesSpec,
    /// The generation of the services' passwords. Raise it, and each service gets a new user with a new password, its pods are replaced one by
    /// one, and then the old users are dropped. No request fails meanwhile.
    #[serde(default = "first")]
    #[schemars(range(min = 1, max = 1_000_000))]
    #[x_kube(validation = Rule::new("self >= oldSelf")
        .message("credentials can only be raised: passwords of the past do not come back."))]
    pub credentials: i32,
}

fn three() -> i32 {
    3
}

fn first() -> i32 {
    1
}

impl Default for InClusterMariadb {
    fn default() -> Self {
        Self {
            replicas: three(),
            image: None,
            storage: None,
            storage_class_name: None,
            resources: ResourcesSpec::default(),
            credentials: first(),
        }
    }
}

/// A MariaDB that runs elsewhere, with a database and a user for each service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalMariadb {
    /// The name of a Secret with the keys "users", "orders" and "payment": the connection string of each,
    /// mysql://user:password@host:3306/database. Pods are replaced when one changes. A key such as "users-schema" may hold another user's, who
    /// may change tables: then the first needs no more than SELECT, INSERT, UPDATE and DELETE.
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: String,
    /// The port that the pods may reach it at.
    #[serde(default = "mariadb_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
}

fn mariadb_port() -> i32 {
    3306
}

/// The cache that the gateway's replicas share.
#[derive(KubeSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("!(has(self.inCluster) && has(self.external))")
    .message("Set redis.inCluster or redis.external, not both."))]
#[x_kube(validation = Rule::new("self.enabled || !(has(self.inCluster) || has(self.external))")
    .message("redis.enabled is false, so redis.inCluster and redis.external have to go."))]
pub struct RedisSpec {
    /// Without Redis, each replica of the gateway limits rates and caches on its own.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// A Redis beside the shop, run by the operator. The default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_cluster: Option<InClusterRedis>,
    /// A Redis, or Valkey, that already runs somewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external: Option<ExternalRedis>,
}

impl Default for RedisSpec {
    fn default() -> Self {
        Self {
            enabled: true,
            in_cluster: None,
            external: None,
        }
    }
}

fn yes() -> bool {
    true
}

/// A Redis beside the shop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InClusterRedis {
    /// Its image, Redis 7 or Valkey 8 or later, with redis-server on the path. Left out, it is what the operator was told
    /// to use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 512))]
    pub image: Option<String>,
    /// The memory of its container. Three quarters of it hold data; what has not been used for longest goes first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "services::quantity")]
    pub memory: Option<Quantity>,
}

/// A Redis that runs elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ExternalRedis {
    /// Its address, redis:// or rediss:// with user and password, in a Secret. Pods are replaced when it changes.
    pub uri_secret: SecretKey,
    /// The port that the pods may reach it at.
    #[serde(default = "redis_port")]
    #[schemars(range(min = 1, max = 65535))]
    pub port: i32,
}

fn redis_port() -> i32 {
    6379
}
