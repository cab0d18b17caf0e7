//! `spec.expose`: how shoppers reach the shop.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How shoppers reach the shop from outside the cluster.
#[derive(KubeSchema, Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.ingress) != has(self.httpRoute)")
    .message("Say how the shop is reached: set exactly one of expose.ingress and expose.httpRoute."))]
#[x_kube(validation = Rule::new("has(self.host) || !has(self.tls) || has(self.tls.external)")
    .message("A certificate is for a name: set expose.host as well."))]
#[x_kube(validation = Rule::new("!(has(self.httpRoute) && has(self.tls)) || has(self.tls.external)")
    .message("With httpRoute, the Gateway's listener holds the certificate: set expose.tls.external to true, or leave expose.tls out."))]
pub struct ExposeSpec {
    /// The shop's DNS name. Left out, the shop answers under any name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    #[x_kube(validation = Rule::new("self.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$')")
        .message("A host is a DNS name in lower case, such as shop.example.com, without scheme, port or path."))]
    pub host: Option<String>,

    /// The address that shoppers see, where it cannot be told from host and tls: another port, or no host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 512))]
    #[x_kube(validation = Rule::new("self.matches('^https?://([a-z0-9.-]+|\\\\[[a-f0-9:]+\\\\])(:[0-9]+)?$') && isURL(self)")
        .message("A url is a scheme, a host and perhaps a port, such as http://localhost:8080, without path and without / at the end."))]
    pub url: Option<String>,

    /// How the connection is encrypted. Left out, it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSpec>,

    /// An Ingress, for any controller.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ingress: Option<IngressSpec>,

    /// An HTTPRoute of the Gateway API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http_route: Option<HttpRouteSpec>,

    /// Addresses (CIDR) of proxies in front of the gateway, whose word on a shopper's address is believed. By default all
    /// private addresses, where Ingress controllers run; narrow it to yours, or set it to [] to believe none.
    #[serde(default = "private_addresses")]
    #[schemars(length(max = 64), inner(length(max = 64)))]
    #[x_kube(validation = Rule::new("self.all(c, isCIDR(c))")
        .message("Each of expose.trustedProxies is a CIDR, such as 10.0.0.0/8."))]
    pub trusted_proxies: Vec<String>,
}

fn private_addresses() -> Vec<String> {
    ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]
        .map(str::to_owned)
        .to_vec()
}

/// Where the certificate comes from.
#[derive(KubeSchema, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("[has(self.secretName), has(self.issuerRef), has(self.external)].filter(set, set).size() == 1")
    .message("Set exactly one of tls.secretName, tls.issuerRef and tls.external."))]
pub struct TlsSpec {
    /// A Secret of type kubernetes.io/tls that you look after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 253))]
    pub secret_name: Option<String>,
    /// An issuer of cert-manager, which then looks after the certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer_ref: Option<IssuerRef>,
    /// True when the connection is decrypted in front of the shop, by a Gateway's listener or a load balancer: the shop only
    /// needs to know that its address starts with https.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(validation = Rule::new("self").message("tls.external is true or left out."))]
    pub external: Option<bool>,
}

/// An issuer of cert-manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuerRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Whether it serves one namespace or the whole cluster.
    #[serde(default)]
    pub kind: IssuerKind,
}

/// Whether an issuer serves one namespace or the whole cluster.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum IssuerKind {
    /// It is in the store's namespace.
    #[default]
    Issuer,
    /// It serves the whole cluster.
    ClusterIssuer,
}

/// An Ingress.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IngressSpec {
    /// The class of the controller that should serve it. Left out, the cluster's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class_name: Option<String>,
    /// Annotations that your controller understands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// An HTTPRoute of the Gateway API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteSpec {
    /// The Gateways that the route joins.
    #[schemars(length(min = 1, max = 8))]
    pub parent_refs: Vec<GatewayRef>,
    /// Annotations for the route.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

/// A Gateway.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GatewayRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// Its namespace. Left out, the store's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The listener to join. Left out, all that accept the route.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub section_name: Option<String>,
}
