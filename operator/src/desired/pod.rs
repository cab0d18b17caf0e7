//! A Deployment and its pods, the same way for everything that the operator runs.

use super::meta::{Component, name, object_meta, selector};
use super::{Kind, Object};
use crate::api::v1alpha1::PullPolicy;
use crate::secrets::hex;
use crate::validate::{Replicas, Scheduling, ValidStore};
use k8s_openapi::api::apps::v1::{
    Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::api::core::v1::{
    Capabilities, Container, ContainerPort, EnvVar, HTTPGetAction, KeyToPath, Lifecycle,
    LifecycleHandler, PodSecurityContext, PodSpec, PodTemplateSpec, Probe, ResourceRequirements,
    SeccompProfile, SecretVolumeSource, SecurityContext, ServiceAccount, SleepAction,
    TCPSocketAction, TopologySpreadConstraint, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

// A pod that has to go: it is taken out of the endpoints while it sleeps and still serves; SIGTERM makes it unready, and it
// serves for as long as DRAIN_MS to those who have not heard; then requests under way have GRACE_MS. The kubelet waits for
// the sum and a little more.
const SLEEP_SECONDS: i64 = 3;
pub(super) const DRAIN_MS: &str = "2000";
pub(super) const GRACE_MS: &str = "20000";
const TERMINATION_SECONDS: i64 = 30;

// A killed pod's successor serves as soon as somebody has seen that it is ready. The kubelet looks at once when it sees the
// container run, and every second from then on. A startup probe would put that off to its own next second, so there is none: a
// process that starts is let alone for START_SECONDS instead, before anybody asks whether it lives.
const START_SECONDS: i32 = 30;

/// How long a new pod may take to become ready before the rollout counts as hanging.
const PROGRESS_SECONDS: i32 = 120;

/// What differs from pod to pod.
#[derive(Debug)]
pub(super) struct Pod {
    pub(super) image: String,
    /// What runs before it. Its image is said; everything else is as for the pod's own container.
    pub(super) init: Vec<Container>,
    /// Empty for what the image starts by itself.
    pub(super) command: Vec<String>,
    /// What the command is told.
    pub(super) args: Vec<String>,
    pub(super) env: Vec<EnvVar>,
    pub(super) ports: Vec<ContainerPort>,
    /// Whether to end it. Answered by the process itself, whatever else there is to wait for.
    pub(super) live: Option<ProbeHandler>,
    /// Whether to send it requests.
    pub(super) ready: Option<ProbeHandler>,
    pub(super) volumes: Vec<Volume>,
    pub(super) mounts: Vec<VolumeMount>,
    pub(super) requests: BTreeMap<String, Quantity>,
    pub(super) limits: BTreeMap<String, Quantity>,
    pub(super) scheduling: Scheduling,
    pub(super) annotations: BTreeMap<String, String>,
    /// Whether `/metrics` is served on 9090.
    pub(super) scraped: bool,
    /// Whether requests under way have to be finished before it goes.
    pub(super) drains: bool,
    /// How many seconds it may take to stop, where that is not the same as for everything.
    pub(super) stops_within: Option<i64>,
    /// What happens once it has ended, where it is not started again.
    pub(super) restart_policy: Option<&'static str>,
    /// Digests of everything outside the pod's own spec whose change has to replace the pod.
    pub(super) config: Vec<String>,
}

/// Who a component's pods are. They are told no token: none of them asks the API server for anything.
pub(super) fn account(store: &ValidStore, component: Component<'_>) -> Object {
    let account = ServiceAccount {
        metadata: object_meta(store, component),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    };
    let name = name(store, component.name);
    Object::new(Kind::ServiceAccount, &name, &account)
}

/// The Deployment that runs `pod`.
pub(super) fn deployment(
    store: &ValidStore,
    component: Component<'_>,
    replicas: &Replicas,
    pod: Pod,
) -> Object {
    let (fixed, autoscaled) = match *replicas {
        Replicas::Fixed(count) => (Some(count), None),
        Replicas::Automatic { min, max, .. } => (None, Some((min, max))),
    };
    let deployment = Deployment {
        metadata: object_meta(store, component),
        spec: Some(DeploymentSpec {
            // Never sent beside an autoscaler: the two would undo each other's work.
            replicas: fixed,
            selector: selector(store, component.name),
            strategy: Some(DeploymentStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::String("25%".to_owned())),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
            }),
            min_ready_seconds: Some(1),
            progress_deadline_seconds: Some(PROGRESS_SECONDS),
            revision_history_limit: Some(3),
            template: template(store, component, pod),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    };
    let mut object = Object::new(Kind::Deployment, &name(store, component.name), &deployment);
    object.autoscaled = autoscaled;
    object
}

/// The pods as a Deployment or `StatefulSet` makes them.
pub(super) fn template(store: &ValidStore, component: Component<'_>, pod: Pod) -> PodTemplateSpec {
    let labels = super::meta::labels(store, component);
    let mut annotations = pod.annotations.clone();
    annotations.insert(super::meta::CONFIG_HASH.to_owned(), hash(&pod.config));
    if pod.scraped {
        annotations.insert("prometheus.io/scrape".to_owned(), "true".to_owned());
        annotations.insert("prometheus.io/port".to_owned(), "9090".to_owned());
        annotations.insert("prometheus.io/path".to_owned(), "/metrics".to_owned());
    }
    PodTemplateSpec {
        metadata: Some(ObjectMeta {
            labels: Some(labels),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        }),
        spec: Some(pod_spec(store, component, pod)),
    }
}

fn pod_spec(store: &ValidStore, component: Component<'_>, pod: Pod) -> PodSpec {
    let Scheduling {
        node_selector,
        tolerations,
        affinity,
        topology_spread_constraints,
        priority_class_name,
    } = pod.scheduling;
    let resources = ResourceRequirements {
        requests: (!pod.requests.is_empty()).then_some(pod.requests),
        limits: (!pod.limits.is_empty()).then_some(pod.limits),
        claims: None,
    };
    PodSpec {
        service_account_name: Some(name(store, component.name)),
        automount_service_account_token: Some(false),
        restart_policy: pod.restart_policy.map(str::to_owned),
        // Otherwise every Service of the namespace is in the environment, where it can collide with configuration.
        enable_service_links: Some(false),
        // The kubelet waits a little longer than the process is told.
        termination_grace_period_seconds: Some(
            pod.stops_within
                .map_or(TERMINATION_SECONDS, |seconds| seconds + 10),
        ),
        image_pull_secrets: some(store.pull_secrets.clone()),
        security_context: Some(PodSecurityContext {
            run_as_non_root: Some(true),
            run_as_user: Some(65532),
            run_as_group: Some(65532),
            fs_group: Some(65532),
            seccomp_profile: Some(SeccompProfile {
                type_: "RuntimeDefault".to_owned(),
                ..SeccompProfile::default()
            }),
            ..PodSecurityContext::default()
        }),
        node_selector: (!node_selector.is_empty()).then_some(node_selector),
        tolerations: some(tolerations),
        affinity,
        priority_class_name,
        topology_spread_constraints: some(
            topology_spread_constraints.unwrap_or_else(|| default_spread(store, component.name)),
        ),
        init_containers: some(
            pod.init
                .into_iter()
                .map(|container| Container {
                    image_pull_policy: Some(pull_policy(store)),
                    security_context: Some(restricted()),
                    resources: Some(resources.clone()),
                    ..container
                })
                .collect(),
        ),
        containers: vec![Container {
            name: component.name.to_owned(),
            image: Some(pod.image),
            image_pull_policy: Some(pull_policy(store)),
            command: some(pod.command),
            args: some(pod.args),
            env: some(pod.env),
            ports: some(pod.ports),
            liveness_probe: pod.live.map(|live| probe(live, START_SECONDS, 10)),
            readiness_probe: pod.ready.map(|ready| probe(ready, 0, 1)),
            lifecycle: pod.drains.then(|| Lifecycle {
                pre_stop: Some(LifecycleHandler {
                    sleep: Some(SleepAction {
                        seconds: SLEEP_SECONDS,
                    }),
                    ..LifecycleHandler::default()
                }),
                ..Lifecycle::default()
            }),
            resources: Some(resources),
            security_context: Some(restricted()),
            volume_mounts: some(pod.mounts),
            ..Container::default()
        }],
        volumes: some(pod.volumes),
        ..PodSpec::default()
    }
}

fn pull_policy(store: &ValidStore) -> String {
    match store.pull_policy {
        PullPolicy::IfNotPresent => "IfNotPresent",
        PullPolicy::Always => "Always",
        PullPolicy::Never => "Never",
    }
    .to_owned()
}

/// What Pod Security's level `restricted` asks of a container, and a root file system that nobody writes to.
fn restricted() -> SecurityContext {
    SecurityContext {
        allow_privilege_escalation: Some(false),
        read_only_root_filesystem: Some(true),
        capabilities: Some(Capabilities {
            drop: Some(vec!["ALL".to_owned()]),
            add: None,
        }),
        ..SecurityContext::default()
    }
}

/// Values of a Secret as files.
pub(super) fn secret_files(volume: &str, secret: &str, keys: &[&str], mode: i32) -> Volume {
    let items = keys.iter().map(|key| KeyToPath {
        key: (*key).to_owned(),
        path: (*key).to_owned(),
        mode: None,
    });
    Volume {
        name: volume.to_owned(),
        secret: Some(SecretVolumeSource {
            secret_name: Some(secret.to_owned()),
            default_mode: Some(mode),
            items: Some(items.collect()),
            optional: None,
        }),
        ..Volume::default()
    }
}

/// What to ask a pod.
#[derive(Clone, Copy, Debug)]
pub(super) enum ProbeHandler {
    /// GETs a path of the port `admin`.
    Http(&'static str),
    /// Opens a connection to a port.
    Tcp(&'static str),
}

fn probe(handler: ProbeHandler, delay: i32, period: i32) -> Probe {
    let (http_get, tcp_socket) = match handler {
        ProbeHandler::Http(path) => {
            let get = HTTPGetAction {
                path: Some(path.to_owned()),
                port: IntOrString::String("admin".to_owned()),
                ..HTTPGetAction::default()
            };
            (Some(get), None)
        }
        ProbeHandler::Tcp(port) => {
            let connect = TCPSocketAction {
                port: IntOrString::String(port.to_owned()),
                host: None,
            };
            (None, Some(connect))
        }
    };
    Probe {
        http_get,
        tcp_socket,
        initial_delay_seconds: (delay > 0).then_some(delay),
        period_seconds: Some(period),
        failure_threshold: Some(3),
        timeout_seconds: Some(2),
        ..Probe::default()
    }
}

/// Over zones, then over nodes; a preference, so that one node is enough. The replicas of a new version spread among
/// themselves.
fn default_spread(store: &ValidStore, component: &str) -> Vec<TopologySpreadConstraint> {
    ["topology.kubernetes.io/zone", "kubernetes.io/hostname"]
        .map(|key| TopologySpreadConstraint {
            topology_key: key.to_owned(),
            max_skew: 1,
            when_unsatisfiable: "ScheduleAnyway".to_owned(),
            label_selector: Some(selector(store, component)),
            match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
            ..TopologySpreadConstraint::default()
        })
        .to_vec()
}

fn hash(config: &[String]) -> String {
    let mut hasher = Sha256::new();
    for part in config {
        hasher.update(part.as_bytes());
        // Or "ab", "c" and "a", "bc" would be the same.
        hasher.update([0]);
    }
    hex(&hasher.finalize()[..8])
}

fn some<T>(items: Vec<T>) -> Option<Vec<T>> {
    (!items.is_empty()).then_some(items)
}
