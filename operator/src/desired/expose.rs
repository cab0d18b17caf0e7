//! The entry point: an `Ingress` or an `HTTPRoute` in front of the gateway.

use super::meta::{Component, name, object_meta};
use super::{Kind, Object};
use crate::api::v1alpha1::{HttpRouteSpec, IngressSpec, IssuerKind};
use crate::validate::{Entry, Expose, Tls, ValidStore};
use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec as CoreIngressSpec, IngressTLS, ServiceBackendPort,
};
use serde_json::json;

const GATEWAY: Component<'static> = Component {
    name: "gateway",
    version: None,
};

/// The `Ingress` or `HTTPRoute` that the store asks for.
pub(super) fn objects(store: &ValidStore) -> Vec<Object> {
    let Some(expose) = &store.expose else {
        return Vec::new();
    };
    vec![match &expose.entry {
        Entry::Ingress(spec) => ingress(store, expose, spec),
        Entry::HttpRoute(spec) => http_route(store, expose, spec),
    }]
}

fn ingress(store: &ValidStore, expose: &Expose, spec: &IngressSpec) -> Object {
    let mut metadata = object_meta(store, GATEWAY);
    let mut annotations = spec.annotations.clone();
    let certificate = match &expose.tls {
        Some(Tls::Secret(secret)) => Some(secret.clone()),
        Some(Tls::Issuer(issuer)) => {
            let annotation = match issuer.kind {
                IssuerKind::Issuer => "cert-manager.io/issuer",
                IssuerKind::ClusterIssuer => "cert-manager.io/cluster-issuer",
            };
            annotations.insert(annotation.to_owned(), issuer.name.clone());
            Some(format!("{}-tls", store.name))
        }
        Some(Tls::External) | None => None,
    };
    metadata.annotations = (!annotations.is_empty()).then_some(annotations);
    let full_name = name(store, GATEWAY.name);
    Object::new(
        Kind::Ingress,
        &full_name,
        &Ingress {
            metadata,
            spec: Some(CoreIngressSpec {
                ingress_class_name: spec.class_name.clone(),
                tls: certificate.map(|secret| {
                    vec![IngressTLS {
                        hosts: expose.host.clone().map(|host| vec![host]),
                        secret_name: Some(secret),
                    }]
                }),
                rules: Some(vec![IngressRule {
                    host: expose.host.clone(),
                    http: Some(HTTPIngressRuleValue {
                        paths: vec![HTTPIngressPath {
                            path: Some("/".to_owned()),
                            path_type: "Prefix".to_owned(),
                            backend: IngressBackend {
                                service: Some(IngressServiceBackend {
                                    name: full_name.clone(),
                                    port: Some(ServiceBackendPort {
                                        name: Some("http".to_owned()),
                                        number: None,
                                    }),
                                }),
                                resource: None,
                            },
                        }],
                    }),
                }]),
                default_backend: None,
            }),
            status: None,
        },
    )
}

/// Every default is written out: the API server fills them in, and the lists are compared as a whole.
fn http_route(store: &ValidStore, expose: &Expose, spec: &HttpRouteSpec) -> Object {
    let mut metadata = object_meta(store, GATEWAY);
    metadata.annotations = (!spec.annotations.is_empty()).then(|| spec.annotations.clone());
    let parents: Vec<_> = spec
        .parent_refs
        .iter()
        .map(|parent| {
            let mut value = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": parent.name});
            if let Some(namespace) = &parent.namespace {
                value["namespace"] = json!(namespace);
            }
            if let Some(section) = &parent.section_name {
                value["sectionName"] = json!(section);
            }
            value
        })
        .collect();
    let full_name = name(store, GATEWAY.name);
    let mut route = json!({
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "HTTPRoute",
        "metadata": metadata,
        "spec": {
            "parentRefs": parents,
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"group": "", "kind": "Service", "name": full_name, "port": 80, "weight": 1}],
            }],
        },
    });
    if let Some(host) = &expose.host {
        route["spec"]["hostnames"] = json!([host]);
    }
    Object::new(Kind::HttpRoute, &full_name, &route)
}
