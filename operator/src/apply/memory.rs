//! What was written lately.

use super::Target;
use crate::desired::Key;
use crate::difference::essence;
use kube::ResourceExt;
use kube::api::DynamicObject;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was written lately, so that a cache that has not heard of it yet does not have it written again, and so that a change
/// of the store can be told from somebody else's.
#[derive(Default)]
pub struct Memory(Mutex<HashMap<(String, String), HashMap<Key, Written>>>);

#[derive(Clone)]
pub(super) struct Written {
    pub(super) desired: u64,
    pub(super) essence: u64,
    /// Until the cache has moved on from the version that was written over.
    overlay: Option<Overlay>,
}

#[derive(Clone)]
struct Overlay {
    before: Option<String>,
    now: Option<Arc<DynamicObject>>,
}

impl Memory {
    /// Nothing more will be asked about this store.
    pub fn forget(&self, namespace: &str, store: &str) {
        self.stores()
            .remove(&(namespace.to_owned(), store.to_owned()));
    }

    /// What a cache says, corrected by what it cannot have heard of yet.
    pub fn newest(
        &self,
        namespace: &str,
        store: &str,
        mut live: BTreeMap<Key, Arc<DynamicObject>>,
    ) -> BTreeMap<Key, Arc<DynamicObject>> {
        let mut stores = self.stores();
        let Some(written) = stores.get_mut(&(namespace.to_owned(), store.to_owned())) else {
            return live;
        };
        for (key, entry) in written {
            let Some(overlay) = &entry.overlay else {
                continue;
            };
            if live.get(key).and_then(|object| object.resource_version()) != overlay.before {
                entry.overlay = None;
                continue;
            }
            match &overlay.now {
                Some(object) => live.insert(key.clone(), Arc::clone(object)),
                None => live.remove(key),
            };
        }
        live
    }

    pub(super) fn last(&self, target: &Target<'_>, key: &Key) -> Option<Written> {
        let stores = self.stores();
        let written = stores.get(&(target.namespace.to_owned(), target.store.to_owned()))?;
        written.get(key).filter(|entry| entry.desired != 0).cloned()
    }

    pub(super) fn wrote(
        &self,
        target: &Target<'_>,
        key: &Key,
        desired: u64,
        before: Option<&Arc<DynamicObject>>,
        now: Option<&Arc<DynamicObject>>,
    ) {
        let essence = now.map_or(0, |object| fingerprint(&essence(&value(object))));
        let before = before.and_then(|object| object.resource_version());
        // A patch that changes nothing brings no event, so the cache would never move on.
        let unchanged = now.is_some_and(|object| object.resource_version() == before);
        let mut stores = self.stores();
        let written = stores
            .entry((target.namespace.to_owned(), target.store.to_owned()))
            .or_default();
        let earlier = written.get(key).and_then(|entry| entry.overlay.clone());
        let overlay = match earlier {
            earlier if unchanged => earlier,
            // Two writes in a row: the cache may still be where it was before the first.
            Some(earlier) if version(earlier.now.as_ref()) == before => Some(Overlay {
                before: earlier.before,
                now: now.cloned(),
            }),
            _ => Some(Overlay {
                before,
                now: now.cloned(),
            }),
        };
        written.insert(
            key.clone(),
            Written {
                desired,
                essence,
                overlay,
            },
        );
    }

    fn stores(&self) -> MutexGuard<'_, HashMap<(String, String), HashMap<Key, Written>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

pub(super) fn fingerprint(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.to_string().hash(&mut hasher);
    hasher.finish()
}

fn version(object: Option<&Arc<DynamicObject>>) -> Option<String> {
    object.and_then(|object| object.resource_version())
}
