//! The public keys that every service verifies tokens with: whose each is, and what a service may do with its own.

use super::meta::{Component, identity_secret, keys_secret, name, object_meta};
use super::needs::SERVICES;
use super::{Kind, Object};
use crate::validate::ValidStore;
use crate::world::World;
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The part of the names of its objects.
pub(super) const NAME: &str = "identity";
/// In the `ConfigMap`, and the name of the file.
pub(super) const JWKS: &str = "jwks.json";

/// One key set of all that is public in the store's Secrets. What a service may do stands here and not in its tokens: nobody grants
/// itself anything.
pub fn jwks(store: &str, world: &World) -> String {
    let keys_in = |secret: &str| -> Vec<Value> {
        let facts = world.secrets.get(secret).and_then(Option::as_ref);
        let text = facts.and_then(|facts| facts.public_keys.as_deref());
        let set = text.and_then(|text| serde_json::from_str::<Value>(text).ok());
        let keys = set.as_ref().and_then(|set| set["keys"].as_array());
        keys.cloned().unwrap_or_default()
    };
    let mut keys = keys_in(&identity_secret(store));
    for needs in &SERVICES {
        let Some(may) = needs.keys.may else { continue };
        for mut key in keys_in(&keys_secret(store, needs.name)) {
            key["sub"] = json!(format!("service:{}", needs.name));
            key["permissions"] = json!(may);
            keys.push(key);
        }
    }
    json!({ "keys": keys }).to_string()
}

/// The `ConfigMap` that holds them. Services read it again when it changes, so nothing is restarted for a key.
pub(super) fn objects(store: &ValidStore) -> Vec<Object> {
    let component = Component {
        name: NAME,
        version: None,
    };
    vec![Object::new(
        Kind::ConfigMap,
        &name(store, NAME),
        &ConfigMap {
            metadata: object_meta(store, component),
            data: Some(BTreeMap::from([(JWKS.to_owned(), store.jwks.clone())])),
            ..ConfigMap::default()
        },
    )]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::SecretFacts;

    #[test]
    fn a_services_key_signs_for_that_service_alone_and_says_what_it_may() {
        let mut world = World::default();
        let mut put = |secret: &str, kid: &str| {
            let facts = SecretFacts {
                public_keys: Some(json!({"keys": [{"kid": kid}]}).to_string()),
                ..SecretFacts::default()
            };
            world.secrets.insert(secret.to_owned(), Some(facts));
        };
        put("shop-identity", "people");
        put("shop-orders-keys", "orders");
        let set: Value = serde_json::from_str(&jwks("shop", &world)).expect("JSON");
        assert_eq!(
            set,
            json!({"keys": [
                {"kid": "people"},
                {"kid": "orders", "sub": "service:orders", "permissions": ["events:send"]},
            ]})
        );
    }
}
