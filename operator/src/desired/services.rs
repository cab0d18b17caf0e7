//! The services: one builder over a table of what each needs.

use super::meta::{Component, identity_secret, name, object_meta, selector_labels};
use super::pod::{self, Pod, ProbeHandler};
use super::{Kind, Object, autoscaling, network};
use crate::api::v1alpha1::{Language, LogFormat, SecretKey, ServiceSpec, ServicesSpec};
use crate::validate::{Redis, ValidService, ValidStore};
use k8s_openapi::api::core::v1::{
    ContainerPort, EnvVar, EnvVarSource, SecretKeySelector, Service, ServiceAccount, ServicePort,
    ServiceSpec as CoreServiceSpec, VolumeMount,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// What a service needs of the shop.
#[derive(Debug)]
pub struct Needs {
    /// Its name.
    pub name: &'static str,
    /// Where a store says how it runs.
    pub spec: fn(&ServicesSpec) -> &ServiceSpec,
    /// The services that it calls: it learns their addresses, and the network lets it.
    pub calls: &'static [&'static str],
    /// The `MongoDB` database that is its own.
    pub mongodb: Option<&'static str>,
    /// Whether it uses the shared cache.
    pub redis: bool,
    /// Whether it verifies tokens.
    pub identity: bool,
    /// Whether shoppers' requests come to it first.
    pub entry: bool,
    /// Requests and limits, unless the store says otherwise: CPU request, memory request, memory limit.
    pub resources: (&'static str, &'static str, &'static str),
    /// What else it is told.
    pub env: fn(&ValidStore) -> Vec<EnvVar>,
}

/// Every service of a shop.
pub static SERVICES: [Needs; 3] = [
    Needs {
        name: "catalog",
        spec: |services| &services.catalog,
        calls: &[],
        mongodb: Some("catalog"),
        redis: false,
        identity: true,
        entry: false,
        // The search index of 100,000 products is in memory.
        resources: ("50m", "96Mi", "384Mi"),
        env: |_| Vec::new(),
    },
    Needs {
        name: "gateway",
        spec: |services| &services.gateway,
        calls: &["catalog", "storefront"],
        mongodb: None,
        redis: true,
        identity: true,
        entry: true,
        resources: ("50m", "32Mi", "192Mi"),
        env: |store| {
            let mut env = vec![value("PUBLIC_URL", &store.url)];
            if let Some(expose) = store
                .expose
                .as_ref()
                .filter(|expose| !expose.trusted_proxies.is_empty())
            {
                env.push(value("TRUSTED_PROXIES", &expose.trusted_proxies.join(",")));
            }
            env
        },
    },
    Needs {
        name: "storefront",
        spec: |services| &services.storefront,
        calls: &["catalog"],
        mongodb: None,
        redis: false,
        identity: false,
        entry: false,
        resources: ("50m", "32Mi", "128Mi"),
        env: |store| {
            vec![
                value("PUBLIC_URL", &store.url),
                value("CURRENCY", &store.shop.currency),
                value(
                    "DEFAULT_LANGUAGE",
                    match store.shop.default_language {
                        Language::En => "en",
                        Language::Fr => "fr",
                    },
                ),
            ]
        },
    },
];

/// Where the public keys are mounted.
const IDENTITY_DIR: &str = "/etc/amazoff/identity";
const JWKS: &str = "jwks.json";

/// Everything one service consists of.
pub(super) fn objects(store: &ValidStore, service: &ValidService) -> Vec<Object> {
    let component = Component {
        name: service.needs.name,
        version: service.version.as_deref(),
    };
    let full_name = name(store, component.name);
    let mut objects = vec![
        Object::new(
            Kind::ServiceAccount,
            &full_name,
            &ServiceAccount {
                metadata: object_meta(store, component),
                automount_service_account_token: Some(false),
                ..ServiceAccount::default()
            },
        ),
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
    let mut volumes = Vec::new();
    let mut mounts = Vec::new();
    let mut used = secrets(store, service);
    if needs.identity {
        let secret = identity_secret(&store.name);
        volumes.push(pod::secret_file("identity", &secret, JWKS, 0o444));
        mounts.push(VolumeMount {
            name: "identity".to_owned(),
            mount_path: IDENTITY_DIR.to_owned(),
            read_only: Some(true),
            ..VolumeMount::default()
        });
        used.push(SecretKey {
            name: secret,
            key: JWKS.to_owned(),
        });
    }
    Pod {
        image: service.image.clone(),
        command: Vec::new(),
        env: env(store, service),
        ports: vec![port("http", 8080), port("admin", 9090)],
        // Live as soon as the server listens; ready once what it cannot work without is there.
        live: ProbeHandler::Http("/health/live"),
        ready: ProbeHandler::Http("/health/ready"),
        volumes,
        mounts,
        requests: service.requests.clone(),
        limits: service.limits.clone(),
        scheduling: service.scheduling.clone(),
        annotations: service.annotations.clone(),
        scraped: true,
        drains: true,
        config: used.iter().map(|key| store.digest(key)).collect(),
    }
}

/// The Secrets whose change replaces the pods, apart from the identity's.
fn secrets(store: &ValidStore, service: &ValidService) -> Vec<SecretKey> {
    let mut used = Vec::new();
    if service.needs.mongodb.is_some() {
        used.push(store.mongodb.uri_secret.clone());
    }
    if service.needs.redis {
        used.extend(store.redis.url_secret(&store.name));
    }
    used.extend(service.env.iter().filter_map(secret_of));
    used
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
fn env(store: &ValidStore, service: &ValidService) -> Vec<EnvVar> {
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
    if needs.redis
        && let Some(key) = store.redis.url_secret(&store.name)
    {
        env.push(secret_value("REDIS_URL", &key));
    }
    if needs.identity {
        env.push(value("JWKS_FILE", &format!("{IDENTITY_DIR}/{JWKS}")));
    }
    env.extend((needs.env)(store));
    env.retain(|variable| service.env.iter().all(|own| own.name != variable.name));
    env.extend(service.env.iter().cloned());
    env
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

fn value(name: &str, value: &str) -> EnvVar {
    EnvVar {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        value_from: None,
    }
}

fn secret_value(name: &str, key: &SecretKey) -> EnvVar {
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
