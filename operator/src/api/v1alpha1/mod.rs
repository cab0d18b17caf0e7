//! `AmazoffStore` in `amazoff.io/v1alpha1`: what a person may write, with its defaults, rules and descriptions.
//!
//! The doc comments here are what `kubectl explain` shows, so they speak to whoever writes a store.

#![expect(
    clippy::doc_markdown,
    reason = "what `kubectl explain` shows is plain text"
)]
#![expect(
    unreachable_pub,
    reason = "KubeSchema copies each struct, with its visibility, into a function"
)]

mod commerce;
mod crd;
mod data;
mod expose;
mod platform;
mod services;
mod status;

pub use commerce::{MailSpec, PaymentSpec, PaypalSpec, StripeSpec};
pub use crd::{crd, crd_yaml};
pub use data::{
    ExternalMariadb, ExternalMongodb, ExternalRedis, InClusterMariadb, InClusterRedis, MariadbSpec,
    MongodbSpec, RedisSpec, SecretKey,
};
pub use expose::{
    ExposeSpec, GatewayRef, HttpRouteSpec, IngressSpec, IssuerKind, IssuerRef, TlsSpec,
};
pub use platform::{
    ImageSpec, Language, LogFormat, NetworkPolicySpec, ObservabilitySpec, PodMonitorSpec,
    PullPolicy, ShopSpec,
};
pub use services::{AutoscalingSpec, ResourcesSpec, SchedulingSpec, ServiceSpec, ServicesSpec};
pub use status::{AmazoffStoreStatus, MariadbStatus, MemberStatus, ServiceStatus};

use kube::{CustomResource, KubeSchema};
use serde::{Deserialize, Serialize};

/// What the shop should be. Everything has a default that is safe in production, except where MongoDB is: that has to
/// be said.
#[derive(CustomResource, KubeSchema, Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "amazoff.io",
    version = "v1alpha1",
    kind = "AmazoffStore",
    plural = "amazoffstores",
    shortname = "azs",
    category = "all",
    namespaced,
    status = "AmazoffStoreStatus",
    derive = "PartialEq",
    doc = "A shop: its services, their entry point and what they store their data in. The operator makes it so and keeps it so.",
    cel,
    printcolumn(name = "Ready", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].status"),
    printcolumn(name = "Reason", type_ = "string", json_path = ".status.conditions[?(@.type==\"Ready\")].reason"),
    printcolumn(name = "Progressing", type_ = "string", json_path = ".status.conditions[?(@.type==\"Progressing\")].status"),
    printcolumn(name = "Degraded", type_ = "string", json_path = ".status.conditions[?(@.type==\"Degraded\")].status"),
    printcolumn(name = "Primary", type_ = "integer", json_path = ".status.mariadb.record.primary", priority = 1),
    printcolumn(name = "URL", type_ = "string", json_path = ".status.url"),
    printcolumn(name = "Version", type_ = "string", json_path = ".status.version"),
    printcolumn(
        name = "Message",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message",
        priority = 1
    ),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$') && size(self.metadata.name) <= 40")
        .message("A store's name becomes part of the names of its Services: at most 40 lower-case letters, digits and hyphens, starting with a letter.")
)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.mongodb) && has(self.mongodb.external)")
    .message("MongoDB inside the cluster is not available yet, so say where yours is: set spec.mongodb.external.uriSecret to the name of a Secret whose key \"uri\" holds a connection string.")
    .reason(Reason::FieldValueRequired))]
pub struct AmazoffStoreSpec {
    /// The release of the shop's services, which is the tag of their images. Left out, it is the operator's own release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 128))]
    #[x_kube(validation = Rule::new("self.matches('^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$')")
        .message("A version is an image tag: letters, digits, dots, hyphens and underscores, such as 0.1.0."))]
    pub version: Option<String>,

    /// Where the images of the shop's services come from.
    #[serde(default)]
    pub image: ImageSpec,

    /// While true, the operator changes nothing and puts nothing back; it still reports status.
    #[serde(default)]
    pub paused: bool,

    /// What the shop is to its shoppers.
    #[serde(default)]
    pub shop: ShopSpec,

    /// How shoppers reach the shop from outside the cluster. Left out, only the gateway's Service exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expose: Option<ExposeSpec>,

    /// How each service runs.
    #[serde(default)]
    pub services: ServicesSpec,

    /// Where the catalog and carts are stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mongodb: Option<MongodbSpec>,

    /// Where accounts, orders and payments are stored. Left out, the operator runs a MariaDB beside the shop.
    #[serde(default)]
    pub mariadb: MariadbSpec,

    /// How shoppers pay.
    #[serde(default)]
    pub payment: PaymentSpec,

    /// How the shop writes to people. Left out, mails wait until there is a mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<MailSpec>,

    /// The cache that the gateway's replicas share. Losing it costs speed, never data.
    #[serde(default)]
    pub redis: RedisSpec,

    /// Who may talk to whom.
    #[serde(default)]
    pub network_policy: NetworkPolicySpec,

    /// Logs, traces and metrics of the services.
    #[serde(default)]
    pub observability: ObservabilitySpec,
}
