//! What was found in the cluster, as data: the pure steps read nothing else.

use crate::databases::mariadb::keep::Standing;
use crate::desired::{Key, Kind};
use kube::api::DynamicObject;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was found in the cluster about one store.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// The Secrets that the store names, by name; `None` where there is none.
    pub secrets: BTreeMap<String, Option<SecretFacts>>,
    /// The objects that carry the store's labels.
    pub live: BTreeMap<Key, Arc<DynamicObject>>,
    /// How the `MariaDB` beside the shop stands, once somebody has looked.
    pub mariadb: Option<Standing>,
    /// Optional kinds that the cluster does not know.
    pub missing_kinds: BTreeSet<Kind>,
}

/// What may be known of a Secret without knowing what is secret in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecretFacts {
    /// A digest of each value, by key.
    pub digests: BTreeMap<String, String>,
    /// The public half of the keys in it, if it is one that holds keys: a JWKS.
    pub public_keys: Option<String>,
    /// The names of the database users in it, if it is one that holds accounts.
    pub users: Vec<String>,
}
