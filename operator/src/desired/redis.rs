//! The Redis beside the shop: a cache without a disk.

use super::meta::{Component, name, object_meta, redis_secret, selector_labels};
use super::needs::SERVICES;
use super::network::{pods_of, policy, tcp};
use super::pod::{self, Pod, ProbeHandler};
use super::{Kind, Object};
use crate::api::v1alpha1::SecretKey;
use crate::validate::{InClusterRedis, Redis, Replicas, Scheduling, ValidStore};
use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapVolumeSource, ContainerPort, EmptyDirVolumeSource, Service, ServicePort,
    ServiceSpec, Volume, VolumeMount,
};
use k8s_openapi::api::networking::v1::NetworkPolicyIngressRule;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use std::collections::BTreeMap;

pub(super) const NAME: &str = "redis";
pub(super) const PORT: i32 = 6379;
const CONFIG_FILE: &str = "redis.conf";
/// In the Secret: one line, `requirepass …`.
pub const PASSWORD_FILE: &str = "password.conf";

/// Everything it consists of, when the store has one.
pub(super) fn objects(store: &ValidStore) -> Vec<Object> {
    let Redis::InCluster(redis) = &store.redis else {
        return Vec::new();
    };
    let component = Component {
        name: NAME,
        version: None,
    };
    let full_name = name(store, NAME);
    let config = config(redis);
    let mut objects = vec![
        pod::account(store, component),
        Object::new(
            Kind::ConfigMap,
            &full_name,
            &ConfigMap {
                metadata: object_meta(store, component),
                data: Some(BTreeMap::from([(CONFIG_FILE.to_owned(), config.clone())])),
                ..ConfigMap::default()
            },
        ),
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
        // One: two caches behind one name would each know half of what the gateway counts.
        pod::deployment(
            store,
            component,
            &Replicas::Fixed(1),
            pod(store, redis, config),
        ),
    ];
    if store.network.enabled {
        let callers = SERVICES.iter().filter(|needs| needs.redis);
        let ingress = NetworkPolicyIngressRule {
            from: Some(callers.map(|needs| pods_of(store, needs.name)).collect()),
            ports: Some(vec![tcp(PORT)]),
        };
        let policy = policy(store, component, vec![ingress], Vec::new());
        objects.push(Object::new(Kind::NetworkPolicy, &full_name, &policy));
    }
    objects
}

fn config(redis: &InClusterRedis) -> String {
    let max_memory = redis.memory_bytes / 4 * 3;
    format!(
        "# The password is in a file of its own, from a Secret.\n\
         include /etc/redis/secret/{PASSWORD_FILE}\n\
         port {PORT}\n\
         dir /data\n\
         save \"\"\n\
         appendonly no\n\
         maxmemory {max_memory}\n\
         maxmemory-policy allkeys-lru\n\
         tcp-keepalive 60\n"
    )
}

fn pod(store: &ValidStore, redis: &InClusterRedis, config: String) -> Pod {
    let secret = redis_secret(&store.name);
    let mount = |name: &str, path: &str, read_only: bool| VolumeMount {
        name: name.to_owned(),
        mount_path: path.to_owned(),
        read_only: read_only.then_some(true),
        ..VolumeMount::default()
    };
    Pod {
        image: redis.image.clone(),
        init: Vec::new(),
        command: vec![
            "redis-server".to_owned(),
            format!("/etc/redis/config/{CONFIG_FILE}"),
        ],
        args: Vec::new(),
        env: Vec::new(),
        ports: vec![ContainerPort {
            name: Some(NAME.to_owned()),
            container_port: PORT,
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }],
        live: Some(ProbeHandler::Tcp(NAME)),
        ready: Some(ProbeHandler::Tcp(NAME)),
        volumes: vec![
            Volume {
                name: "config".to_owned(),
                config_map: Some(ConfigMapVolumeSource {
                    name: name(store, NAME),
                    default_mode: Some(0o444),
                    ..ConfigMapVolumeSource::default()
                }),
                ..Volume::default()
            },
            pod::secret_files("secret", &secret, &[PASSWORD_FILE], 0o440),
            Volume {
                name: "data".to_owned(),
                empty_dir: Some(EmptyDirVolumeSource {
                    size_limit: Some(Quantity("16Mi".to_owned())),
                    ..EmptyDirVolumeSource::default()
                }),
                ..Volume::default()
            },
        ],
        mounts: vec![
            mount("config", "/etc/redis/config", true),
            mount("secret", "/etc/redis/secret", true),
            mount("data", "/data", false),
        ],
        requests: BTreeMap::from([
            ("cpu".to_owned(), Quantity("20m".to_owned())),
            ("memory".to_owned(), Quantity("32Mi".to_owned())),
        ]),
        limits: BTreeMap::from([("memory".to_owned(), redis.memory.clone())]),
        scheduling: Scheduling::default(),
        annotations: BTreeMap::new(),
        scraped: false,
        drains: false,
        stops_within: None,
        restart_policy: None,
        config: vec![
            config,
            store.digest(&SecretKey {
                name: secret,
                key: PASSWORD_FILE.to_owned(),
            }),
        ],
    }
}
