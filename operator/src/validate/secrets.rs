//! The Secrets that a store has to do with: which they are, which are not there, and what may be known of the others.

use super::Missing;
use crate::api::v1alpha1::{AmazoffStoreSpec, SecretKey};
use crate::desired::meta::{
    identity_secret, keys_secret, mariadb_secret, members_secret, redis_secret,
};
use crate::desired::needs::SERVICES;
use crate::desired::services::secret_of;
use crate::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// The Secrets that a store names, and those that the operator makes for it.
pub fn secret_names(store: &str, spec: &AmazoffStoreSpec) -> BTreeSet<String> {
    let mut names = BTreeSet::from([identity_secret(store)]);
    if let Some(external) = spec
        .mongodb
        .as_ref()
        .and_then(|mongodb| mongodb.external.as_ref())
    {
        names.insert(external.uri_secret.name.clone());
    }
    match &spec.mariadb.external {
        Some(external) => {
            names.insert(external.secret_name.clone());
        }
        None => names.extend([mariadb_secret(store), members_secret(store)]),
    }
    names.extend(spec.mail.iter().map(|mail| mail.uri_secret.name.clone()));
    let (stripe, paypal) = (&spec.payment.stripe, &spec.payment.paypal);
    names.extend(stripe.iter().map(|stripe| stripe.secret_name.clone()));
    names.extend(paypal.iter().map(|paypal| paypal.secret_name.clone()));
    let with_keys = SERVICES.iter().filter(|needs| needs.has_keys());
    names.extend(with_keys.map(|needs| keys_secret(store, needs.name)));
    if let Some(external) = &spec.redis.external {
        names.insert(external.uri_secret.name.clone());
    } else if spec.redis.enabled {
        names.insert(redis_secret(store));
    }
    if let Some(secret) = spec
        .expose
        .as_ref()
        .and_then(|e| e.tls.as_ref())
        .and_then(|tls| tls.secret_name.as_ref())
    {
        names.insert(secret.clone());
    }
    for needs in &SERVICES {
        names.extend(
            (needs.spec)(&spec.services)
                .env
                .iter()
                .filter_map(secret_of)
                .map(|key| key.name),
        );
    }
    names
}

/// What the store names and the cluster does not have, each with what to do about it.
pub(super) fn missing(namespace: &str, spec: &AmazoffStoreSpec, world: &World) -> Vec<Missing> {
    let mut wanted = Vec::new();
    if let Some(external) = spec
        .mongodb
        .as_ref()
        .and_then(|mongodb| mongodb.external.as_ref())
    {
        wanted.push((
            "MongoDB",
            external.uri_secret.clone(),
            "mongodb://user:password@host:27017",
        ));
    }
    if let Some(external) = &spec.mariadb.external {
        let databases = SERVICES.iter().filter(|needs| needs.mariadb.is_some());
        wanted.extend(databases.map(|needs| {
            let key = SecretKey {
                name: external.secret_name.clone(),
                key: needs.name.to_owned(),
            };
            ("MariaDB", key, "mysql://user:password@host:3306/database")
        }));
    }
    if let Some(mail) = &spec.mail {
        wanted.push((
            "Mail",
            mail.uri_secret.clone(),
            "smtps://user:password@mail.example.com",
        ));
    }
    if let Some(external) = &spec.redis.external {
        wanted.push((
            "Redis",
            external.uri_secret.clone(),
            "redis://:password@host:6379",
        ));
    }
    let mut missing: Vec<_> = wanted
        .into_iter()
        .filter_map(|(part, SecretKey { name, key }, example)| {
            let message = match world.secrets.get(&name) {
                Some(Some(facts)) if facts.digests.contains_key(&key) => return None,
                Some(Some(_)) => format!("Secret {name} in namespace {namespace} has no key {key:?}."),
                _ => format!(
                    "There is no Secret {name} in namespace {namespace}. Make it with: \
                     kubectl -n {namespace} create secret generic {name} --from-literal={key}={example}"
                ),
            };
            Some(Missing { part, message })
        })
        .collect();
    let certificate = spec
        .expose
        .as_ref()
        .and_then(|expose| expose.tls.as_ref())
        .and_then(|tls| tls.secret_name.as_ref());
    if let Some(name) =
        certificate.filter(|name| !matches!(world.secrets.get(*name), Some(Some(_))))
    {
        missing.push(Missing {
            part: "Entry",
            message: format!(
                "There is no Secret {name} with the certificate in namespace {namespace}."
            ),
        });
    }
    missing
}

/// Digests of the Secrets' values, by name and key.
pub(super) fn digests(world: &World) -> BTreeMap<(String, String), String> {
    let mut digests = BTreeMap::new();
    for (name, facts) in &world.secrets {
        for (key, digest) in facts.iter().flat_map(|facts| &facts.digests) {
            digests.insert((name.clone(), key.clone()), digest.clone());
        }
    }
    digests
}
