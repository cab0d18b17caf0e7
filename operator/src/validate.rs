//! From the resource and the world to a store whose every value is typed, defaulted and sound. Pure.
//!
//! Most mistakes are refused by the API server, by the rules in `api/`. What is checked here is what those rules cannot
//! express, and what the cluster has to have.

mod secrets;
mod store;

pub use secrets::secret_names;
use secrets::{digests, missing};
pub use store::{
    Defaults, Entry, Expose, InClusterMariadb, InClusterRedis, Mariadb, Missing, Observability,
    Redis, Rejection, Replicas, Scheduling, Tls, ValidService, ValidStore,
};

use crate::api::v1alpha1::{
    AmazoffStore, AmazoffStoreSpec, ExposeSpec, RedisSpec, ResourcesSpec, SchedulingSpec, TlsSpec,
};
use crate::credentials;
use crate::desired::identity::jwks;
use crate::desired::meta::mariadb_secret;
use crate::desired::needs::{Needs, SERVICES};
use crate::quantity;
use crate::world::World;
use k8s_openapi::api::core::v1::Affinity;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use std::collections::BTreeMap;

/// Everything that is wrong, or a store that can be built.
pub fn validate(
    store: &AmazoffStore,
    world: &World,
    defaults: &Defaults,
) -> Result<ValidStore, Vec<Rejection>> {
    let mut checks = Checks::default();
    let spec = &store.spec;
    let name = store.metadata.name.clone().unwrap_or_default();
    let namespace = store.metadata.namespace.clone().unwrap_or_default();
    let version = spec
        .version
        .clone()
        .unwrap_or_else(|| defaults.version.clone());

    let Some(mongodb) = spec
        .mongodb
        .as_ref()
        .and_then(|mongodb| mongodb.external.clone())
    else {
        checks.reject(
            "spec.mongodb.external",
            "MongoDB inside the cluster is not available yet: say where yours is",
        );
        return Err(checks.rejections);
    };
    let services = SERVICES
        .iter()
        .map(|needs| service(&mut checks, needs, spec, &version, defaults))
        .collect::<Vec<_>>();
    let redis = redis(&mut checks, &spec.redis, defaults);
    let mariadb = mariadb(&mut checks, store, &name, world, defaults);
    let expose = spec
        .expose
        .as_ref()
        .map(|expose| entry(&mut checks, expose));
    let otlp_port = spec
        .observability
        .otlp_endpoint
        .as_ref()
        .and_then(|url| otlp_port(&mut checks, url));

    let inside = format!("http://{name}-gateway.{namespace}.svc");
    let url = spec
        .expose
        .as_ref()
        .map_or_else(|| inside.clone(), |expose| url_of(expose, &inside));
    let missing = missing(&namespace, spec, world);
    if !checks.rejections.is_empty() {
        return Err(checks.rejections);
    }
    Ok(ValidStore {
        uid: store.metadata.uid.clone().unwrap_or_default(),
        name: name.clone(),
        namespace,
        version,
        url,
        pull_policy: spec.image.pull_policy,
        pull_secrets: spec.image.pull_secrets.clone(),
        shop: spec.shop.clone(),
        expose: expose.flatten(),
        services,
        mongodb,
        mariadb,
        payment: spec.payment.clone(),
        mail: spec.mail.clone(),
        jwks: jwks(&name, world),
        redis,
        network: spec.network_policy.clone(),
        observability: Observability {
            otlp_endpoint: spec.observability.otlp_endpoint.clone(),
            otlp_port,
            log_format: spec.observability.log_format,
            log_level: spec.observability.log_level.clone(),
            pod_monitor: spec.observability.pod_monitor.clone(),
        },
        missing,
        digests: digests(world),
    })
}

#[derive(Default)]
struct Checks {
    rejections: Vec<Rejection>,
}

impl Checks {
    fn reject(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.rejections.push(Rejection {
            field: field.into(),
            message: message.into(),
        });
    }
}

fn service(
    checks: &mut Checks,
    needs: &'static Needs,
    spec: &AmazoffStoreSpec,
    version: &str,
    defaults: &Defaults,
) -> ValidService {
    let own = (needs.spec)(&spec.services);
    let field = format!("spec.services.{}", needs.name);
    let version = own.version.as_deref().unwrap_or(version);
    let repository = spec
        .image
        .repository
        .as_deref()
        .unwrap_or(&defaults.image_repository);
    let (cpu, memory, limit) = needs.resources;
    let (requests, limits) = resources(checks, &field, &own.resources, [cpu, memory, limit]);
    ValidService {
        needs,
        replicas: Replicas::of(own),
        image: own
            .image
            .clone()
            .unwrap_or_else(|| format!("{repository}/{}:{version}", needs.name)),
        version: (own.image.is_none() && is_label(version)).then(|| version.to_owned()),
        requests,
        limits,
        env: own.env.clone(),
        scheduling: scheduling(checks, &field, &own.scheduling),
        annotations: own.pod_annotations.clone(),
    }
}

/// Requests and limits: those of the store in front of the defaults (CPU request, memory request, memory limit).
fn resources(
    checks: &mut Checks,
    field: &str,
    own: &ResourcesSpec,
    [cpu, memory, limit]: [&str; 3],
) -> (BTreeMap<String, Quantity>, BTreeMap<String, Quantity>) {
    let mut requests = quantities([("cpu", cpu), ("memory", memory)]);
    let mut limits = quantities([("memory", limit)]);
    requests.extend(own.requests.clone());
    limits.extend(own.limits.clone());
    for (list, values) in [("requests", &requests), ("limits", &limits)] {
        for (resource, value) in values {
            if quantity::nanos(&value.0).is_none() {
                checks.reject(
                    format!("{field}.resources.{list}.{resource}"),
                    format!("{:?} is not a quantity", value.0),
                );
            }
        }
    }
    for (resource, request) in &requests {
        let limit = limits
            .get(resource)
            .and_then(|limit| quantity::nanos(&limit.0));
        if limit
            .is_some_and(|limit| quantity::nanos(&request.0).is_some_and(|request| request > limit))
        {
            checks.reject(
                format!("{field}.resources.limits.{resource}"),
                format!("the limit is below the request of {}; set both", request.0),
            );
        }
    }
    (requests, limits)
}

fn quantities<const N: usize>(values: [(&str, &str); N]) -> BTreeMap<String, Quantity> {
    values
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Quantity(value.to_owned())))
        .collect()
}

fn scheduling(checks: &mut Checks, field: &str, spec: &SchedulingSpec) -> Scheduling {
    let affinity =
        spec.affinity
            .clone()
            .and_then(|value| match serde_json::from_value::<Affinity>(value) {
                Ok(affinity) => Some(affinity),
                Err(error) => {
                    checks.reject(
                        format!("{field}.scheduling.affinity"),
                        format!("this is not an affinity: {error}"),
                    );
                    None
                }
            });
    Scheduling {
        node_selector: spec.node_selector.clone(),
        tolerations: spec.tolerations.clone(),
        affinity,
        topology_spread_constraints: spec.topology_spread_constraints.clone(),
        priority_class_name: spec.priority_class_name.clone(),
    }
}

/// Only what may be the value of a label becomes the version label.
fn is_label(text: &str) -> bool {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.len() <= 63
        && text.chars().all(inside)
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
}

fn redis(checks: &mut Checks, spec: &RedisSpec, defaults: &Defaults) -> Redis {
    if !spec.enabled {
        return Redis::Disabled;
    }
    if let Some(external) = &spec.external {
        return Redis::External(external.clone());
    }
    let own = spec.in_cluster.clone().unwrap_or_default();
    let memory = own.memory.unwrap_or_else(|| Quantity("96Mi".to_owned()));
    let memory_bytes = quantity::units(&memory.0).unwrap_or_default();
    if memory_bytes < 32 * 1024 * 1024 {
        checks.reject("spec.redis.inCluster.memory", "Redis needs 32Mi or more");
    }
    Redis::InCluster(InClusterRedis {
        image: own.image.unwrap_or_else(|| defaults.redis_image.clone()),
        memory,
        memory_bytes,
    })
}

fn mariadb(
    checks: &mut Checks,
    store: &AmazoffStore,
    name: &str,
    world: &World,
    defaults: &Defaults,
) -> Mariadb {
    let spec = &store.spec.mariadb;
    if let Some(external) = &spec.external {
        return Mariadb::External(external.clone());
    }
    let own = spec.in_cluster.clone().unwrap_or_default();
    let field = "spec.mariadb.inCluster";
    let (requests, limits) = resources(checks, field, &own.resources, ["100m", "256Mi", "1Gi"]);
    let memory_bytes = limits
        .get("memory")
        .and_then(|memory| quantity::units(&memory.0))
        .unwrap_or_default();
    if memory_bytes < 256 * 1024 * 1024 {
        checks.reject(
            format!("{field}.resources.limits.memory"),
            "MariaDB needs 256Mi or more",
        );
    }
    let secret = world.secrets.get(&mariadb_secret(name));
    let facts = secret.and_then(Option::as_ref);
    let standing = world.mariadb.as_ref();
    // An operator that has just started has not looked yet, but somebody before it has written down what was decided.
    let recorded = store
        .status
        .as_ref()
        .and_then(|status| status.mariadb.as_ref());
    let primary = standing
        .map(|standing| standing.primary)
        .or_else(|| recorded.map(|status| status.record.primary));
    let retiring = facts.map(|facts| credentials::retiring(own.credentials, facts));
    Mariadb::InCluster(InClusterMariadb {
        replicas: own.replicas,
        primary: primary.unwrap_or_default(),
        say: standing.map(|standing| standing.say.clone()),
        image: own.image.unwrap_or_else(|| defaults.mariadb_image.clone()),
        agent_image: defaults.operator_image.clone(),
        storage: own.storage.unwrap_or_else(|| Quantity("10Gi".to_owned())),
        storage_class: own.storage_class_name,
        requests,
        limits,
        memory_bytes,
        credentials: own.credentials,
        retiring: retiring.unwrap_or_default(),
    })
}

fn entry(checks: &mut Checks, spec: &ExposeSpec) -> Option<Expose> {
    let tls = spec.tls.as_ref().and_then(|tls| match tls {
        TlsSpec {
            secret_name: Some(secret),
            ..
        } => Some(Tls::Secret(secret.clone())),
        TlsSpec {
            issuer_ref: Some(issuer),
            ..
        } => Some(Tls::Issuer(issuer.clone())),
        TlsSpec {
            external: Some(true),
            ..
        } => Some(Tls::External),
        TlsSpec { .. } => None,
    });
    let entry = match (&spec.ingress, &spec.http_route) {
        (Some(ingress), None) => Entry::Ingress(ingress.clone()),
        (None, Some(route)) => Entry::HttpRoute(route.clone()),
        _ => {
            checks.reject("spec.expose", "set exactly one of ingress and httpRoute");
            return None;
        }
    };
    Some(Expose {
        host: spec.host.clone(),
        tls,
        entry,
        trusted_proxies: spec.trusted_proxies.clone(),
    })
}

fn url_of(expose: &ExposeSpec, inside: &str) -> String {
    let scheme = if expose.tls.is_some() {
        "https"
    } else {
        "http"
    };
    match (&expose.url, &expose.host) {
        (Some(url), _) => url.clone(),
        (None, Some(host)) => format!("{scheme}://{host}"),
        (None, None) => inside.to_owned(),
    }
}

fn otlp_port(checks: &mut Checks, url: &str) -> Option<i32> {
    let Ok(uri) = url.parse::<http::Uri>() else {
        checks.reject("spec.observability.otlpEndpoint", "this is not a URL");
        return None;
    };
    let usual = if uri.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    Some(uri.port_u16().map_or(usual, i32::from))
}
