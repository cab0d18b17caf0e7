//! What the design relies on: an insert with an `_id` that is taken fails, whoever else inserts at the same moment; and what follows from it.

use std::collections::BTreeSet;

use amazoff_cart::{
    cart::Change,
    db::{
        Db,
        changes::{self, Inserted, Written},
    },
};
use futures::future::join_all;
use http::StatusCode;
use uuid::Uuid;

use crate::world::{World, lines};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_50_who_insert_the_same_revision_one_wins() {
    let world = World::new().await;
    let db = Db::open(&world.ferretdb.uri(), "cart")
        .await
        .expect("a valid address");
    let cart = Uuid::from_u128(1);
    for revision in 1..=5 {
        let inserts = (0..50).map(|_| {
            let (db, clock) = (db.clone(), world.clock.clone());
            async move {
                let written = Written {
                    at: clock.now(),
                    writer: clock.uuid(),
                    change: Change::CouponSet { code: None },
                };
                let inserted = changes::insert(&db, cart, revision, &written).await;
                (inserted.expect("an answer"), written.writer)
            }
        });
        let outcomes = join_all(inserts).await;
        let winners: Vec<Uuid> = outcomes
            .iter()
            .filter(|(inserted, _)| *inserted == Inserted::Won)
            .map(|(_, writer)| *writer)
            .collect();
        let there = changes::find(&db, cart, revision).await.expect("an answer");
        assert_eq!(winners, [there.expect("a change").writer]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_50_parallel_adds_through_two_replicas_none_is_lost() {
    let world = World::new().await;
    let skus: Vec<String> = (0..50).map(|n| format!("s{n}")).collect();
    for sku in &skus {
        world.catalog.sells(sku, 100);
    }
    let replicas = [world.replica().await, world.replica().await];
    let cart = replicas[0].guest().await;
    let adds = skus.iter().enumerate().map(|(n, sku)| {
        let (replica, cart) = (&replicas[n % 2], &cart);
        async move { replica.add(cart, sku, 1).await.expect(StatusCode::OK) }
    });
    join_all(adds).await;
    for replica in &replicas {
        let cart = replica.read(&cart).await;
        let found: BTreeSet<String> = lines(&cart).into_iter().map(|(sku, _)| sku).collect();
        assert_eq!(found, skus.iter().cloned().collect());
        assert_eq!(
            (cart["count"].as_u64(), cart["revision"].as_u64()),
            (Some(50), Some(51))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_adds_of_the_same_thing_add_up() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let replicas = [world.replica().await, world.replica().await];
    let cart = replicas[0].guest().await;
    let adds = (0..20).map(|n| {
        let (replica, cart) = (&replicas[n % 2], &cart);
        async move { replica.add(cart, "a", 2).await.expect(StatusCode::OK) }
    });
    join_all(adds).await;
    assert_eq!(
        lines(&replicas[1].read(&cart).await),
        [("a".to_owned(), 40)]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_changes_of_a_personal_cart_at_once_end_in_one_cart() {
    let world = World::new().await;
    for sku in ["a", "b", "c", "d"] {
        world.catalog.sells(sku, 100);
    }
    let replicas = [world.replica().await, world.replica().await];
    let cart = replicas[0].personal(&world.person("ann")).await;
    let adds = ["a", "b", "c", "d"].iter().enumerate().map(|(n, sku)| {
        let (replica, cart) = (&replicas[n % 2], &cart);
        async move { replica.add(cart, sku, 1).await.expect(StatusCode::OK) }
    });
    join_all(adds).await;
    assert_eq!(lines(&replicas[0].read(&cart).await).len(), 4);
}
