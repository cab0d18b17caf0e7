//! A cart shows the prices of now, and says when they changed and how old they are.

use std::time::Duration;

use http::StatusCode;
use serde_json::json;

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_price_is_asked_for_again_after_a_minute_and_told_when_it_changed() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let cart = shop.guest().await;
    shop.add(&cart, "a", 2).await.expect(StatusCode::OK);
    world.catalog.sells("a", 120);
    world.clock.advance(Duration::from_secs(59));
    let line = shop.read(&cart).await["lines"][0].clone();
    assert_eq!(line["unit_price"]["amount"], 100, "read a moment ago");
    assert_eq!(line["price_read_at"], "2023-11-14T22:13:20Z");

    world.clock.advance(Duration::from_secs(2));
    let now = shop.read(&cart).await;
    let line = &now["lines"][0];
    assert_eq!(line["unit_price"]["amount"], 120);
    assert_eq!(
        line["price_changed_from"],
        json!({"amount": 100, "currency": "EUR"})
    );
    assert_eq!(line["price_read_at"], "2023-11-14T22:14:21Z");
    assert_eq!(now["subtotal"]["amount"], 240);
    assert_eq!(now["revision"], 2, "looking changes nothing");

    let set = shop.set(&cart, "a", 3).await.expect(StatusCode::OK).json();
    assert!(
        set["lines"][0].get("price_changed_from").is_none(),
        "seen and agreed to"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_longer_sold_stays_visible_and_does_not_count() {
    let world = World::new().await;
    for sku in ["a", "b", "c"] {
        world.catalog.sells(sku, 100);
    }
    let shop = world.replica().await;
    let cart = shop.guest().await;
    for sku in ["a", "b", "c"] {
        shop.add(&cart, sku, 1).await.expect(StatusCode::OK);
    }
    world.catalog.forgets("a");
    let mut archived = crate::catalog::variant("b", 100);
    archived["published"] = json!(false);
    world.catalog.knows(archived);
    world.clock.advance(Duration::from_secs(61));
    let now = shop.read(&cart).await;
    assert_eq!(now["lines"][0]["unavailable"], true);
    assert_eq!(now["lines"][0]["name"]["en"], "Tea a");
    assert_eq!(now["lines"][1]["unavailable"], true);
    assert_eq!(
        (&now["subtotal"]["amount"], &now["count"]),
        (&json!(100), &json!(3))
    );
    shop.set(&cart, "a", 0).await.expect(StatusCode::OK);
    shop.set(&cart, "b", 5).await.expect(StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_catalog_is_away_the_last_prices_are_shown_with_their_time() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let cart = shop.guest().await;
    shop.add(&cart, "a", 2).await.expect(StatusCode::OK);
    world.catalog.go_away(true);
    world.clock.advance(Duration::from_hours(1));
    // One that remembers, and one that has just started and knows the line only.
    for replica in [&shop, &world.replica().await] {
        let line = replica.read(&cart).await["lines"][0].clone();
        assert_eq!(line["unit_price"]["amount"], 100);
        assert_eq!(line["price_read_at"], "2023-11-14T22:13:20Z");
        assert_eq!(line["name"]["fr"], "Thé a");
        replica.add(&cart, "a", 1).await.expect(StatusCode::OK);
    }
    let unknown = shop.add(&cart, "b", 1).await;
    unknown.expect(StatusCode::SERVICE_UNAVAILABLE);
    world.catalog.go_away(false);
}
