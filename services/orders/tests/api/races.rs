//! Many at once.

use std::sync::Arc;

use http::{Method, StatusCode};
use kit::testing::wait_for;
use serde_json::json;
use tokio::task::JoinSet;

use crate::world::{Buyer, World};

/// Asks again with the same key as long as the answer is "not now", as every client should.
async fn place_for_sure(world: &World, buyer: &Buyer, key: &str) -> crate::world::Answer {
    let wish = World::wish(buyer);
    loop {
        let answer = world.place(buyer, key, &wish).await;
        let is_busy = answer.status == StatusCode::SERVICE_UNAVAILABLE
            || answer.problem() == "request-in-flight";
        if !is_busy {
            return answer;
        }
        let [random] = kit::clock::random_bytes::<1>();
        // Whoever had no turn waits a moment, each another one, then looks again.
        tokio::time::sleep(std::time::Duration::from_millis(
            200 + 4 * u64::from(random),
        ))
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_buyers_get_the_last_hundred_units_and_no_more() {
    let world = Arc::new(World::new().await);
    world.stocked("last", "pantry", 500, 100).await;
    world.stocked("other", "pantry", 500, 100_000).await;
    let mut buyers = JoinSet::new();
    for index in 0..500 {
        let world = Arc::clone(&world);
        buyers.spawn(async move {
            // Some want two, in two lines; some something else too, before or after.
            let lines: &[(&str, u32)] = match index % 5 {
                0 => &[("last", 1), ("last", 1)],
                1 => &[("other", 1), ("last", 1)],
                2 => &[("last", 1), ("other", 2)],
                _ => &[("last", 1)],
            };
            let buyer = world.guest(lines);
            let answer = place_for_sure(&world, &buyer, "key").await;
            match answer.status {
                StatusCode::CREATED => {
                    let lines = answer.json()["lines"].clone();
                    let lines = lines
                        .as_array()
                        .expect("lines")
                        .iter()
                        .filter(|line| line["sku"] == "last")
                        .count();
                    Some(lines)
                }
                StatusCode::CONFLICT => {
                    assert_eq!(answer.problem(), "out-of-stock");
                    None
                }
                status => panic!("{status}: {:?}", answer.body),
            }
        });
    }
    let outcomes = buyers.join_all().await;
    let units: usize = outcomes.into_iter().flatten().sum();
    assert_eq!(units, 100);
    assert_eq!(world.level("last").await, (100, 100));
    world.ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_single_use_coupon_is_used_once_by_fifty_at_once() {
    let world = Arc::new(World::new().await);
    world.stocked("tea", "pantry", 1000, 100).await;
    let staff = world.staff(&["promotions:write"]);
    let coupon = json!({"code": "once", "rule": {"effect": {"kind": "percent", "basis_points": 5000}}, "max_uses": 1});
    world
        .send(
            Method::POST,
            "/v1/coupons",
            &[("authorization", &staff)],
            Some(&coupon),
        )
        .await
        .expect(StatusCode::CREATED);
    let mut buyers = JoinSet::new();
    for _ in 0..50 {
        let world = Arc::clone(&world);
        buyers.spawn(async move {
            let buyer = world.guest_with(&[("tea", 1)], Some("once"));
            let answer = place_for_sure(&world, &buyer, "key").await;
            if answer.status == StatusCode::CONFLICT {
                assert_eq!(answer.problem(), "coupon-not-usable");
            }
            usize::from(answer.status == StatusCode::CREATED)
        });
    }
    assert_eq!(buyers.join_all().await.into_iter().sum::<usize>(), 1);
    assert_eq!(world.level("tea").await, (100, 1));
    let read = world
        .send(
            Method::GET,
            "/v1/coupons/ONCE",
            &[("authorization", &staff)],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(read["uses"], 1);
    world.ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_twenty_times_at_once_places_one_order() {
    let world = Arc::new(World::new().await);
    world.stocked("tea", "pantry", 1000, 100).await;
    let buyer = world.guest(&[("tea", 2)]);
    let mut requests = JoinSet::new();
    for _ in 0..20 {
        let (world, buyer) = (Arc::clone(&world), buyer.clone());
        requests.spawn(async move {
            let answer = place_for_sure(&world, &buyer, "the-key")
                .await
                .expect(StatusCode::CREATED);
            answer.json()["id"].as_str().expect("an id").to_owned()
        });
    }
    let mut orders = requests.join_all().await;
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), 1);
    assert_eq!(world.level("tea").await, (100, 2));
    world.deliver().await;
    assert_eq!(world.cart.count("amazoff.order.placed"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_orders_of_the_same_things_in_any_order_never_block_each_other() {
    let world = Arc::new(World::new().await);
    for sku in ["a", "b", "c", "d"] {
        world.stocked(sku, "pantry", 100, 1000).await;
    }
    let mut orders = JoinSet::new();
    for index in 0..60_usize {
        let world = Arc::clone(&world);
        orders.spawn(async move {
            let mut lines = [("a", 1), ("b", 2), ("c", 1), ("d", 3)];
            lines.rotate_left(index % 4);
            if index % 2 == 0 {
                lines.reverse();
            }
            let buyer = world.guest(&lines);
            place_for_sure(&world, &buyer, "key")
                .await
                .expect(StatusCode::CREATED);
        });
    }
    orders.join_all().await;
    assert_eq!(world.level("d").await, (1000, 180));
    world.ledger().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_captured_payment_heard_twenty_times_at_once_confirms_once() {
    let world = Arc::new(World::new().await);
    world.stocked("tea", "pantry", 1000, 10).await;
    let order = world.placed(&[("tea", 2)]).await;
    let event = world.captured(order.id, world.clock.uuid(), order.total);
    // The same event, and the same payment said again under other ids.
    let mut hearing = JoinSet::new();
    for index in 0..20 {
        let (world, mut event) = (Arc::clone(&world), event.clone());
        if index % 3 == 0 {
            event["id"] = json!(world.clock.uuid());
        }
        hearing.spawn(async move {
            wait_for("the event to be taken", async || {
                (world.hear(std::slice::from_ref(&event)).await.status == StatusCode::NO_CONTENT)
                    .then_some(())
            })
            .await;
        });
    }
    hearing.join_all().await;
    let read = world.read(&order).await;
    assert_eq!(
        (
            read["status"].as_str(),
            read["payment"]["paid"]["amount"].as_i64()
        ),
        (Some("confirmed"), Some(order.total))
    );
    assert_eq!(world.level("tea").await, (8, 0));
    world.deliver().await;
    assert_eq!(world.notifications.count("amazoff.order.confirmed"), 1);
    assert_eq!(world.payment.count("amazoff.order.refund_requested"), 0);
    let ledger = world.ledger().await;
    assert_eq!(
        (
            ledger["units"]["sold"].as_i64(),
            ledger["movements"]["sold"].as_i64()
        ),
        (Some(2), Some(-2))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payment_and_expiry_at_the_same_moment_end_well() {
    let world = Arc::new(World::new().await);
    world.stocked("tea", "pantry", 1000, 20).await;
    let mut orders = Vec::new();
    for _ in 0..10 {
        orders.push(world.placed(&[("tea", 2)]).await);
    }
    world.clock.advance(crate::world::RESERVATION);
    let mut racing = JoinSet::new();
    for order in &orders {
        let (world, event) = (
            Arc::clone(&world),
            world.captured(order.id, world.clock.uuid(), order.total),
        );
        racing.spawn(async move {
            wait_for("the event to be taken", async || {
                (world.hear(std::slice::from_ref(&event)).await.status == StatusCode::NO_CONTENT)
                    .then_some(())
            })
            .await;
        });
    }
    for _ in 0..3 {
        let world = Arc::clone(&world);
        racing.spawn(async move {
            amazoff_orders::expire_orders::sweep(&world.app)
                .await
                .expect("swept");
        });
    }
    racing.join_all().await;
    // Everything was there, so whichever came first, all are confirmed, and each once.
    for order in &orders {
        assert_eq!(world.read(order).await["status"], "confirmed");
    }
    assert_eq!(world.level("tea").await, (0, 0));
    world.deliver().await;
    assert_eq!(world.notifications.count("amazoff.order.confirmed"), 10);
    world.ledger().await;
}
