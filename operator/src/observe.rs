//! Every read. What the operator made is read from caches, which watches keep fresh; Secrets are read by name, each time,
//! so that the operator needs no permission to list them and keeps none in memory.

use crate::apply::Memory;
use crate::chain::chain;
use crate::credentials;
use crate::desired::meta::{INSTANCE, MANAGED_BY};
use crate::desired::{Key, Kind};
use crate::secrets::{PUBLIC_KEYS, hex};
use crate::world::{SecretFacts, World};
use futures::{Stream, StreamExt, stream};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject, TypeMeta};
use kube::runtime::reflector::{Store, store::Writer};
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Client, ResourceExt};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How long until a kind that the cluster does not know is looked for again.
const LOOK_AGAIN: Duration = Duration::from_secs(20);

/// What the API server has of everything that the operator made, in one namespace or in all.
#[derive(Default)]
pub struct Caches {
    kinds: HashMap<Kind, Cache>,
}

struct Cache {
    store: Store<DynamicObject>,
    known: Arc<AtomicBool>,
}

/// A read that failed.
#[derive(Debug, thiserror::Error)]
pub enum ObserveError {
    /// A Secret cannot be read.
    #[error("secret {name} cannot be read")]
    Secret {
        /// Its name.
        name: String,
        /// Why.
        #[source]
        source: kube::Error,
    },
    /// The watches ended.
    #[error("the watches have ended")]
    Closed,
}

impl Caches {
    /// Watches one more kind; the stream is to be polled for as long as the cache is used.
    pub fn watch(
        &mut self,
        client: Client,
        namespace: Option<&str>,
        kind: Kind,
    ) -> impl Stream<Item = Result<DynamicObject, watcher::Error>> + Send + use<> {
        let resource = kind.resource();
        let writer = Writer::new(resource.clone());
        let known = Arc::new(AtomicBool::new(!kind.is_optional()));
        self.kinds.insert(
            kind,
            Cache {
                store: writer.as_reader(),
                known: Arc::clone(&known),
            },
        );
        let api: Api<DynamicObject> = match namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
            None => Api::all_with(client.clone(), &resource),
        };
        stream::once(async move {
            while !known.load(Ordering::Acquire) {
                if knows(&client, kind).await {
                    known.store(true, Ordering::Release);
                } else {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
            }
        })
        .flat_map(move |()| {
            watcher(api.clone(), owned())
                .default_backoff()
                .modify(move |object| slim(kind, object))
        })
        .reflect(writer)
        .touched_objects()
    }

    /// Returns once every watch that can has brought in all there is. For one waiter only: kube wakes no more than the last
    /// who asked.
    pub async fn ready(&self) -> Result<(), ObserveError> {
        for (kind, cache) in &self.kinds {
            if !kind.is_optional() {
                cache
                    .store
                    .wait_until_ready()
                    .await
                    .map_err(|_closed| ObserveError::Closed)?;
            }
        }
        Ok(())
    }

    fn live(&self, namespace: &str, store: &str) -> BTreeMap<Key, Arc<DynamicObject>> {
        let mut live = BTreeMap::new();
        for (&kind, cache) in &self.kinds {
            let objects = cache.store.state_filter(|object| {
                object.metadata.namespace.as_deref() == Some(namespace)
                    && object
                        .labels()
                        .get(INSTANCE)
                        .is_some_and(|instance| instance == store)
            });
            for object in objects {
                live.insert(
                    Key {
                        kind,
                        name: object.name_any(),
                    },
                    object,
                );
            }
        }
        live
    }

    fn missing_kinds(&self) -> BTreeSet<Kind> {
        let missing = self
            .kinds
            .iter()
            .filter(|(_, cache)| !cache.known.load(Ordering::Acquire));
        missing.map(|(&kind, _)| kind).collect()
    }
}

/// Reads everything about one store: its objects from the caches, its Secrets from the API server.
pub async fn observe(
    client: &Client,
    caches: &Caches,
    memory: &Memory,
    namespace: &str,
    store: &str,
    secrets: BTreeSet<String>,
) -> Result<World, ObserveError> {
    let api: Api<Secret> = Api::namespaced(client.clone(), namespace);
    let mut world = World {
        secrets: BTreeMap::new(),
        live: memory.newest(namespace, store, caches.live(namespace, store)),
        missing_kinds: caches.missing_kinds(),
        mariadb: None,
    };
    for name in secrets {
        let secret = api
            .get_opt(&name)
            .await
            .map_err(|source| ObserveError::Secret {
                name: name.clone(),
                source,
            })?;
        world
            .secrets
            .insert(name, secret.map(|secret| facts(&secret)));
    }
    Ok(world)
}

fn facts(secret: &Secret) -> SecretFacts {
    let digest = |value: &[u8]| -> String { hex(&Sha256::digest(value)[..16]) };
    let data = secret.data.iter().flatten();
    let public_keys = secret
        .data
        .as_ref()
        .and_then(|data| data.get(PUBLIC_KEYS))
        .and_then(|value| String::from_utf8(value.0.clone()).ok());
    SecretFacts {
        digests: data
            .map(|(key, value)| (key.clone(), digest(&value.0)))
            .collect(),
        public_keys,
        users: credentials::users(secret),
    }
}

/// Only what the operator made: a big cluster's other objects neither fill memory nor wake anyone.
fn owned() -> watcher::Config {
    watcher::Config::default()
        .labels(&format!("app.kubernetes.io/managed-by={MANAGED_BY}"))
        .page_size(100)
}

/// Drops what is not looked at. Who owns `spec.replicas` of a Deployment is all that is asked of the managed fields.
fn slim(kind: Kind, object: &mut DynamicObject) {
    // The items of a list do not say what they are.
    let resource = kind.resource();
    object.types = Some(TypeMeta {
        api_version: resource.api_version,
        kind: resource.kind,
    });
    let Some(fields) = object.metadata.managed_fields.take() else {
        return;
    };
    if kind != Kind::Deployment {
        return;
    }
    let owners: Vec<_> = fields
        .into_iter()
        .filter(|entry| {
            entry
                .fields_v1
                .as_ref()
                .is_some_and(|f| f.0.pointer("/f:spec/f:replicas").is_some())
        })
        .map(|mut entry| {
            if let Some(fields) = &mut entry.fields_v1 {
                fields.0 = json!({"f:spec": {"f:replicas": {}}});
            }
            entry
        })
        .collect();
    object.metadata.managed_fields = Some(owners);
}

async fn knows(client: &Client, kind: Kind) -> bool {
    let resource = kind.resource();
    match client.list_api_group_resources(&resource.api_version).await {
        Ok(list) => list
            .resources
            .iter()
            .any(|known| known.name == resource.plural),
        Err(kube::Error::Api(status)) if status.code == 404 => false,
        Err(error) => {
            tracing::debug!(%kind, error = chain(&error), "the API group cannot be listed");
            false
        }
    }
}
