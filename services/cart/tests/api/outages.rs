//! The database goes away and comes back.

use http::{StatusCode, header};
use kit::testing::wait_for;
use serde_json::json;

use crate::world::{Shopper, World, brief};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_is_there_after_the_database_was_killed() {
    let mut world = World::new().await;
    for sku in ["a", "b"] {
        world.catalog.sells(sku, 100);
    }
    let shop = world.replica().await;
    let cart = shop.guest().await;
    shop.add(&cart, "a", 2).await.expect(StatusCode::OK);
    world.ferretdb.kill().await;
    for answer in [
        shop.get(&cart.shopper, &cart.path("")).await,
        shop.add(&cart, "b", 1).await,
        shop.post(&Shopper::default(), "/v1/carts", json!({})).await,
    ] {
        let answer = answer.expect(StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert!(answer.headers.contains_key(header::RETRY_AFTER));
    }
    world.ferretdb.restart().await;
    wait_for("the cart", async || {
        let answer = shop.get(&cart.shopper, &cart.path("")).await;
        (answer.status == StatusCode::OK).then_some(())
    })
    .await;
    assert_eq!(brief(&shop.read(&cart).await), "a×2");
    shop.add(&cart, "b", 1).await.expect(StatusCode::OK);
    assert_eq!(brief(&world.replica().await.read(&cart).await), "a×2 b×1");
}

#[tokio::test]
async fn without_a_database_the_service_is_alive_but_not_ready() {
    let mut world = World::new().await;
    world.ferretdb.kill().await;
    let shop = world.replica().await;
    assert!(!shop.app.health().is_ready());
}
