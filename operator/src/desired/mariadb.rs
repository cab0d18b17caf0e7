//! The `MariaDB` beside the shop: one member for now, whose agent keeps a database and a user for each service that needs one.

use super::meta::{Component, mariadb_secret, name, object_meta, selector, selector_labels};
use super::needs::SERVICES;
use super::network::{or_every_pod, pods_of, policy, tcp};
use super::pod::{self, Pod, ProbeHandler};
use super::{Kind, Object, migration};
use crate::validate::{InClusterMariadb, Mariadb, Scheduling, ValidStore};
use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EmptyDirVolumeSource, PersistentVolumeClaim,
    PersistentVolumeClaimSpec, PersistentVolumeClaimStatus, Service, ServicePort, ServiceSpec,
    Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::api::networking::v1::NetworkPolicyIngressRule;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "mariadb";
pub(crate) const PORT: i32 = 3306;
/// In the Secret: what the agent makes accounts of.
pub const ACCOUNTS_FILE: &str = "accounts.json";
const VOLUME: &str = "/var/lib/amazoff";
const RUN: &str = "/run/amazoff";
const AGENT: &str = "/opt/amazoff/agent";
/// How long the server may take to stop, and then the kubelet waits a little more.
const STOP_SECONDS: i64 = 50;

/// Everything it consists of, when the store has one.
pub(super) fn objects(store: &ValidStore) -> Vec<Object> {
    let Mariadb::InCluster(mariadb) = &store.mariadb else {
        return Vec::new();
    };
    let component = Component {
        name: NAME,
        version: None,
    };
    let full_name = name(store, NAME);
    let mut objects = vec![
        pod::account(store, component),
        Object::new(
            Kind::Service,
            &full_name,
            &Service {
                metadata: object_meta(store, component),
                spec: Some(ServiceSpec {
                    selector: Some(selector_labels(store, NAME)),
                    ports: Some(vec![ServicePort {
                        name: Some(NAME.to_owned()),
                        port: PORT,
                        protocol: Some("TCP".to_owned()),
                        target_port: Some(IntOrString::String(NAME.to_owned())),
                        ..ServicePort::default()
                    }]),
                    ..ServiceSpec::default()
                }),
                ..Service::default()
            },
        ),
        Object::new(
            Kind::StatefulSet,
            &full_name,
            &stateful_set(store, component, mariadb),
        ),
    ];
    if store.network.enabled {
        let users = SERVICES.iter().filter(|needs| needs.mariadb.is_some());
        let users = users.map(|needs| needs.name).chain([migration::NAME]);
        let ingress = vec![
            NetworkPolicyIngressRule {
                from: Some(users.map(|user| pods_of(store, user)).collect()),
                ports: Some(vec![tcp(PORT)]),
            },
            NetworkPolicyIngressRule {
                from: Some(or_every_pod(&store.network.metrics_from)),
                ports: Some(vec![tcp(9090)]),
            },
        ];
        let policy = policy(store, component, ingress, Vec::new());
        objects.push(Object::new(Kind::NetworkPolicy, &full_name, &policy));
    }
    objects
}

fn stateful_set(
    store: &ValidStore,
    component: Component<'_>,
    mariadb: &InClusterMariadb,
) -> StatefulSet {
    StatefulSet {
        metadata: object_meta(store, component),
        spec: Some(StatefulSetSpec {
            replicas: Some(1),
            service_name: Some(name(store, NAME)),
            selector: selector(store, NAME),
            // The data outlives the store: who deletes a shop by mistake makes it again and finds everything.
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    when_deleted: Some("Retain".to_owned()),
                    when_scaled: Some("Retain".to_owned()),
                },
            ),
            template: pod::template(store, component, pod(mariadb, store)),
            volume_claim_templates: Some(vec![PersistentVolumeClaim {
                metadata: ObjectMeta {
                    name: Some("data".to_owned()),
                    labels: Some(selector_labels(store, NAME)),
                    ..ObjectMeta::default()
                },
                spec: Some(PersistentVolumeClaimSpec {
                    access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
                    storage_class_name: mariadb.storage_class.clone(),
                    resources: Some(VolumeResourceRequirements {
                        requests: Some(BTreeMap::from([(
                            "storage".to_owned(),
                            mariadb.storage.clone(),
                        )])),
                        limits: None,
                    }),
                    volume_mode: Some("Filesystem".to_owned()),
                    ..PersistentVolumeClaimSpec::default()
                }),
                // As the API server completes it: a list is compared as a whole.
                status: Some(PersistentVolumeClaimStatus {
                    phase: Some("Pending".to_owned()),
                    ..PersistentVolumeClaimStatus::default()
                }),
            }]),
            ..StatefulSetSpec::default()
        }),
        status: None,
    }
}

fn pod(mariadb: &InClusterMariadb, store: &ValidStore) -> Pod {
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    let memory = |name: &str, limit: &str| Volume {
        name: name.to_owned(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(limit.to_owned())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    };
    Pod {
        image: mariadb.image.clone(),
        init: vec![Container {
            name: "agent".to_owned(),
            image: Some(mariadb.agent_image.clone()),
            command: Some(
                ["amazoff-operator", "agent", "install", "--to", AGENT]
                    .map(str::to_owned)
                    .to_vec(),
            ),
            volume_mounts: Some(vec![mount("agent", "/opt/amazoff", false)]),
            ..Container::default()
        }],
        command: [
            AGENT,
            "agent",
            "mariadb",
            "--volume",
            VOLUME,
            "--run-folder",
            RUN,
            "--stop-seconds",
            &STOP_SECONDS.to_string(),
            "--",
            // Half of the memory caches pages; connections, sorting and the server itself need the rest.
            &format!("--innodb-buffer-pool-size={}", mariadb.memory_bytes / 2),
            "--max-connections=500",
        ]
        .map(str::to_owned)
        .to_vec(),
        args: Vec::new(),
        env: Vec::new(),
        ports: vec![port(NAME, PORT), port("admin", 9090)],
        live: Some(ProbeHandler::Http("/health/live")),
        ready: Some(ProbeHandler::Http("/health/ready")),
        volumes: vec![
            pod::secret_files(
                "accounts",
                &mariadb_secret(&store.name),
                &[ACCOUNTS_FILE],
                0o440,
            ),
            memory("agent", "256Mi"),
            memory("run", "1Gi"),
        ],
        mounts: vec![
            mount("data", VOLUME, false),
            mount("accounts", "/etc/amazoff/mariadb", true),
            mount("agent", "/opt/amazoff", true),
            mount("run", RUN, false),
        ],
        requests: mariadb.requests.clone(),
        limits: mariadb.limits.clone(),
        scheduling: Scheduling::default(),
        annotations: BTreeMap::new(),
        scraped: true,
        stops_within: Some(STOP_SECONDS),
        drains: false,
        restart_policy: None,
        // The agent follows the accounts by itself.
        config: Vec::new(),
    }
}

fn port(name: &str, number: i32) -> ContainerPort {
    ContainerPort {
        name: Some(name.to_owned()),
        container_port: number,
        protocol: Some("TCP".to_owned()),
        ..ContainerPort::default()
    }
}
