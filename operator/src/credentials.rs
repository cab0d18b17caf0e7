//! The users of the `MariaDB` beside a shop, from one generation of passwords to the next. Pure but for the randomness it is given.
//!
//! Each service has two: one that may change tables, for the step before it serves, and one that may change rows, for serving. A new generation
//! comes in two steps. First the Secret holds both generations, and the connection strings are those of the new one: pods are replaced, and
//! who was not replaced yet still gets in. Once no pod of the old kind is left, the Secret holds the new generation alone, and the agent drops the old.

use crate::apply::Applied;
use crate::desired::mariadb::{ACCOUNTS_FILE, NAME, PORT};
use crate::desired::meta;
use crate::desired::needs::{Needs, SERVICES};
use crate::desired::{Kind, Object};
use crate::secrets::{Random, hex};
use crate::status::is_rolled_out;
use crate::world::SecretFacts;
use k8s_openapi::api::core::v1::Secret;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What to do to the Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Some user is missing: a new generation joins, and its connection strings are the ones that are used.
    Join,
    /// Nobody uses the users of earlier generations any longer.
    Leave,
}

/// Whether there is a generation to join. A Secret of an earlier release, which has other users, is no different.
pub fn joins(generation: i32, facts: &SecretFacts) -> bool {
    let has_user = |user: &String| facts.users.contains(user);
    let has_key = |key: &str| facts.digests.contains_key(key);
    let strings = databases().flat_map(|(service, _)| [service.to_owned(), schema_key(service)]);
    !wanted(generation).iter().all(has_user) || !strings.into_iter().all(|key| has_key(&key))
}

/// The users of other generations than the wanted one.
pub fn retiring(generation: i32, facts: &SecretFacts) -> Vec<String> {
    let wanted = wanted(generation);
    let users = facts.users.iter();
    users
        .filter(|user| !wanted.contains(user))
        .cloned()
        .collect()
}

/// Whether every service that logs in runs as it is wanted now, and nowhere as it was before.
pub fn nobody_is_left(store: &str, desired: &[Object], applied: &Applied) -> bool {
    let is_of_one = |object: &&Object| {
        let mut databases = databases();
        object.key.kind == Kind::Deployment
            && databases.any(|(service, _)| object.key.name == format!("{store}-{service}"))
    };
    desired.iter().filter(is_of_one).all(|object| {
        let hash = |value: &Value| value.pointer(meta::CONFIG_HASH_POINTER).cloned();
        let live = applied.live.get(&object.key);
        live.is_some_and(|live| hash(&live.data) == hash(&object.value) && is_rolled_out(live))
    })
}

/// What the Secret holds after a step: all of its keys that differ.
pub fn after(
    step: Step,
    store: &str,
    generation: i32,
    secret: &Secret,
    random: Random,
) -> BTreeMap<String, String> {
    let wanted = wanted(generation);
    let is_wanted = |account: &Value| {
        let user = account["user"].as_str().unwrap_or_default();
        wanted.iter().any(|wanted| wanted == user)
    };
    let (wanted, others): (Vec<Value>, Vec<Value>) =
        accounts(secret).into_iter().partition(is_wanted);
    match step {
        Step::Join => {
            let (mut data, mut all) = made(store, generation, random);
            // Nothing of what is wanted is used before all of it is there.
            all.extend(others);
            data.insert(ACCOUNTS_FILE.to_owned(), Value::Array(all).to_string());
            data
        }
        Step::Leave => {
            BTreeMap::from([(ACCOUNTS_FILE.to_owned(), Value::Array(wanted).to_string())])
        }
    }
}

/// The whole Secret of a shop that has none.
pub fn first(store: &str, generation: i32, random: Random) -> BTreeMap<String, String> {
    let (mut data, accounts) = made(store, generation, random);
    data.insert(ACCOUNTS_FILE.to_owned(), Value::Array(accounts).to_string());
    data
}

/// The key of the connection string that a service changes its tables with.
pub fn schema_key(service: &str) -> String {
    format!("{service}-schema")
}

/// The names of the users in a Secret that holds accounts.
pub fn users(secret: &Secret) -> Vec<String> {
    let accounts = accounts(secret).into_iter();
    accounts
        .filter_map(|account| account["user"].as_str().map(str::to_owned))
        .collect()
}

fn accounts(secret: &Secret) -> Vec<Value> {
    let file = secret
        .data
        .as_ref()
        .and_then(|data| data.get(ACCOUNTS_FILE));
    file.and_then(|file| serde_json::from_slice(&file.0).ok())
        .unwrap_or_default()
}

/// Connection strings by key, and the accounts that they are of.
fn made(store: &str, generation: i32, random: Random) -> (BTreeMap<String, String>, Vec<Value>) {
    let (mut data, mut accounts) = (BTreeMap::new(), Vec::new());
    for (service, database) in databases() {
        for (key, user, may) in [
            (
                service.to_owned(),
                serving_user(database, generation),
                "data",
            ),
            (
                schema_key(service),
                schema_user(database, generation),
                "everything",
            ),
        ] {
            let password = hex(&random());
            let url = format!("mysql://{user}:{password}@{store}-{NAME}:{PORT}/{database}");
            data.insert(key, url);
            accounts.push(
                json!({"database": database, "user": user, "password": password, "may": may}),
            );
        }
    }
    (data, accounts)
}

fn databases() -> impl Iterator<Item = (&'static str, &'static str)> {
    let of = |needs: &'static Needs| Some((needs.name, needs.mariadb?));
    SERVICES.iter().filter_map(of)
}

fn wanted(generation: i32) -> Vec<String> {
    databases()
        .flat_map(|(_, database)| {
            [
                serving_user(database, generation),
                schema_user(database, generation),
            ]
        })
        .collect()
}

fn serving_user(database: &str, generation: i32) -> String {
    format!("{database}_{generation}_data")
}

fn schema_user(database: &str, generation: i32) -> String {
    format!("{database}_{generation}_schema")
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::ByteString;

    fn secret(data: &BTreeMap<String, String>) -> Secret {
        let bytes = |(key, value): (&String, &String)| {
            (key.clone(), ByteString(value.clone().into_bytes()))
        };
        Secret {
            data: Some(data.iter().map(bytes).collect()),
            ..Secret::default()
        }
    }

    fn facts(data: &BTreeMap<String, String>) -> SecretFacts {
        SecretFacts {
            digests: data
                .keys()
                .map(|key| (key.clone(), String::new()))
                .collect(),
            users: users(&secret(data)),
            ..SecretFacts::default()
        }
    }

    #[test]
    fn a_new_generation_joins_and_then_the_old_one_leaves() {
        let first = first("shop", 1, || [1; 32]);
        assert!(!joins(1, &facts(&first)));
        assert!(joins(2, &facts(&first)));

        let mut both = first.clone();
        both.extend(after(Step::Join, "shop", 2, &secret(&first), || [2; 32]));
        assert!(!joins(2, &facts(&both)));
        assert_eq!(facts(&both).users.len(), 12);
        assert_eq!(retiring(2, &facts(&both)).len(), 6);
        assert!(both["orders"].starts_with("mysql://orders_2_data:0202"));
        assert!(both["orders-schema"].starts_with("mysql://orders_2_schema:0202"));

        let mut last = both.clone();
        last.extend(after(Step::Leave, "shop", 2, &secret(&both), || [3; 32]));
        assert!(retiring(2, &facts(&last)).is_empty());
        assert_eq!(last["orders"], both["orders"], "no password is made twice");
        assert!(!last[ACCOUNTS_FILE].contains("0101"));
    }

    #[test]
    fn the_users_of_an_earlier_release_are_an_earlier_generation() {
        let old = BTreeMap::from([
            (
                "orders".to_owned(),
                "mysql://orders_1:old@shop-mariadb:3306/orders".to_owned(),
            ),
            (
                ACCOUNTS_FILE.to_owned(),
                r#"[{"database": "orders", "user": "orders_1", "password": "old"}]"#.to_owned(),
            ),
        ]);
        assert!(joins(1, &facts(&old)));
        let mut both = old.clone();
        both.extend(after(Step::Join, "shop", 1, &secret(&old), || [2; 32]));
        assert_eq!(retiring(1, &facts(&both)), ["orders_1"]);
    }
}
