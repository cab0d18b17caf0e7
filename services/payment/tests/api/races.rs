//! Many at once: the same news by every way, in any order, has one effect.

use std::time::Duration;

use axum::body::Body;
use futures::future::join_all;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, request, send, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_webhook_twenty_times_at_once_and_the_browser_comes_back() {
    let world = World::new().await;
    let order = world.order();
    let payment = world.started(&order, "stripe").await;
    let intent = world.stripe.intents()[0].clone();
    let open = world.stripe.intent(&intent);
    let paid = world.stripe.pay(&intent);
    let sync = || {
        let path = format!("/v1/payments/{}/sync", text(&payment["id"]));
        request(Method::POST, &path, &[("order-token", &order.token)], None)
    };
    let mut requests: Vec<Request<Body>> = Vec::new();
    for _ in 0..20 {
        requests.push(world.stripe_webhook("evt_paid", "payment_intent.succeeded", &paid));
        requests.push(sync());
        // What happened before arrives after.
        requests.push(world.stripe_webhook("evt_created", "payment_intent.created", &open));
    }
    let answers = join_all(requests.into_iter().map(|request| {
        let router = world.router();
        tokio::spawn(send(router, request))
    }))
    .await;
    for answer in answers {
        let answer = answer.expect("answered");
        assert!(answer.status.is_success(), "{answer:?}");
    }
    world
        .stripe_says("evt_paid_again", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep_after(Duration::from_mins(1)).await;

    assert_eq!(world.told_of(order.id).await, ["captured"]);
    let shown = world.staff("").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (&shown[0]["state"], &shown[0]["problem"]),
        (&json!("captured"), &Value::Null)
    );
    assert!(world.stripe.refunds().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_attempts_paid_at_once_pay_once_and_the_other_goes_back() {
    let world = World::new().await;
    for _ in 0..5 {
        let order = world.order();
        for _ in 0..2 {
            world.clock.advance(Duration::from_millis(1));
            world.started(&order, "stripe").await;
        }
        let intents = world.stripe.intents();
        let both = &intents[intents.len() - 2..];
        let webhooks = both.iter().map(|intent| {
            let paid = world.stripe.pay(intent);
            let webhook =
                world.stripe_webhook(&format!("evt_{intent}"), "payment_intent.succeeded", &paid);
            tokio::spawn(send(world.router(), webhook))
        });
        for answer in join_all(webhooks).await {
            answer.expect("answered").expect(StatusCode::NO_CONTENT);
        }
        world.sweep().await;
        assert_eq!(world.told_of(order.id).await, ["captured"]);
        let shown = world.staff(&format!("order_id={}", order.id)).await;
        let states = |problem: Value| {
            shown
                .iter()
                .filter(|payment| payment["problem"] == problem)
                .count()
        };
        assert_eq!(
            (states(Value::Null), states(json!("paid_twice"))),
            (1, 1),
            "{shown:?}"
        );
        let twice = shown
            .iter()
            .find(|payment| payment["problem"] == "paid_twice")
            .expect("one");
        assert_eq!(twice["refunds"][0]["state"], "succeeded");
        assert_eq!(twice["refunds"][0]["amount"]["amount"], 1099);
        assert_ne!(twice["state"], "captured");
    }
    assert_eq!(world.stripe.refunds().len(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_refund_that_is_asked_for_many_times_at_once_is_made_once() {
    let world = World::new().await;
    let order = world.order();
    let payment = world.started(&order, "stripe").await;
    let intent = world.stripe.intents()[0].clone();
    let paid = world.stripe.pay(&intent);
    world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    let refund = |id: uuid::Uuid| json!({"refund_id": id, "order_id": order.id, "payment_id": payment["id"], "amount": {"amount": 1000, "currency": "EUR"}, "reason": "return"});
    // The same event again and again, and another refund that there is no money for.
    let event = world.event(
        "amazoff.order.refund_requested",
        &refund(world.clock.uuid()),
    );
    let other = world.event(
        "amazoff.order.refund_requested",
        &refund(world.clock.uuid()),
    );
    let batches: Vec<Vec<Value>> = (0..10)
        .map(|index| {
            if index % 2 == 0 {
                vec![event.clone()]
            } else {
                vec![event.clone(), other.clone()]
            }
        })
        .collect();
    for answer in join_all(batches.iter().map(|batch| world.orders_send(batch))).await {
        answer.expect(StatusCode::NO_CONTENT);
    }
    join_all((0..5).map(|_| world.sweep())).await;
    assert_eq!(world.stripe.refunds().len(), 1);
    let mut told = world.told_of(order.id).await;
    told.sort();
    assert_eq!(told, ["captured", "refund_failed", "refunded"]);
    assert_eq!(
        world.read(&order, &payment).await["refunded"]["amount"],
        1000
    );
}
