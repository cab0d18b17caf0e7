//! What was ordered leaves the cart, once; what came later stays.

use futures::future::join_all;
use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Answer, Opened, Replica, World, brief};

const ORDER: &str = "01890000-0000-7000-8000-00000000000f";

/// An event that says that a cart was ordered.
fn placed(event: u32, cart: &Opened, revision: u64) -> Value {
    json!({
        "specversion": "1.0", "type": "amazoff.order.placed", "source": "/orders", "subject": ORDER,
        "id": format!("01890000-0000-7000-8000-{event:012}"), "time": "2023-11-14T22:13:20Z", "datacontenttype": "application/json",
        "data": {"order_id": ORDER, "cart_id": cart.id, "cart_revision": revision},
    })
}

async fn tell(world: &World, shop: &Replica, events: &[Value]) -> Answer {
    let orders = world.orders();
    let headers = [("content-type", "application/cloudevents-batch+json")];
    let body = Some(json!(events));
    shop.send(
        &orders,
        http::Method::POST,
        "/internal/v1/events",
        &headers,
        body,
    )
    .await
}

async fn stocked() -> (World, Replica) {
    let world = World::new().await;
    for sku in ["a", "b", "c"] {
        world.catalog.sells(sku, 100);
    }
    let shop = world.replica().await;
    (world, shop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_ordered_goes_once_and_what_came_later_stays() {
    let (world, shop) = stocked().await;
    let other = world.replica().await;
    let cart = shop.guest().await;
    shop.set(&cart, "a", 2).await.expect(StatusCode::OK);
    shop.set(&cart, "b", 1).await.expect(StatusCode::OK);
    shop.add(&cart, "a", 1).await.expect(StatusCode::OK);
    shop.set(&cart, "c", 1).await.expect(StatusCode::OK);
    // The same event, and the same order under another event, through both replicas at once.
    let events = [
        placed(1, &cart, 3),
        placed(1, &cart, 3),
        placed(2, &cart, 3),
    ];
    let tellings = (0..8).map(|n| tell(&world, if n % 2 == 0 { &shop } else { &other }, &events));
    for answer in join_all(tellings).await {
        answer.expect(StatusCode::NO_CONTENT);
    }
    assert_eq!(brief(&shop.read(&cart).await), "a×1 c×1");
    assert_eq!(brief(&other.read(&cart).await), "a×1 c×1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_ordered_as_a_guest_leaves_the_cart_it_was_merged_into() {
    let (world, shop) = stocked().await;
    let ann = world.person("ann");
    let mine = shop.personal(&ann).await;
    shop.set(&mine, "a", 1).await.expect(StatusCode::OK);
    let guest = shop.guest().await;
    shop.set(&guest, "a", 2).await.expect(StatusCode::OK);
    shop.set(&guest, "b", 2).await.expect(StatusCode::OK);
    let body = json!({"cart_id": guest.id, "token": guest.shopper.cart_token});
    shop.post(&ann, "/v1/me/cart/merge", body)
        .await
        .expect(StatusCode::OK);
    tell(&world, &shop, &[placed(1, &guest, 3)])
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(brief(&shop.read(&mine).await), "a×1");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_does_not_concern_carts_is_taken_and_forgotten() {
    let (world, shop) = stocked().await;
    let cart = shop.guest().await;
    let mut other = placed(1, &cart, 1);
    other["type"] = json!("amazoff.order.shipped");
    let mut unknown = placed(2, &cart, 1);
    unknown["data"]["cart_id"] = json!("01890000-0000-7000-8000-00000000dead");
    tell(&world, &shop, &[other, unknown])
        .await
        .expect(StatusCode::NO_CONTENT);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_services_may_tell_events() {
    let (world, shop) = stocked().await;
    let cart = shop.guest().await;
    let headers = [("content-type", "application/cloudevents-batch+json")];
    for (who, status) in [
        (cart.shopper.clone(), StatusCode::UNAUTHORIZED),
        (world.person("ann"), StatusCode::FORBIDDEN),
        (world.caller(&["events:send"]), StatusCode::FORBIDDEN),
    ] {
        let body = Some(json!([placed(1, &cart, 1)]));
        shop.send(
            &who,
            http::Method::POST,
            "/internal/v1/events",
            &headers,
            body,
        )
        .await
        .expect(status);
    }
}
