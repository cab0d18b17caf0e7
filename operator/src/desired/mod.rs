//! From a valid store to every object it consists of. Pure: the same store makes the same objects.

mod autoscaling;
mod expose;
pub mod identity;
pub mod mariadb;
pub mod meta;
pub mod migration;
mod monitoring;
pub mod needs;
mod network;
mod object;
mod pod;
pub mod redis;
pub mod services;

pub use object::{APPLIED, Key, Kind, Object};

use crate::validate::ValidStore;

/// Everything the store consists of, in the order in which it is applied.
pub fn desired(store: &ValidStore) -> Vec<Object> {
    let mut objects = Vec::new();
    for service in &store.services {
        objects.extend(services::objects(store, service));
    }
    objects.extend(identity::objects(store));
    objects.extend(mariadb::objects(store));
    objects.extend(migration::objects(store));
    objects.extend(redis::objects(store));
    objects.extend(network::objects(store));
    objects.extend(expose::objects(store));
    objects.extend(monitoring::objects(store));
    objects.sort_by(|a, b| a.key.cmp(&b.key));
    objects.iter_mut().for_each(Object::sign);
    objects
}
