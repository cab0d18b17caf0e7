//! Giving money back.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    fakes::orders::Order,
    world::{World, text},
};

/// An order that a card paid.
async fn paid(world: &World) -> (Order, Value, String) {
    let order = world.order();
    let payment = world.started(&order, "stripe").await;
    let intent = world.stripe.intents().last().expect("an intent").clone();
    let paid = world.stripe.pay(&intent);
    world
        .stripe_says(&format!("evt_{intent}"), "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    (order, payment, intent)
}

async fn ask_back(world: &World, order: &Order, payment: &Value, amount: i64) -> Uuid {
    let id = world.clock.uuid();
    let wanted = json!({
        "refund_id": id, "order_id": order.id, "payment_id": payment, "amount": {"amount": amount, "currency": "EUR"}, "reason": "return",
    });
    world
        .orders_say("amazoff.order.refund_requested", &wanted)
        .await
        .expect(StatusCode::NO_CONTENT);
    id
}

#[tokio::test]
async fn money_goes_back_in_parts_until_there_is_none() {
    let world = World::new().await;
    let (order, payment, intent) = paid(&world).await;
    let first = ask_back(&world, &order, &payment["id"], 99).await;
    world.sweep().await;
    let shown = world.read(&order, &payment).await;
    assert_eq!(
        (&shown["state"], &shown["refunded"]["amount"]),
        (&json!("partially_refunded"), &json!(99))
    );
    // The payment need not be named: it is the one that paid.
    ask_back(&world, &order, &Value::Null, 1000).await;
    world.sweep().await;
    assert_eq!(world.read(&order, &payment).await["state"], "refunded");
    let third = ask_back(&world, &order, &payment["id"], 1).await;
    world.sweep().await;

    let asked = world.stripe.asked("/v1/refunds");
    assert_eq!(asked.len(), 2, "what can't be is not asked");
    assert_eq!(asked[0].key, first.to_string());
    assert_eq!(asked[0].form["payment_intent"], intent);
    assert_eq!(asked[0].form["amount"], "99");
    assert_eq!(asked[0].form["metadata[refund_id]"], first.to_string());
    let told = world.told().await;
    let kinds: Vec<&str> = told.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(
        kinds,
        [
            "amazoff.payment.captured",
            "amazoff.payment.refunded",
            "amazoff.payment.refunded",
            "amazoff.payment.refund_failed"
        ]
    );
    assert_eq!(
        told[1].data,
        json!({"refund_id": first, "payment_id": payment["id"], "order_id": order.id, "amount": {"amount": 99, "currency": "EUR"}})
    );
    assert_eq!(told[3].data["refund_id"], third.to_string());
    assert_eq!(
        told[3].data["reason"],
        "less than that is left of the payment"
    );
}

#[tokio::test]
async fn what_can_not_go_back_is_told() {
    let world = World::new().await;
    let (order, payment, _) = paid(&world).await;
    let unpaid = world.order();
    let open = world.started(&unpaid, "stripe").await;
    let amount = |amount: i64, currency: &str| json!({"amount": amount, "currency": currency});
    for (order_id, payment_id, amount) in [
        (unpaid.id, open["id"].clone(), amount(1, "EUR")),
        (unpaid.id, Value::Null, amount(1, "EUR")),
        (unpaid.id, payment["id"].clone(), amount(1, "EUR")),
        (order.id, json!(world.clock.uuid()), amount(1, "EUR")),
        (order.id, payment["id"].clone(), amount(0, "EUR")),
        (order.id, payment["id"].clone(), amount(-1, "EUR")),
        (order.id, payment["id"].clone(), amount(1, "USD")),
        (order.id, payment["id"].clone(), amount(i64::MAX, "EUR")),
    ] {
        let id = world.clock.uuid();
        let wanted = json!({"refund_id": id, "order_id": order_id, "payment_id": payment_id, "amount": amount});
        world
            .orders_say("amazoff.order.refund_requested", &wanted)
            .await
            .expect(StatusCode::NO_CONTENT);
        world.sweep().await;
        let told = world.told().await;
        // What is told of two orders comes side by side.
        let of_it = told
            .iter()
            .find(|event| event.data["refund_id"] == json!(id));
        let kind = of_it.map(|event| event.kind.as_str());
        assert_eq!(kind, Some("amazoff.payment.refund_failed"), "{wanted}");
    }
    assert!(world.stripe.refunds().is_empty());
}

#[tokio::test]
async fn a_refund_that_takes_its_time_is_told_when_it_is_there() {
    let world = World::new().await;
    world.stripe.delay_refunds();
    for by_webhook in [true, false] {
        let (order, payment, _) = paid(&world).await;
        ask_back(&world, &order, &payment["id"], 500).await;
        world.sweep().await;
        assert_eq!(world.told_of(order.id).await, ["captured"]);
        let refund = world.stripe.refunds().last().expect("a refund").clone();
        let refund = world
            .stripe
            .settle_refund(&text(&refund["id"]), "succeeded");
        if by_webhook {
            for event in ["evt_r", "evt_r", "evt_s"] {
                world
                    .stripe_says(event, "charge.refund.updated", &refund)
                    .await
                    .expect(StatusCode::NO_CONTENT);
            }
        } else {
            world.sweep_after(Duration::from_mins(10)).await;
        }
        assert_eq!(world.told_of(order.id).await, ["captured", "refunded"]);
        assert_eq!(
            world.read(&order, &payment).await["refunded"]["amount"],
            500
        );
    }
}

#[tokio::test]
async fn a_refund_that_fails_is_told_and_shown_to_staff() {
    let world = World::new().await;
    let (order, payment, _) = paid(&world).await;
    // It seemed to have arrived, then the bank sent it back.
    ask_back(&world, &order, &payment["id"], 500).await;
    world.sweep().await;
    let refund = world.stripe.refunds()[0].clone();
    let failed = world.stripe.settle_refund(&text(&refund["id"]), "failed");
    world
        .stripe_says("evt_f", "refund.failed", &failed)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(
        world.told_of(order.id).await,
        ["captured", "refunded", "refund_failed"]
    );
    let shown = world.staff("problem=true").await;
    assert_eq!(
        (&shown[0]["problem"], &shown[0]["state"]),
        (&json!("refund_failed"), &json!("captured"))
    );
    // What failed can be asked for again.
    world.stripe.refuse_refunds();
    ask_back(&world, &order, &payment["id"], 1099).await;
    world.sweep().await;
    let shown = world.staff("problem=true").await;
    assert_eq!(shown[0]["refunds"][1]["failed_because"], "charge_disputed");
    assert_eq!(
        world.told_of(order.id).await.last().map(String::as_str),
        Some("refund_failed")
    );
}

#[tokio::test]
async fn a_lost_reply_gives_back_once() {
    let world = World::new().await;
    let (order, payment, _) = paid(&world).await;
    world.stripe.line.lose_next_reply();
    ask_back(&world, &order, &payment["id"], 500).await;
    world.sweep().await;
    assert_eq!(world.told_of(order.id).await, ["captured"]);
    // The webhook is faster than the next try.
    let refund = world.stripe.refunds()[0].clone();
    world
        .stripe_says("evt_r", "refund.created", &refund)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep_after(Duration::from_mins(10)).await;
    assert_eq!(world.told_of(order.id).await, ["captured", "refunded"]);
    assert_eq!(world.stripe.refunds().len(), 1);
}

#[tokio::test]
async fn a_provider_that_is_away_is_asked_again() {
    let world = World::new().await;
    let (order, payment, _) = paid(&world).await;
    world.stripe.line.set_down(true);
    ask_back(&world, &order, &payment["id"], 500).await;
    world.sweep().await;
    world.sweep_after(Duration::from_mins(10)).await;
    world.stripe.line.set_down(false);
    world.sweep_after(Duration::from_mins(10)).await;
    assert_eq!(world.told_of(order.id).await, ["captured", "refunded"]);
}

#[tokio::test]
async fn money_given_back_at_the_provider_is_in_the_books() {
    let world = World::new().await;
    let (order, payment, intent) = paid(&world).await;
    let refund = world.stripe.refund_by_hand(&intent, 300);
    for event in ["evt_1", "evt_2"] {
        world
            .stripe_says(event, "refund.created", &refund)
            .await
            .expect(StatusCode::NO_CONTENT);
    }
    let shown = world.read(&order, &payment).await;
    assert_eq!(
        (&shown["state"], &shown["refunded"]["amount"]),
        (&json!("partially_refunded"), &json!(300))
    );
    assert_eq!(world.told_of(order.id).await, ["captured", "refunded"]);
    // No more than the rest can go back now.
    ask_back(&world, &order, &payment["id"], 800).await;
    assert_eq!(
        world.told_of(order.id).await.last().map(String::as_str),
        Some("refund_failed")
    );
}
