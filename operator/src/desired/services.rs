//! The services: one builder over a table of what each needs.

use super::identity::{self, JWKS};
use super::meta::{Component, keys_secret, mariadb_secret, name, object_meta, selector_labels};
use super::needs::Files;
use super::pod::{self, Pod, ProbeHandler};
use super::{Kind, Object, autoscaling, network};
use crate::api::v1alpha1::{LogFormat, SecretKey};
use crate::secrets::{SEAL_KEY, SIGNING_KEY};
use crate::validate::{Mariadb, Redis, ValidService, ValidStore};
use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, ContainerPort, EnvVar, EnvVarSource, SecretKeySelector, Service,
    ServicePort, ServiceSpec as CoreServiceSpec, Volume, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Where keys and other files are mounted, each Secret as a folder.
const FILES: &str = "/etc/amazoff";

/// Everything one service consists of.
pub(super) fn objects(store: &ValidStore, service: &ValidService) -> Vec<Object> {
    let component = Component {
        name: service.needs.name,
        version: service.version.as_deref(),
    };
    let full_name = name(store, component.name);
    let mut objects = vec![
        pod::account(store, component),
        Object::new(
            Kind::Service,
            &full_name,
            &Service {
                metadata: object_meta(store, component),
                spec: Some(CoreServiceSpec {
                    selector: Some(selector_labels(store, component.name)),
                    ports: Some(vec![ServicePort {
                        name: Some("http".to_owned()),
                        port: 80,
                        protocol: Some("TCP".to_owned()),
                        target_port: Some(IntOrString::String("http".to_owned())),
                        app_protocol: Some("http".to_owned()),
                        ..ServicePort::default()
                    }]),
                    ..CoreServiceSpec::default()
                }),
                ..Service::default()
            },
        ),
        pod::deployment(store, component, &service.replicas, pod(store, service)),
        Object::new(
            Kind::PodDisruptionBudget,
            &full_name,
            &autoscaling::disruption_budget(store, component),
        ),
    ];
    if let Some(autoscaler) = autoscaling::autoscaler(store, component, &service.replicas) {
        objects.push(Object::new(
            Kind::HorizontalPodAutoscaler,
            &full_name,
            &autoscaler,
        ));
    }
    if store.network.enabled {
        objects.push(Object::new(
            Kind::NetworkPolicy,
            &full_name,
            &network::of_service(store, component, service.needs),
        ));
    }
    objects
}

fn pod(store: &ValidStore, service: &ValidService) -> Pod {
    let needs = service.needs;
    let env = env(store, service);
    // Whatever of this changes replaces the pods.
    let mut used: Vec<SecretKey> = env.iter().filter_map(secret_of).collect();
    let mut volumes = Vec::new();
    for Files {
        folder,
        secret,
        keys,
    } in files(store, service)
    {
        volumes.push(pod::secret_files(folder, &secret, keys, 0o440));
        used.extend(keys.iter().map(|key| SecretKey {
            name: secret.clone(),
            key: (*key).to_owned(),
        }));
    }
    if needs.identity {
        // Not among what is used: a service reads new keys by itself.
        volumes.push(Volume {
            name: identity::NAME.to_owned(),
            config_map: Some(ConfigMapVolumeSource {
                name: name(store, identity::NAME),
                default_mode: Some(0o444),
                ..ConfigMapVolumeSource::default()
            }),
            ..Volume::default()
        });
    }
    let mounts = volumes.iter().map(|volume| VolumeMount {
        name: volume.name.clone(),
        mount_path: format!("{FILES}/{}", volume.name),
        read_only: Some(true),
        ..VolumeMount::default()
    });
    let mounts = mounts.collect();
    Pod {
        image: service.image.clone(),
        init: Vec::new(),
        command: Vec::new(),
        args: Vec::new(),
        env,
        ports: vec![port("http", 8080), port("admin", 9090)],
        // Live as soon as the server listens; ready once what it cannot work without is there.
        live: Some(ProbeHandler::Http("/health/live")),
        ready: Some(ProbeHandler::Http("/health/ready")),
        volumes,
        mounts,
        requests: service.requests.clone(),
        limits: service.limits.clone(),
        scheduling: service.scheduling.clone(),
        annotations: service.annotations.clone(),
        scraped: true,
        drains: true,
        stops_within: None,
        restart_policy: None,
        config: used.iter().map(|key| store.digest(key)).collect(),
    }
}

/// What it reads as files: its own keys, and what else it needs.
fn files(store: &ValidStore, service: &ValidService) -> Vec<Files> {
    let needs = service.needs;
    let mut files = (needs.files)(store);
    let own: &[&str] = match (needs.keys.may.is_some(), needs.keys.seals) {
        (true, true) => &[SIGNING_KEY, SEAL_KEY],
        (true, false) => &[SIGNING_KEY],
        (false, true) => &[SEAL_KEY],
        (false, false) => return files,
    };
    files.push(Files {
        folder: "keys",
        secret: keys_secret(&store.name, needs.name),
        keys: own,
    });
    files
}

/// The Secret that an environment variable takes its value from.
pub fn secret_of(variable: &EnvVar) -> Option<SecretKey> {
    let source = variable.value_from.as_ref()?.secret_key_ref.as_ref()?;
    Some(SecretKey {
        name: source.name.clone(),
        key: source.key.clone(),
    })
}

/// What the operator says, and then what the store says.
pub(super) fn env(store: &ValidStore, service: &ValidService) -> Vec<EnvVar> {
    let needs = service.needs;
    let mut env = vec![
        value(
            "LOG_FORMAT",
            match store.observability.log_format {
                LogFormat::Json => "json",
                LogFormat::Pretty => "pretty",
            },
        ),
        value("LOG_FILTER", &store.observability.log_level),
        value("SHUTDOWN_DRAIN_MS", pod::DRAIN_MS),
        value("SHUTDOWN_GRACE_MS", pod::GRACE_MS),
    ];
    if let Some(endpoint) = &store.observability.otlp_endpoint {
        env.push(value("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint));
    }
    for callee in needs.calls {
        env.push(value(
            &format!("{}_URL", callee.to_uppercase()),
            &format!("http://{}", name(store, callee)),
        ));
    }
    if let Some(database) = needs.mongodb {
        env.push(secret_value("MONGODB_URI", &store.mongodb.uri_secret));
        env.push(value(
            "MONGODB_DATABASE",
            &format!("{}{database}", store.mongodb.database_prefix),
        ));
    }
    if needs.mariadb.is_some() {
        let url = store.mariadb.url_secret(&store.name, needs.name);
        env.push(secret_value("MARIADB_URL", &url));
        env.push(value("MIGRATIONS", "await"));
    }
    if needs.redis
        && let Some(key) = store.redis.url_secret(&store.name)
    {
        env.push(secret_value("REDIS_URL", &key));
    }
    let file = |variable: &str, path: &str| value(variable, &format!("{FILES}/{path}"));
    if needs.identity {
        env.push(file("JWKS_FILE", &format!("{}/{JWKS}", identity::NAME)));
    }
    if needs.keys.may.is_some() {
        env.push(file("SIGNING_KEY_FILE", &format!("keys/{SIGNING_KEY}")));
    }
    if needs.keys.seals {
        env.push(file("MASTER_KEY_FILE", &format!("keys/{SEAL_KEY}")));
    }
    if needs.keys.signs_for_people {
        env.push(file("TOKEN_KEY_FILE", &format!("token/{SIGNING_KEY}")));
    }
    if !needs.tells.is_empty() {
        let sinks = needs.tells.iter().map(|sink| {
            let at = name(store, sink);
            format!("{sink}=http://{at}/internal/v1/events")
        });
        env.push(value("EVENT_SINKS", &sinks.collect::<Vec<_>>().join(" ")));
    }
    env.extend((needs.env)(store));
    env.retain(|variable| service.env.iter().all(|own| own.name != variable.name));
    env.extend(service.env.iter().cloned());
    env
}

impl Mariadb {
    /// Where a service's connection string is.
    pub(super) fn url_secret(&self, store: &str, service: &str) -> SecretKey {
        let name = match self {
            Self::InCluster(_) => mariadb_secret(store),
            Self::External(external) => external.secret_name.clone(),
        };
        SecretKey {
            name,
            key: service.to_owned(),
        }
    }
}

impl Redis {
    /// Where its address is, password and all.
    fn url_secret(&self, store: &str) -> Option<SecretKey> {
        match self {
            Self::InCluster(_) => Some(SecretKey {
                name: super::meta::redis_secret(store),
                key: "url".to_owned(),
            }),
            Self::External(external) => Some(external.uri_secret.clone()),
            Self::Disabled => None,
        }
    }
}

/// An environment variable with a value that anybody may see.
pub(super) fn value(name: &str, value: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        value_from: None,
    }
}

/// An environment variable whose value is in a Secret.
pub(super) fn secret_value(name: &str, key: &SecretKey) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: None,
        value_from: Some(EnvVarSource {
            secret_key_ref: Some(SecretKeySelector {
                name: key.name.clone(),
                key: key.key.clone(),
                optional: None,
            }),
            ..EnvVarSource::default()
        }),
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
