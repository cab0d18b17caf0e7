//! Withdrawing and giving back.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Placed, World};

async fn world() -> World {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1055, 20).await;
    world.stocked("pan", "household", 1200, 20).await;
    world
}

async fn delivered(world: &World, lines: &[(&str, u32)]) -> Placed {
    let order = world.paid(lines).await;
    let sent = world
        .work(&order, "shipments", Some(&json!({})))
        .await
        .expect(StatusCode::CREATED)
        .json();
    let shipment = sent["shipments"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();
    world
        .work(&order, &format!("shipments/{shipment}/deliver"), None)
        .await
        .expect(StatusCode::OK);
    order
}

fn last_return(order: &Value) -> String {
    let returns = order["returns"].as_array().expect("returns");
    returns.last().expect("one")["id"]
        .as_str()
        .expect("an id")
        .to_owned()
}

#[tokio::test]
async fn a_guest_withdraws_from_everything_and_gets_the_shipping_back_too() {
    let world = world().await;
    let order = delivered(&world, &[("tea", 2), ("pan", 1)]).await;
    let withdrawn = world
        .act(&order, "withdrawal", Some(&json!({})))
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(
        (
            withdrawn["status"].as_str(),
            withdrawn["returns"][0]["kind"].as_str()
        ),
        (Some("return_requested"), Some("withdrawal"))
    );
    world
        .act(&order, "withdrawal", Some(&json!({})))
        .await
        .expect(StatusCode::CONFLICT);
    world.deliver().await;
    let receipt = world
        .notifications
        .events()
        .into_iter()
        .find(|event| event.kind == "amazoff.order.withdrawn")
        .expect("the receipt that the law wants");
    assert_eq!(receipt.data["lines"].as_array().expect("lines").len(), 2);

    let back = last_return(&withdrawn);
    let received = world
        .work(
            &order,
            &format!("returns/{back}/receive"),
            Some(&json!({"restock": true})),
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        received["refunds"][0]["amount"]["amount"], order.total,
        "goods and shipping"
    );
    world
        .work(
            &order,
            &format!("returns/{back}/receive"),
            Some(&json!({"restock": true})),
        )
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(world.refund_all().await, 1);
    let read = world.read(&order).await;
    assert_eq!(
        (read["status"].as_str(), read["states"]["return"].as_str()),
        (Some("refunded"), Some("refunded"))
    );
    assert_eq!(
        (world.level("tea").await, world.level("pan").await),
        ((20, 0), (20, 0))
    );
    world.ledger().await;
}

#[tokio::test]
async fn withdrawing_in_part_pays_back_the_part() {
    let world = world().await;
    let order = delivered(&world, &[("tea", 3), ("pan", 1)]).await;
    let too_many = world
        .act(
            &order,
            "withdrawal",
            Some(&json!({"lines": [{"sku": "tea", "quantity": 4}]})),
        )
        .await;
    assert_eq!(
        too_many.expect(StatusCode::BAD_REQUEST).fields(),
        ["lines[0].quantity"]
    );
    let part = world
        .act(
            &order,
            "withdrawal",
            Some(&json!({"lines": [{"sku": "tea", "quantity": 1}]})),
        )
        .await
        .expect(StatusCode::CREATED)
        .json();
    let received = world
        .work(
            &order,
            &format!("returns/{}/receive", last_return(&part)),
            Some(&json!({"restock": false})),
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(received["refunds"][0]["amount"]["amount"], 1055);
    assert_eq!(received["lines"][0]["returnable"], 2);
    assert_eq!(
        world.level("tea").await,
        (17, 0),
        "what came back broken is not sold again"
    );
    world.refund_all().await;
    let read = world.read(&order).await;
    assert_eq!(
        (read["status"].as_str(), read["states"]["payment"].as_str()),
        (Some("returned"), Some("partially_refunded"))
    );
    // The rest goes back later: with it the shipping, because now it is all.
    let rest = world
        .act(&order, "withdrawal", Some(&json!({})))
        .await
        .expect(StatusCode::CREATED)
        .json();
    let received = world
        .work(
            &order,
            &format!("returns/{}/receive", last_return(&rest)),
            Some(&json!({"restock": true})),
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        received["refunds"][1]["amount"]["amount"],
        order.total - 1055
    );
    world.ledger().await;
}

#[tokio::test]
async fn withdrawing_before_anything_left_calls_it_off() {
    let world = world().await;
    for is_paid in [false, true] {
        let order = world.placed(&[("tea", 2)]).await;
        if is_paid {
            world.pay(&order).await;
        }
        let withdrawn = world
            .act(&order, "withdrawal", Some(&json!({})))
            .await
            .expect(StatusCode::CREATED)
            .json();
        assert_eq!(withdrawn["status"], "canceled");
        let refunds: Vec<i64> = withdrawn["refunds"]
            .as_array()
            .expect("refunds")
            .iter()
            .map(|refund| refund["amount"]["amount"].as_i64().expect("an amount"))
            .collect();
        assert_eq!(refunds, if is_paid { vec![order.total] } else { vec![] });
    }
    assert_eq!(world.level("tea").await, (20, 0));
    world.ledger().await;
}

#[tokio::test]
async fn what_has_not_left_is_taken_out_and_paid_back_at_once() {
    let world = world().await;
    let order = world.paid(&[("tea", 3), ("pan", 1)]).await;
    let out = world
        .act(
            &order,
            "withdrawal",
            Some(&json!({"lines": [{"sku": "tea", "quantity": 1}]})),
        )
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(
        (
            out["status"].as_str(),
            out["refunds"][0]["amount"]["amount"].as_i64()
        ),
        (Some("confirmed"), Some(1055))
    );
    assert_eq!(world.level("tea").await, (18, 0));
    world
        .work(
            &order,
            "shipments",
            Some(&json!({"lines": [{"sku": "tea", "quantity": 2}]})),
        )
        .await
        .expect(StatusCode::CREATED);
    let rest = world
        .act(&order, "withdrawal", Some(&json!({})))
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(
        rest["returns"][0]["lines"],
        json!([{"line": 0, "sku": "tea", "quantity": 2}])
    );
    assert_eq!(
        rest["states"]["fulfillment"], "shipped",
        "nothing else is to leave"
    );
    assert_eq!(world.level("pan").await, (20, 0));
    let received = world
        .work(
            &order,
            &format!("returns/{}/receive", last_return(&rest)),
            Some(&json!({"restock": true})),
        )
        .await
        .expect(StatusCode::OK)
        .json();
    let back: i64 = received["refunds"]
        .as_array()
        .expect("refunds")
        .iter()
        .map(|refund| refund["amount"]["amount"].as_i64().expect("an amount"))
        .sum();
    assert_eq!(back, order.total);
    world.ledger().await;
}

#[tokio::test]
async fn an_order_withdrawn_from_in_part_and_then_canceled_puts_each_unit_back_once() {
    let world = world().await;
    let order = world.paid(&[("tea", 3)]).await;
    world
        .act(
            &order,
            "withdrawal",
            Some(&json!({"lines": [{"sku": "tea", "quantity": 1}]})),
        )
        .await
        .expect(StatusCode::CREATED);
    let rest = world
        .act(&order, "withdrawal", Some(&json!({})))
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(rest["status"], "canceled");
    assert_eq!(world.level("tea").await, (20, 0));
    assert_eq!(world.refund_all().await, 2);
    assert_eq!(
        world.read(&order).await["payment"]["refunded"]["amount"],
        order.total
    );
    world.ledger().await;
}

#[tokio::test]
async fn the_right_to_withdraw_ends_and_the_shops_own_promise_later() {
    let world = world().await;
    let order = delivered(&world, &[("tea", 3)]).await;
    let give_back = json!({"lines": [{"sku": "tea", "quantity": 1, "reason": "bitter"}]});
    world.clock.advance(Duration::from_hours(24 * 15));
    let late = world
        .act(&order, "withdrawal", Some(&json!({})))
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(late.problem(), "withdrawal-over");
    assert_eq!(world.read(&order).await["withdrawal"]["possible"], false);
    let asked = world
        .act(&order, "returns", Some(&give_back))
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(
        (
            asked["returns"][0]["kind"].as_str(),
            &asked["returns"][0]["reasons"]
        ),
        (Some("return"), &json!([{"sku": "tea", "reason": "bitter"}]))
    );
    let back = last_return(&asked);
    let refused = world
        .work(&order, &format!("returns/{back}/refuse"), None)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        (
            refused["status"].as_str(),
            refused["lines"][0]["returnable"].as_i64()
        ),
        (Some("delivered"), Some(3))
    );
    let asked = world
        .act(&order, "returns", Some(&give_back))
        .await
        .expect(StatusCode::CREATED)
        .json();
    let some = json!({"restock": true, "lines": [{"sku": "tea", "quantity": 1}]});
    let received = world
        .work(
            &order,
            &format!("returns/{}/receive", last_return(&asked)),
            Some(&some),
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        received["refunds"][0]["amount"]["amount"], 1055,
        "no shipping: it is not a withdrawal"
    );
    world.clock.advance(Duration::from_hours(24 * 16));
    world
        .act(&order, "returns", Some(&give_back))
        .await
        .expect(StatusCode::CONFLICT);
    world.ledger().await;
}
