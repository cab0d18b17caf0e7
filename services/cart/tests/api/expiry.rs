//! Carts that nobody comes back to are given up, and nothing of them is left.

use std::time::Duration;

use amazoff_cart::{compact_cart, load_cart, sweep_carts};
use http::StatusCode;
use kit::testing::wait_for;
use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::world::{Opened, Replica, World, brief};

const DAY: Duration = Duration::from_hours(24);

/// How many documents a collection has.
async fn count(shop: &Replica, collection: &str) -> u64 {
    let collection = shop.app.db.database().collection::<Document>(collection);
    collection.count_documents(doc! {}).await.expect("counted")
}

async fn sweep(shop: &Replica) -> u64 {
    sweep_carts::sweep(&shop.app).await.expect("swept")
}

async fn fill(shop: &Replica, cart: &Opened, changes: u32) {
    for quantity in 1..=changes {
        shop.set(cart, "a", quantity).await.expect(StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guests_cart_ends_after_30_days_and_leaves_nothing() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let (shop, other) = (world.replica().await, world.replica().await);
    let cart = shop.guest().await;
    fill(&shop, &cart, 20).await;
    world.clock.advance(29 * DAY);
    assert_eq!(sweep(&shop).await, 0);
    shop.read(&cart).await;
    world.clock.advance(2 * DAY);
    for replica in [&shop, &other] {
        replica
            .get(&cart.shopper, &cart.path(""))
            .await
            .expect(StatusCode::NOT_FOUND);
    }
    world.clock.advance(DAY);
    assert_eq!((sweep(&shop).await, sweep(&other).await), (1, 0));
    assert_eq!(
        (
            count(&shop, "changes").await,
            count(&shop, "snapshots").await
        ),
        (0, 0)
    );
    let names = shop
        .app
        .db
        .database()
        .list_collection_names()
        .await
        .expect("names");
    assert!(
        !names.iter().any(|name| name.starts_with("expiring")),
        "{names:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_in_time_keeps_a_cart() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let cart = shop.guest().await;
    world.clock.advance(25 * DAY);
    fill(&shop, &cart, 1).await;
    world.clock.advance(10 * DAY);
    assert_eq!(sweep(&shop).await, 1);
    assert_eq!(brief(&shop.read(&cart).await), "a×1");
    world.clock.advance(25 * DAY);
    assert_eq!(sweep(&shop).await, 1);
    assert_eq!(count(&shop, "changes").await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_after_their_cart_was_given_up_begins_anew() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    world.catalog.sells("b", 100);
    let (shop, other) = (world.replica().await, world.replica().await);
    let cart = shop.personal(&world.person("ann")).await;
    fill(&shop, &cart, 3).await;
    world.clock.advance(92 * DAY);
    let cart = shop.personal(&world.person("ann")).await;
    assert_eq!(
        shop.read(&cart).await["lines"],
        json!([]),
        "expired, not swept yet"
    );
    assert_eq!(sweep(&other).await, 1);
    assert_eq!(sweep(&shop).await, 0);
    for replica in [&shop, &other, &world.replica().await] {
        assert_eq!(replica.read(&cart).await["lines"], json!([]));
    }
    shop.add(&cart, "b", 1).await.expect(StatusCode::OK);
    assert_eq!(brief(&other.read(&cart).await), "b×1");
    // And is looked at again when that one has expired.
    world.clock.advance(92 * DAY);
    assert_eq!(sweep(&shop).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_merged_is_gone_after_a_day() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let guest = shop.guest().await;
    fill(&shop, &guest, 1).await;
    let body = json!({"cart_id": guest.id, "token": guest.shopper.cart_token});
    shop.post(&world.person("ann"), "/v1/me/cart/merge", body)
        .await
        .expect(StatusCode::OK);
    world.clock.advance(2 * DAY);
    sweep(&shop).await;
    let id = guest.id.parse().expect("an id");
    let newest = load_cart::newest(&shop.app, id).await.expect("an answer");
    assert_eq!(newest.revision, 0);
    assert_eq!(count(&shop, "changes").await, 2, "the personal cart's");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_histories_are_cut_and_the_cart_stays_whole() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let (shop, other) = (world.replica().await, world.replica().await);
    let cart = shop.guest().await;
    let id = cart.id.parse().expect("an id");
    for round in 1..=3_u32 {
        for quantity in 1..=20 {
            shop.set(&cart, "a", quantity + round)
                .await
                .expect(StatusCode::OK);
        }
        let newest = load_cart::newest(&shop.app, id).await.expect("an answer");
        compact_cart::compact(&shop.app, &newest)
            .await
            .expect("compacted");
        world.clock.advance(Duration::from_mins(16));
    }
    // Snapshots are also written in the background.
    wait_for("old changes to be taken out", async || {
        (count(&shop, "changes").await < 45).then_some(())
    })
    .await;
    for replica in [&shop, &other, &world.replica().await] {
        let now = replica.read(&cart).await;
        assert_eq!(
            (brief(&now), &now["revision"]),
            ("a×23".to_owned(), &json!(61))
        );
    }
    other.set(&cart, "a", 1).await.expect(StatusCode::OK);
    assert_eq!(shop.read(&cart).await["revision"], 62);
}
