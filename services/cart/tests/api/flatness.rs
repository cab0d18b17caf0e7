//! A cart costs the same whether it has one line or two hundred. Milliseconds are measured by the bench; what is counted here is questions.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use http::StatusCode;
use serde_json::json;

use crate::world::{World, lines};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_lines_are_one_question_to_the_catalog_and_one_more_is_refused() {
    let world = World::new().await;
    let skus: Vec<String> = (0..201).map(|n| format!("s{n}")).collect();
    for sku in &skus {
        world.catalog.sells(sku, 100);
    }
    let shop = world.replica().await;
    let cart = shop.guest().await;
    stream::iter(&skus[..200])
        .for_each_concurrent(8, async |sku| {
            shop.add(&cart, sku, 1).await.expect(StatusCode::OK);
        })
        .await;
    let full = shop.add(&cart, &skus[200], 1).await;
    let full = full.expect(StatusCode::CONFLICT);
    assert_eq!(full.kind(), "/problems/cart-full");

    world.clock.advance(Duration::from_secs(61));
    let before = world.catalog.questions();
    let now = shop.read(&cart).await;
    assert_eq!(world.catalog.questions() - before, 1);
    assert_eq!(lines(&now).len(), 200);
    assert_eq!(
        now["subtotal"],
        json!({"amount": 20_000, "currency": "EUR"})
    );
    shop.read(&cart).await;
    assert_eq!(world.catalog.questions() - before, 1, "known for a minute");

    // A process that knows nothing finds all of it from a snapshot and what came after.
    let cold = world.replica().await;
    assert_eq!(lines(&cold.read(&cart).await), lines(&now));
}
