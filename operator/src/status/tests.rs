use super::{Outcome, status};
use crate::api::v1alpha1::{AmazoffStore, AmazoffStoreStatus};
use crate::apply::Applied;
use crate::desired::{Key, Kind};
use crate::validate::{Defaults, ValidStore, validate};
use crate::world::{SecretFacts, World};
use jiff::Timestamp;
use kube::api::DynamicObject;
use proptest::prelude::*;
use serde_json::json;
use std::sync::Arc;

const SERVICES: [&str; 9] = [
    "catalog",
    "gateway",
    "storefront",
    "redis",
    "users",
    "cart",
    "orders",
    "payment",
    "notifications",
];

fn store() -> ValidStore {
    let store: AmazoffStore = serde_json::from_value(json!({
        "apiVersion": "amazoff.io/v1alpha1", "kind": "AmazoffStore",
        "metadata": {"name": "corner", "namespace": "shops", "uid": "u"},
        "spec": {"mongodb": {"external": {"uriSecret": {"name": "mongo"}}}},
    }))
    .expect("the store is sound");
    let mut world = World::default();
    let facts = SecretFacts {
        digests: [("uri".to_owned(), "x".to_owned())].into(),
        ..SecretFacts::default()
    };
    world.secrets.insert("mongo".to_owned(), Some(facts));
    let defaults = Defaults {
        image_repository: "amazoff".to_owned(),
        version: "1".to_owned(),
        redis_image: "redis:7".to_owned(),
        mariadb_image: "mariadb:11.4".to_owned(),
        operator_image: "amazoff/amazoff-operator:1.2.3".to_owned(),
    };
    validate(&store, &world, &defaults).expect("the store is sound")
}

/// A Deployment as it may be found at any moment.
#[derive(Clone, Debug)]
struct Found {
    wanted: i64,
    available: i64,
    /// Of the newest template.
    updated: i64,
    /// Of the one before.
    old: i64,
    generation: i64,
    seen: i64,
    progressing: Option<(&'static str, &'static str)>,
}

fn found() -> impl Strategy<Value = Option<Found>> {
    let progressing = prop_oneof![
        Just(None),
        Just(Some(("True", "NewReplicaSetAvailable"))),
        Just(Some(("True", "ReplicaSetUpdated"))),
        Just(Some(("False", "ProgressDeadlineExceeded"))),
    ];
    let some = (
        0..4_i64,
        0..4_i64,
        0..4_i64,
        0..3_i64,
        1..3_i64,
        0..3_i64,
        progressing,
    )
        .prop_map(
            |(wanted, available, updated, old, generation, seen, progressing)| Found {
                wanted,
                available,
                updated,
                old,
                generation,
                seen,
                progressing,
            },
        );
    prop_oneof![1 => Just(None), 9 => some.prop_map(Some)]
}

fn applied(found: &[Option<Found>]) -> Applied {
    let mut applied = Applied::default();
    let database: DynamicObject = serde_json::from_value(json!({
        "metadata": {"name": "corner-mariadb"},
        "spec": {"replicas": 1},
        "status": {"readyReplicas": 1},
    }))
    .expect("an object");
    let key = Key {
        kind: Kind::StatefulSet,
        name: "corner-mariadb".to_owned(),
    };
    applied.live.insert(key, Arc::new(database));
    for (name, found) in SERVICES.iter().zip(found) {
        let Some(found) = found else { continue };
        let conditions: Vec<_> = found
            .progressing
            .map(|(status, reason)| json!({"type": "Progressing", "status": status, "reason": reason, "message": "m"}))
            .into_iter()
            .collect();
        let object: DynamicObject = serde_json::from_value(json!({
            "metadata": {"name": format!("corner-{name}"), "generation": found.generation},
            "spec": {"replicas": found.wanted, "progressDeadlineSeconds": 120},
            "status": {
                "observedGeneration": found.seen, "replicas": found.updated + found.old, "updatedReplicas": found.updated,
                "availableReplicas": found.available, "conditions": conditions,
            },
        }))
        .expect("an object");
        let key = Key {
            kind: Kind::Deployment,
            name: format!("corner-{name}"),
        };
        applied.live.insert(key, Arc::new(object));
    }
    applied
}

fn is(status: &AmazoffStoreStatus, type_: &str) -> bool {
    status
        .conditions
        .iter()
        .any(|condition| condition.type_ == type_ && condition.status == "True")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

proptest! {
    #[test]
    fn looking_again_changes_nothing(found in prop::collection::vec(found(), SERVICES.len())) {
        let (store, applied) = (store(), applied(&found));
        let outcome = Outcome::Reconciled(&store, &applied);
        let first = status(None, Some(1), &outcome, at(100));
        let second = status(Some(&first), Some(1), &outcome, at(200));
        prop_assert_eq!(first, second);
    }

    #[test]
    fn ready_means_that_every_service_has_a_replica(found in prop::collection::vec(found(), SERVICES.len())) {
        let (store, applied) = (store(), applied(&found));
        let status = status(None, Some(1), &Outcome::Reconciled(&store, &applied), at(100));
        // The shop serves without Redis.
        let serves = SERVICES.iter().zip(&found).filter(|(name, _)| **name != "redis")
            .all(|(_, f)| f.as_ref().is_some_and(|f| f.available > 0 && f.wanted > 0));
        prop_assert_eq!(is(&status, "Ready"), serves, "{:#?}", status);
    }

    #[test]
    fn what_is_not_whole_moves_or_is_degraded(found in prop::collection::vec(found(), SERVICES.len())) {
        let (store, applied) = (store(), applied(&found));
        let status = status(None, Some(1), &Outcome::Reconciled(&store, &applied), at(100));
        let whole = found.iter().all(|f| {
            f.as_ref().is_some_and(|f| {
                f.available >= f.wanted && f.wanted > 0 && f.seen >= f.generation
                    && f.updated >= f.wanted && f.old == 0
                    && f.progressing == Some(("True", "NewReplicaSetAvailable"))
            })
        });
        let told = is(&status, "Progressing") || is(&status, "Degraded");
        prop_assert_eq!(told, !whole, "{:#?}", status);
        prop_assert_eq!(is(&status, "Progressing"), is(&status, "Reconciling"));
        prop_assert!(!is(&status, "Stalled") || is(&status, "Degraded"));
    }

    #[test]
    fn old_replicas_that_still_run_are_progress(found in prop::collection::vec(found(), SERVICES.len())) {
        let (store, applied) = (store(), applied(&found));
        let status = status(None, Some(1), &Outcome::Reconciled(&store, &applied), at(100));
        let rolls = found.iter().flatten().any(|f| {
            f.wanted > 0 && f.old > 0 && f.progressing.is_none_or(|(status, _)| status == "True")
        });
        prop_assert!(!rolls || is(&status, "Progressing"), "{:#?}", status);
    }

    #[test]
    fn a_rollout_that_hangs_is_degraded_and_stalled(found in prop::collection::vec(found(), SERVICES.len())) {
        let (store, applied) = (store(), applied(&found));
        let status = status(None, Some(1), &Outcome::Reconciled(&store, &applied), at(100));
        let hangs = found.iter().flatten().any(|f| {
            f.wanted > 0 && f.seen >= f.generation && f.progressing.is_some_and(|(status, _)| status == "False")
        });
        prop_assert_eq!(is(&status, "Stalled"), hangs, "{:#?}", status);
        prop_assert!(!hangs || is(&status, "Degraded"), "{:#?}", status);
    }
}

/// All rolled out, with so many replicas each that serve.
fn all(available: i64) -> Applied {
    let found = Found {
        wanted: 2,
        available,
        updated: 2,
        old: 0,
        generation: 1,
        seen: 1,
        progressing: Some(("True", "NewReplicaSetAvailable")),
    };
    applied(&vec![Some(found); SERVICES.len()])
}

#[test]
fn a_migration_that_failed_waits_for_somebody_and_says_where_to_look() {
    let (store, mut applied) = (store(), all(2));
    let key = Key {
        kind: Kind::Job,
        name: "corner-orders-migrate-0a1b2c".to_owned(),
    };
    for (type_, stalls) in [("Complete", false), ("Failed", true)] {
        let job: DynamicObject = serde_json::from_value(json!({
            "metadata": {"name": key.name},
            "status": {"conditions": [{"type": type_, "status": "True", "reason": "r", "message": "m"}]},
        }))
        .expect("an object");
        applied.live.insert(key.clone(), Arc::new(job));
        let outcome = Outcome::Reconciled(&store, &applied);
        let status = status(None, Some(1), &outcome, at(100));
        assert_eq!(is(&status, "Stalled"), stalls, "{status:#?}");
        assert!(is(&status, "Ready"), "the pods before it serve on");
        let told = status.conditions.iter().any(|condition| {
            condition.type_ == "OrdersReady"
                && condition.reason == "MigrationFailed"
                && condition
                    .message
                    .contains("kubectl -n shops logs job/corner-orders-migrate-0a1b2c")
        });
        assert_eq!(told, stalls, "{status:#?}");
    }
}

#[test]
fn a_condition_keeps_its_time_until_it_turns() {
    let store = store();
    let (up, down) = (all(2), all(0));
    let since = |status: &AmazoffStoreStatus| {
        let ready = status
            .conditions
            .iter()
            .find(|condition| condition.type_ == "Ready")
            .expect("Ready");
        ready.last_transition_time.0
    };
    let first = status(None, Some(1), &Outcome::Reconciled(&store, &up), at(100));
    let same = status(
        Some(&first),
        Some(2),
        &Outcome::Reconciled(&store, &up),
        at(200),
    );
    assert_eq!(since(&same), at(100));
    let turned = status(
        Some(&same),
        Some(2),
        &Outcome::Reconciled(&store, &down),
        at(300),
    );
    assert_eq!(since(&turned), at(300));
}
