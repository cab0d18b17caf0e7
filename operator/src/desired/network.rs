//! Who may talk to whom: nobody, apart from the edges that the table of needs names.

use super::meta::{Component, object_meta, selector, store_meta, store_selector};
use super::needs::{Needs, SERVICES};
use super::{Kind, Object};
use crate::validate::{Mariadb, Redis, ValidStore};
use k8s_openapi::api::networking::v1::{
    NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule, NetworkPolicyPeer,
    NetworkPolicyPort, NetworkPolicySpec,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// What holds for every pod of the store: nothing in, and only names looked up.
pub(super) fn objects(store: &ValidStore) -> Vec<Object> {
    if !store.network.enabled {
        return Vec::new();
    }
    vec![Object::new(
        Kind::NetworkPolicy,
        &store.name,
        &NetworkPolicy {
            metadata: store_meta(store),
            spec: Some(NetworkPolicySpec {
                pod_selector: Some(store_selector(store)),
                policy_types: Some(vec!["Ingress".to_owned(), "Egress".to_owned()]),
                // To anywhere: where the resolver runs differs from cluster to cluster, and it may be on the node.
                egress: Some(vec![NetworkPolicyEgressRule {
                    ports: Some(vec![udp(53), tcp(53)]),
                    to: None,
                }]),
                ingress: None,
            }),
        },
    )]
}

/// What one service may do beyond that.
pub(super) fn of_service(
    store: &ValidStore,
    component: Component<'_>,
    needs: &Needs,
) -> NetworkPolicy {
    let mut ingress = vec![NetworkPolicyIngressRule {
        from: Some(or_every_pod(&store.network.metrics_from)),
        ports: Some(vec![tcp(9090)]),
    }];
    let callers: Vec<_> = SERVICES
        .iter()
        .filter(|other| other.reaches(needs.name))
        .collect();
    if !callers.is_empty() {
        ingress.push(NetworkPolicyIngressRule {
            from: Some(
                callers
                    .iter()
                    .map(|caller| pods_of(store, caller.name))
                    .collect(),
            ),
            ports: Some(vec![tcp(8080)]),
        });
    }
    if needs.entry {
        let from = &store.network.ingress_from;
        ingress.push(NetworkPolicyIngressRule {
            from: (!from.is_empty()).then(|| from.clone()),
            ports: Some(vec![tcp(8080)]),
        });
    }

    let mut egress: Vec<_> = SERVICES
        .iter()
        .filter(|other| needs.reaches(other.name))
        .map(|other| to(Some(pods_of(store, other.name)), 8080))
        .collect();
    if needs.mongodb.is_some() {
        egress.push(to(None, store.mongodb.port));
    }
    if needs.mariadb.is_some() {
        match &store.mariadb {
            Mariadb::InCluster(_) => egress.push(to(
                Some(pods_of(store, super::mariadb::NAME)),
                super::mariadb::PORT,
            )),
            Mariadb::External(external) => egress.push(to(None, external.port)),
        }
    }
    egress.extend(
        (needs.outside)(store)
            .into_iter()
            .map(|port| to(None, port)),
    );
    if needs.redis {
        match &store.redis {
            Redis::InCluster(_) => egress.push(to(
                Some(pods_of(store, super::redis::NAME)),
                super::redis::PORT,
            )),
            Redis::External(external) => egress.push(to(None, external.port)),
            Redis::Disabled => {}
        }
    }
    if let Some(port) = store.observability.otlp_port {
        egress.push(to(None, port));
    }
    policy(store, component, ingress, egress)
}

/// The policy of one component's pods.
pub(super) fn policy(
    store: &ValidStore,
    component: Component<'_>,
    ingress: Vec<NetworkPolicyIngressRule>,
    egress: Vec<NetworkPolicyEgressRule>,
) -> NetworkPolicy {
    let mut types = vec!["Ingress".to_owned()];
    if !egress.is_empty() {
        types.push("Egress".to_owned());
    }
    NetworkPolicy {
        metadata: object_meta(store, component),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(store, component.name)),
            policy_types: Some(types),
            // The API server keeps no list that is empty; without one nothing comes in either.
            ingress: (!ingress.is_empty()).then_some(ingress),
            egress: (!egress.is_empty()).then_some(egress),
        }),
    }
}

/// The pods of another component of the store.
pub(super) fn pods_of(store: &ValidStore, component: &str) -> NetworkPolicyPeer {
    NetworkPolicyPeer {
        pod_selector: Some(selector(store, component)),
        ..NetworkPolicyPeer::default()
    }
}

/// A TCP port.
pub(super) fn tcp(port: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(port)),
        protocol: Some("TCP".to_owned()),
        end_port: None,
    }
}

fn udp(port: i32) -> NetworkPolicyPort {
    NetworkPolicyPort {
        port: Some(IntOrString::Int(port)),
        protocol: Some("UDP".to_owned()),
        end_port: None,
    }
}

/// To some pods, or anywhere.
pub(super) fn to(peer: Option<NetworkPolicyPeer>, port: i32) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule {
        to: peer.map(|peer| vec![peer]),
        ports: Some(vec![tcp(port)]),
    }
}

/// The peers that the store names, or every pod of the cluster.
pub(super) fn or_every_pod(peers: &[NetworkPolicyPeer]) -> Vec<NetworkPolicyPeer> {
    if peers.is_empty() {
        vec![NetworkPolicyPeer {
            namespace_selector: Some(LabelSelector::default()),
            ..NetworkPolicyPeer::default()
        }]
    } else {
        peers.to_vec()
    }
}
