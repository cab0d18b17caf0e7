//! A store whose every value is typed, defaulted and sound.

use crate::api::v1alpha1::{
    AutoscalingSpec, ExternalMariadb, ExternalMongodb, ExternalRedis, HttpRouteSpec, IngressSpec,
    IssuerRef, LogFormat, MailSpec, NetworkPolicySpec, PaymentSpec, PodMonitorSpec, PullPolicy,
    SecretKey, ServiceSpec, ShopSpec,
};
use crate::databases::mariadb::plan::Say;
use crate::databases::mariadb::record::Member;
use crate::desired::needs::Needs;
use k8s_openapi::api::core::v1::{
    Affinity, EnvVar, LocalObjectReference, Toleration, TopologySpreadConstraint,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// What the operator was told to use where a store says nothing.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// What stands before the name of each service's image.
    pub image_repository: String,
    /// The tag of the images.
    pub version: String,
    /// The image of the Redis beside a shop.
    pub redis_image: String,
    /// The image of the `MariaDB` beside a shop.
    pub mariadb_image: String,
    /// The operator's own image, which brings the agent to databases.
    pub operator_image: String,
}

/// A store that can be built.
#[derive(Clone, Debug)]
pub struct ValidStore {
    /// Its name.
    pub name: String,
    /// Its namespace.
    pub namespace: String,
    /// Its identity, which owner references carry.
    pub uid: String,
    /// The release of its services.
    pub version: String,
    /// Where shoppers find it.
    pub url: String,
    /// When images are pulled.
    pub pull_policy: PullPolicy,
    /// With what credentials.
    pub pull_secrets: Vec<LocalObjectReference>,
    /// What it is to its shoppers.
    pub shop: ShopSpec,
    /// Its entry point, if it has one.
    pub expose: Option<Expose>,
    /// Its services.
    pub services: Vec<ValidService>,
    /// Where the catalog is stored.
    pub mongodb: ExternalMongodb,
    /// Where accounts, orders and payments are stored.
    pub mariadb: Mariadb,
    /// How shoppers pay.
    pub payment: PaymentSpec,
    /// How the shop writes to people.
    pub mail: Option<MailSpec>,
    /// The public keys that tokens are verified with, as a JWKS.
    pub jwks: String,
    /// The shared cache.
    pub redis: Redis,
    /// Who may talk to whom.
    pub network: NetworkPolicySpec,
    /// Logs, traces and metrics.
    pub observability: Observability,
    /// What is not there yet although the store names it.
    pub missing: Vec<Missing>,
    /// Digests of the Secrets' values, by name and key.
    pub(super) digests: BTreeMap<(String, String), String>,
}

/// A Secret that a store names and the cluster does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    /// The part that needs it.
    pub part: &'static str,
    /// A sentence that says what to do.
    pub message: String,
}

/// One service.
#[derive(Clone, Debug)]
pub struct ValidService {
    /// What it needs.
    pub needs: &'static Needs,
    /// How many of it run.
    pub replicas: Replicas,
    /// The whole image reference.
    pub image: String,
    /// Its version, where it can be a label.
    pub version: Option<String>,
    /// What is set aside for each replica.
    pub requests: BTreeMap<String, Quantity>,
    /// What no replica may exceed.
    pub limits: BTreeMap<String, Quantity>,
    /// What the store adds to its environment.
    pub env: Vec<EnvVar>,
    /// Where it may run.
    pub scheduling: Scheduling,
    /// What the store adds to its pods' annotations.
    pub annotations: BTreeMap<String, String>,
}

/// How many replicas run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replicas {
    /// As many as the store says.
    Fixed(i32),
    /// As many as an autoscaler says.
    Automatic {
        /// At least.
        min: i32,
        /// At most.
        max: i32,
        /// The CPU use to aim at, in percent of the request.
        target_cpu: i32,
    },
}

impl Replicas {
    /// A number where the store says one, else an autoscaler's choice.
    pub(super) fn of(spec: &ServiceSpec) -> Self {
        if let Some(replicas) = spec.replicas {
            return Self::Fixed(replicas);
        }
        let AutoscalingSpec {
            min,
            max,
            target_cpu,
        } = spec.autoscaling.clone().unwrap_or_default();
        Self::Automatic {
            min,
            max,
            target_cpu,
        }
    }
}

/// Where replicas may run.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "the fields are those of a pod's spec")]
pub struct Scheduling {
    pub node_selector: BTreeMap<String, String>,
    pub tolerations: Vec<Toleration>,
    pub affinity: Option<Affinity>,
    pub topology_spread_constraints: Option<Vec<TopologySpreadConstraint>>,
    pub priority_class_name: Option<String>,
}

/// The entry point.
#[derive(Clone, Debug)]
pub struct Expose {
    /// The shop's DNS name, unless it answers under any.
    pub host: Option<String>,
    /// Where the certificate comes from, if the connection is encrypted.
    pub tls: Option<Tls>,
    /// What brings shoppers in.
    pub entry: Entry,
    /// Proxies whose word on a shopper's address is believed.
    pub trusted_proxies: Vec<String>,
}

/// Where the certificate comes from.
#[derive(Clone, Debug)]
pub enum Tls {
    /// A Secret that someone looks after.
    Secret(String),
    /// cert-manager.
    Issuer(IssuerRef),
    /// It is none of the shop's business.
    External,
}

/// What brings shoppers in.
#[derive(Clone, Debug)]
pub enum Entry {
    /// An Ingress.
    Ingress(IngressSpec),
    /// An `HTTPRoute`.
    HttpRoute(HttpRouteSpec),
}

/// Where accounts, orders and payments are stored.
#[derive(Clone, Debug)]
pub enum Mariadb {
    /// Beside the shop.
    InCluster(InClusterMariadb),
    /// Elsewhere.
    External(ExternalMariadb),
}

/// A `MariaDB` beside the shop.
#[derive(Clone, Debug)]
pub struct InClusterMariadb {
    /// How many members.
    pub replicas: i32,
    /// The ordinal of the primary.
    pub primary: Member,
    /// How it stands, once somebody has looked.
    pub say: Option<Say>,
    /// Its image.
    pub image: String,
    /// The image that brings the agent.
    pub agent_image: String,
    /// The size of its volume.
    pub storage: Quantity,
    /// The storage class of its volume.
    pub storage_class: Option<String>,
    /// What is set aside for it.
    pub requests: BTreeMap<String, Quantity>,
    /// What it may not exceed.
    pub limits: BTreeMap<String, Quantity>,
    /// Its memory limit in bytes.
    pub memory_bytes: i64,
    /// Which generation of passwords is wanted.
    pub credentials: i32,
    /// Users of others, which go once nobody uses them.
    pub retiring: Vec<String>,
}

/// The shared cache.
#[derive(Clone, Debug)]
pub enum Redis {
    /// Beside the shop.
    InCluster(InClusterRedis),
    /// Elsewhere.
    External(ExternalRedis),
    /// There is none.
    Disabled,
}

/// A Redis beside the shop.
#[derive(Clone, Debug)]
pub struct InClusterRedis {
    /// Its image.
    pub image: String,
    /// The memory of its container.
    pub memory: Quantity,
    /// The same in bytes.
    pub memory_bytes: i64,
}

/// Logs, traces and metrics.
#[derive(Clone, Debug)]
pub struct Observability {
    /// Where traces go.
    pub otlp_endpoint: Option<String>,
    /// The port of that address.
    pub otlp_port: Option<i32>,
    /// How a line of the log looks.
    pub log_format: LogFormat,
    /// What is logged.
    pub log_level: String,
    /// The `PodMonitor`, if one is wanted.
    pub pod_monitor: Option<PodMonitorSpec>,
}

/// A value that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Rejection {
    /// Where it stands in the resource.
    pub field: String,
    /// Why it cannot be.
    pub message: String,
}

impl ValidStore {
    /// Whether a Secret has a key.
    pub fn has(&self, key: &SecretKey) -> bool {
        self.digests
            .contains_key(&(key.name.clone(), key.key.clone()))
    }

    /// The digest of a Secret's value, or a word for its absence.
    pub fn digest(&self, key: &SecretKey) -> String {
        let digest = self.digests.get(&(key.name.clone(), key.key.clone()));
        digest.map_or_else(|| "absent".to_owned(), Clone::clone)
    }
}
