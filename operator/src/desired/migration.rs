//! Brings the tables of a service up to date: a Job for each version, and the only pods with a user that may change tables.
//!
//! The service's own pods wait until they find applied what they need (`MIGRATIONS=await`), so nothing is held up here: the
//! rollout of Kubernetes keeps the pods before them serving meanwhile.

use super::meta::{Component, name, object_meta};
use super::network::{pods_of, policy, to};
use super::pod::{self, Pod};
use super::services::{env, secret_of, secret_value};
use super::{Kind, Object, mariadb};
use crate::api::v1alpha1::SecretKey;
use crate::credentials::schema_key;
use crate::secrets::hex;
use crate::validate::{Mariadb, ValidService, ValidStore};
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The component that all of them are pods of.
pub(super) const NAME: &str = "migration";
/// How often one is tried again that failed. It waits for its database by itself; what fails is most likely a migration that is wrong.
const RETRIES: i32 = 2;

/// How the names of a service's Jobs begin. After it comes a digest of all that makes the Job what it is, so that another
/// version is another Job: Kubernetes lets no Job's pods be changed.
pub fn job_prefix(store: &ValidStore, service: &str) -> String {
    format!("{}-migrate-", name(store, service))
}

/// A Job for each service with tables, and what they have in common.
pub(super) fn objects(store: &ValidStore) -> Vec<Object> {
    let component = Component {
        name: NAME,
        version: None,
    };
    let full_name = name(store, NAME);
    let services = store.services.iter();
    let mut objects: Vec<Object> = services
        .filter(|service| service.needs.mariadb.is_some())
        .map(|service| job(store, service))
        .collect();
    if objects.is_empty() {
        return objects;
    }
    objects.push(pod::account(store, component));
    if store.network.enabled {
        let egress = match &store.mariadb {
            Mariadb::InCluster(_) => {
                let members = pods_of(store, mariadb::NAME);
                to(Some(members), mariadb::PORT)
            }
            Mariadb::External(external) => to(None, external.port),
        };
        let policy = policy(store, component, Vec::new(), vec![egress]);
        objects.push(Object::new(Kind::NetworkPolicy, &full_name, &policy));
    }
    objects
}

fn job(store: &ValidStore, service: &ValidService) -> Object {
    let component = Component {
        name: NAME,
        version: service.version.as_deref(),
    };
    let template = pod::template(store, component, pod(store, service));
    let digest = Sha256::digest(json!(template).to_string());
    let name = job_prefix(store, service.needs.name) + &hex(&digest[..3]);
    let job = Job {
        metadata: ObjectMeta {
            name: Some(name.clone()),
            ..object_meta(store, component)
        },
        spec: Some(JobSpec {
            backoff_limit: Some(RETRIES),
            template,
            ..JobSpec::default()
        }),
        ..Job::default()
    };
    Object::new(Kind::Job, &name, &job)
}

fn pod(store: &ValidStore, service: &ValidService) -> Pod {
    let serving = store.mariadb.url_secret(&store.name, service.needs.name);
    let schema = schema_url(store, &serving);
    let env = env(store, service).into_iter();
    let env = env.map(|variable| match secret_of(&variable) {
        Some(secret) if secret == serving => secret_value(&variable.name, &schema),
        _ => variable,
    });
    Pod {
        image: service.image.clone(),
        init: Vec::new(),
        command: Vec::new(),
        args: vec!["migrate".to_owned()],
        env: env.collect(),
        ports: Vec::new(),
        live: None,
        ready: None,
        volumes: Vec::new(),
        mounts: Vec::new(),
        requests: service.requests.clone(),
        limits: service.limits.clone(),
        scheduling: service.scheduling.clone(),
        annotations: BTreeMap::new(),
        scraped: false,
        drains: false,
        stops_within: None,
        // A failed one is kept, so that its log can be read.
        restart_policy: Some("Never"),
        config: vec![store.digest(&schema)],
    }
}

/// Where the connection string of the user is that may change tables. Who runs `MariaDB` elsewhere may have one user for both.
fn schema_url(store: &ValidStore, serving: &SecretKey) -> SecretKey {
    let schema = SecretKey {
        name: serving.name.clone(),
        key: schema_key(&serving.key),
    };
    match store.mariadb {
        Mariadb::External(_) if !store.has(&schema) => serving.clone(),
        _ => schema,
    }
}
