//! The `MariaDB` beside the shop: its members, whose agents do what the operator says, and the names they are reached at. The Service that writes go
//! to selects the one pod that the record says is primary.

use super::autoscaling::disruption_budget;
use super::meta::{
    Component, mariadb_secret, members_secret, name, name_of, object_meta, selector,
    selector_labels,
};
use super::needs::SERVICES;
use super::network::{or_every_pod, pods_of, policy, tcp, to};
use super::pod::{self, Pod, ProbeHandler};
use super::{Kind, Object, migration};
use crate::control::certificates::{AUTHORITY, CERTIFICATE, KEY};
use crate::validate::{InClusterMariadb, Mariadb, Scheduling, ValidStore};
use k8s_openapi::api::apps::v1::{
    StatefulSet, StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
};
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EmptyDirVolumeSource, EnvVar, EnvVarSource, ObjectFieldSelector,
    PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimStatus, Service,
    ServicePort, ServiceSpec, Volume, VolumeMount, VolumeResourceRequirements,
};
use k8s_openapi::api::networking::v1::NetworkPolicyIngressRule;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

pub(crate) const NAME: &str = "mariadb";
pub(crate) const PORT: i32 = 3306;
/// Where agents listen.
pub const CONTROL_PORT: i32 = 9091;
/// No set has more members.
pub const MOST_MEMBERS: u32 = 5;
/// In the members' Secret: what they log in to each other with.
pub const REPLICATION_FILE: &str = "replication";
/// In the Secret: what the agent makes accounts of.
pub const ACCOUNTS_FILE: &str = "accounts.json";
const VOLUME: &str = "/var/lib/amazoff";
const RUN: &str = "/run/amazoff";
const AGENT: &str = "/opt/amazoff/agent";
/// How long a member may take to hand over before it ends, and then the kubelet waits a little more.
const STOP_SECONDS: i64 = 20;

/// The name of a member.
pub fn address(store: &str, namespace: &str, member: u32) -> String {
    let service = name_of(store, NAME);
    format!("{service}-{member}.{service}-members.{namespace}.svc")
}

/// The names that the members' certificate is for.
pub fn host_names(store: &str, namespace: &str) -> Vec<String> {
    let service = name_of(store, NAME);
    vec![
        format!("*.{service}-members.{namespace}.svc"),
        service.clone(),
        format!("{service}.{namespace}.svc"),
        format!("{service}-ro"),
        format!("{service}-ro.{namespace}.svc"),
    ]
}

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
    let primary_pod = BTreeMap::from([(
        "statefulset.kubernetes.io/pod-name".to_owned(),
        format!("{full_name}-{}", mariadb.primary),
    )]);
    let primary = service(PORT, primary_pod);
    let any = service(PORT, selector_labels(store, NAME));
    let mut members = service(CONTROL_PORT, selector_labels(store, NAME));
    members.cluster_ip = Some("None".to_owned());
    // Members find each other, and the operator them, long before they are ready.
    members.publish_not_ready_addresses = Some(true);
    let mut objects = vec![pod::account(store, component)];
    for (suffix, spec) in [("", primary), ("-ro", any), ("-members", members)] {
        let name = format!("{full_name}{suffix}");
        let metadata = ObjectMeta {
            name: Some(name.clone()),
            ..object_meta(store, component)
        };
        let service = Service {
            metadata,
            spec: Some(spec),
            ..Service::default()
        };
        objects.push(Object::new(Kind::Service, &name, &service));
    }
    objects.push(Object::new(
        Kind::StatefulSet,
        &full_name,
        &stateful_set(store, component, mariadb),
    ));
    if mariadb.replicas > 1 {
        let budget = disruption_budget(store, component);
        objects.push(Object::new(Kind::PodDisruptionBudget, &full_name, &budget));
    }
    if store.network.enabled {
        let users = SERVICES.iter().filter(|needs| needs.mariadb.is_some());
        let users = users.map(|needs| needs.name).chain([migration::NAME]);
        let ingress = vec![
            NetworkPolicyIngressRule {
                from: Some(users.map(|user| pods_of(store, user)).collect()),
                ports: Some(vec![tcp(PORT)]),
            },
            NetworkPolicyIngressRule {
                from: Some(vec![pods_of(store, NAME)]),
                ports: Some(vec![tcp(PORT), tcp(CONTROL_PORT)]),
            },
            // The operator, in whatever namespace it runs. It shows a certificate.
            NetworkPolicyIngressRule {
                from: Some(or_every_pod(&[])),
                ports: Some(vec![tcp(CONTROL_PORT)]),
            },
            NetworkPolicyIngressRule {
                from: Some(or_every_pod(&store.network.metrics_from)),
                ports: Some(vec![tcp(9090)]),
            },
        ];
        let egress = [PORT, CONTROL_PORT].map(|port| to(Some(pods_of(store, NAME)), port));
        let policy = policy(store, component, ingress, egress.to_vec());
        objects.push(Object::new(Kind::NetworkPolicy, &full_name, &policy));
    }
    objects
}

fn service(port: i32, selector: BTreeMap<String, String>) -> ServiceSpec {
    ServiceSpec {
        selector: Some(selector),
        ports: Some(vec![ServicePort {
            name: Some(NAME.to_owned()),
            port,
            protocol: Some("TCP".to_owned()),
            target_port: Some(IntOrString::Int(port)),
            ..ServicePort::default()
        }]),
        ..ServiceSpec::default()
    }
}

fn stateful_set(
    store: &ValidStore,
    component: Component<'_>,
    mariadb: &InClusterMariadb,
) -> StatefulSet {
    StatefulSet {
        metadata: object_meta(store, component),
        spec: Some(StatefulSetSpec {
            replicas: Some(mariadb.replicas),
            service_name: Some(format!("{}-members", name(store, NAME))),
            // All at once: none waits for another to be ready, which it may only become with its help.
            pod_management_policy: Some("Parallel".to_owned()),
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
    // All that there may ever be: a set that grows restarts nobody.
    let addresses = |port: i32| {
        let all = (0..MOST_MEMBERS)
            .map(|member| format!("{}:{port}", address(&store.name, &store.namespace, member)));
        all.collect::<Vec<_>>().join(",")
    };
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
            "member",
            "--peers",
            &addresses(PORT),
            "--agents",
            &addresses(CONTROL_PORT),
            "--volume",
            VOLUME,
            "--run-folder",
            RUN,
            "--",
            // Half of the memory caches pages; connections, sorting and the server itself need the rest.
            &format!("--innodb-buffer-pool-size={}", mariadb.memory_bytes / 2),
            "--max-connections=500",
        ]
        .map(str::to_owned)
        .to_vec(),
        args: Vec::new(),
        env: vec![EnvVar {
            name: "MEMBER".to_owned(),
            value_from: Some(EnvVarSource {
                field_ref: Some(ObjectFieldSelector {
                    api_version: Some("v1".to_owned()),
                    field_path: "metadata.labels['apps.kubernetes.io/pod-index']".to_owned(),
                }),
                ..EnvVarSource::default()
            }),
            ..EnvVar::default()
        }],
        ports: vec![
            port(NAME, PORT),
            port("control", CONTROL_PORT),
            port("admin", 9090),
        ],
        live: Some(ProbeHandler::Http("/health/live")),
        ready: Some(ProbeHandler::Http("/health/ready")),
        volumes: vec![
            pod::secret_files(
                "accounts",
                &mariadb_secret(&store.name),
                &[ACCOUNTS_FILE],
                0o440,
            ),
            pod::secret_files(
                "identity",
                &members_secret(&store.name),
                &[AUTHORITY, CERTIFICATE, KEY, REPLICATION_FILE],
                0o440,
            ),
            memory("agent", "256Mi"),
            memory("run", "1Gi"),
        ],
        mounts: vec![
            mount("data", VOLUME, false),
            mount("accounts", "/etc/amazoff/mariadb", true),
            mount("identity", "/etc/amazoff/identity", true),
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
