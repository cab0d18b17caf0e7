//! What payment says, in every order it may be said.

use http::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::world::{Placed, World};

async fn world_with(units: i64) -> World {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, units).await;
    world
}

fn failed(world: &World, order: &Placed) -> Value {
    world.event(
        "amazoff.payment.failed",
        order.id,
        &json!({"payment_id": world.clock.uuid(), "order_id": order.id, "reason": "declined"}),
    )
}

#[tokio::test]
async fn paid_in_time_is_confirmed_and_told() {
    let world = world_with(5).await;
    let order = world.placed(&[("tea", 2)]).await;
    let payment = world.pay(&order).await;
    let read = world.read(&order).await;
    assert_eq!(
        read["states"],
        json!({"order": "confirmed", "payment": "paid", "fulfillment": "unfulfilled", "return": "none"})
    );
    assert_eq!(read["payment"]["id"], json!(payment));
    assert_eq!(read["expires_at"], Value::Null);
    assert_eq!(world.level("tea").await, (3, 0));
    world.deliver().await;
    let told = &world.notifications.events()[0];
    assert_eq!(
        (
            told.kind.as_str(),
            told.source.as_str(),
            told.subject.clone()
        ),
        ("amazoff.order.confirmed", "/orders", order.id.to_string())
    );
    for (field, expected) in [
        ("number", order.json["number"].clone()),
        ("email", order.json["email"].clone()),
        ("name", json!("Camille Martin")),
        ("locale", json!("fr")),
        (
            "order_url",
            json!(format!(
                "https://shop.example/fr/orders/{}?token={}",
                order.id, order.token
            )),
        ),
        ("totals", order.json["totals"].clone()),
    ] {
        assert_eq!(told.data[field], expected, "{field}");
    }
    assert_eq!(told.data["lines"][0]["quantity"], 2);
    world.ledger().await;
}

#[tokio::test]
async fn a_refused_payment_leaves_time_for_another() {
    let world = world_with(5).await;
    let order = world.placed(&[("tea", 2)]).await;
    world
        .hear(&[failed(&world, &order), failed(&world, &order)])
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order).await["status"], "payment_failed");
    assert_eq!(world.level("tea").await, (5, 2), "still held");
    world.pay(&order).await;
    world
        .hear(&[failed(&world, &order)])
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(
        world.read(&order).await["status"],
        "confirmed",
        "late news of the first attempt changes nothing"
    );
}

#[tokio::test]
async fn unpaid_orders_expire_and_give_everything_back() {
    let world = world_with(5).await;
    let order = world.placed(&[("tea", 2)]).await;
    assert_eq!(
        amazoff_orders::expire_orders::sweep(&world.app)
            .await
            .expect("swept"),
        0,
        "not before time is up"
    );
    assert_eq!(world.expire().await, 1);
    assert_eq!(world.expire().await, 0);
    assert_eq!(world.read(&order).await["status"], "expired");
    assert_eq!(world.level("tea").await, (5, 0));
    world.deliver().await;
    assert_eq!(
        world.payment.events().last().expect("told").data,
        json!({"order_id": order.id, "reason": "expired"})
    );
    world.ledger().await;
}

#[tokio::test]
async fn paid_late_takes_the_goods_again() {
    let world = world_with(5).await;
    let order = world.placed(&[("tea", 2)]).await;
    world.expire().await;
    world.pay(&order).await;
    assert_eq!(world.read(&order).await["status"], "confirmed");
    assert_eq!(world.level("tea").await, (3, 0));
    world.ledger().await;
}

#[tokio::test]
async fn paid_late_and_sold_out_is_paid_back() {
    let world = world_with(3).await;
    let late = world.placed(&[("tea", 2)]).await;
    world.expire().await;
    world.placed(&[("tea", 2)]).await;
    let payment = world.pay(&late).await;
    let read = world.read(&late).await;
    assert_eq!(
        (read["status"].clone(), read["states"]["payment"].clone()),
        (json!("expired"), json!("paid"))
    );
    world.deliver().await;
    let asked = world
        .payment
        .events()
        .into_iter()
        .find(|event| event.kind == "amazoff.order.refund_requested")
        .expect("asked");
    assert_eq!(asked.data["payment_id"], json!(payment));
    assert_eq!(asked.data["amount"]["amount"], late.total);
    assert_eq!(world.refund_all().await, 1);
    let read = world.read(&late).await;
    assert_eq!(
        (read["status"].clone(), read["states"]["payment"].clone()),
        (json!("expired"), json!("refunded"))
    );
    assert_eq!(world.level("tea").await, (3, 2));
    world.deliver().await;
    assert_eq!(world.notifications.count("amazoff.order.refunded"), 1);
    let ledger = world.ledger().await;
    assert_eq!(
        ledger["money"][0]["captured"],
        ledger["money"][0]["refunded"]
    );
}

#[tokio::test]
async fn money_that_does_not_belong_goes_back_and_changes_nothing_else() {
    let world = world_with(9).await;
    let wrong = world.placed(&[("tea", 1)]).await;
    let twice = world.paid(&[("tea", 1)]).await;
    let canceled = world.placed(&[("tea", 1)]).await;
    world
        .act(&canceled, "cancel", None)
        .await
        .expect(StatusCode::OK);
    let mut other_currency = world.captured(wrong.id, world.clock.uuid(), wrong.total);
    other_currency["data"]["amount"]["currency"] = json!("USD");
    let events = [
        world.captured(wrong.id, world.clock.uuid(), wrong.total - 1),
        other_currency,
        world.captured(twice.id, world.clock.uuid(), twice.total),
        world.captured(canceled.id, world.clock.uuid(), canceled.total),
        // No such order: payment refunds what nobody knows.
        world.captured(world.clock.uuid(), world.clock.uuid(), 5),
    ];
    world.hear(&events).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(world.refund_all().await, 4);
    for (order, status, payment) in [
        (&wrong, "awaiting_payment", "awaiting"),
        (&twice, "confirmed", "paid"),
        (&canceled, "canceled", "awaiting"),
    ] {
        let read = world.read(order).await;
        assert_eq!(
            (read["status"].as_str(), read["states"]["payment"].as_str()),
            (Some(status), Some(payment)),
            "{read}"
        );
    }
    assert_eq!(world.level("tea").await, (8, 1));
    world.pay(&wrong).await;
    assert_eq!(world.read(&wrong).await["status"], "confirmed");
    world.ledger().await;
}

#[tokio::test]
async fn a_refund_ends_once_however_often_it_is_said() {
    let world = world_with(9).await;
    let order = world.paid(&[("tea", 2)]).await;
    let refund = world
        .work(
            &order,
            "refunds",
            Some(&json!({"amount": {"amount": 100, "currency": "EUR"}, "reason": "dented"})),
        )
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(refund["state"], "requested");
    for _ in 0..3 {
        world.refund_all().await;
    }
    let read = world.read(&order).await;
    assert_eq!(
        (
            read["states"]["payment"].as_str(),
            read["payment"]["refunded"]["amount"].as_i64()
        ),
        (Some("partially_refunded"), Some(100))
    );
    world.deliver().await;
    assert_eq!(world.notifications.count("amazoff.order.refunded"), 1);

    let second = world
        .work(
            &order,
            "refunds",
            Some(&json!({"amount": {"amount": 50, "currency": "EUR"}, "reason": "again"})),
        )
        .await
        .expect(StatusCode::CREATED)
        .json();
    let data = json!({"refund_id": second["id"], "order_id": order.id, "amount": second["amount"]});
    let event = world.event("amazoff.payment.refund_failed", order.id, &data);
    world.hear(&[event]).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order).await["refunds"][1]["state"], "failed");
    // What failed can be given back in another way.
    let rest =
        json!({"amount": {"amount": order.total - 100, "currency": "EUR"}, "reason": "the rest"});
    world
        .work(&order, "refunds", Some(&rest))
        .await
        .expect(StatusCode::CREATED);
    let more = world
        .work(
            &order,
            "refunds",
            Some(&json!({"amount": {"amount": 1, "currency": "EUR"}, "reason": "more"})),
        )
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(
        (more.problem(), more.fields()),
        ("refund-too-large".to_owned(), vec!["amount".to_owned()])
    );
    world.refund_all().await;
    assert_eq!(world.read(&order).await["status"], "refunded");
    world.ledger().await;
}

#[tokio::test]
async fn a_refund_that_the_provider_made_by_itself_is_counted() {
    let world = world_with(9).await;
    let order = world.paid(&[("tea", 2)]).await;
    let data = json!({"refund_id": world.clock.uuid(), "order_id": order.id, "amount": {"amount": order.total, "currency": "EUR"}});
    let event = world.event("amazoff.payment.refunded", order.id, &data);
    world.hear(&[event]).await.expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order).await["states"]["payment"], "refunded");
    let again = json!({"amount": {"amount": 1, "currency": "EUR"}, "reason": "again"});
    world
        .work(&order, "refunds", Some(&again))
        .await
        .expect(StatusCode::CONFLICT);
}

#[tokio::test]
async fn strangers_say_nothing_and_nonsense_stops_nothing() {
    let world = world_with(9).await;
    let order = world.placed(&[("tea", 1)]).await;
    let event = world.captured(order.id, world.clock.uuid(), order.total);
    let shopper = world.person(&world.clock.uuid().to_string(), &[]);
    let request = |token: &str| {
        http::Request::post("/internal/v1/events")
            .header(header::AUTHORIZATION, token)
            .header(header::CONTENT_TYPE, "application/cloudevents-batch+json")
            .body(axum::body::Body::from(json!([event]).to_string()))
            .expect("a request")
    };
    world
        .answer(request(&shopper))
        .await
        .expect(StatusCode::FORBIDDEN);
    let nonsense = world.event(
        "amazoff.payment.captured",
        order.id,
        &json!({"order_id": "?"}),
    );
    let unknown = world.event("amazoff.payment.blessed", order.id, &json!({}));
    world
        .hear(&[nonsense, unknown, event])
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order).await["status"], "confirmed");
}

#[tokio::test]
async fn payment_reads_what_is_to_be_paid() {
    let world = world_with(9).await;
    let order = world.placed(&[("tea", 1)]).await;
    let path = format!("/internal/v1/orders/{}/payable", order.id);
    let token = world.staff(&["orders:pay"]);
    let payable = world
        .send(Method::GET, &path, &[("authorization", &token)], None)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        payable,
        json!({
            "order_id": order.id, "number": order.json["number"], "amount": order.json["totals"]["total"], "state": "placed",
            "email": order.json["email"], "locale": "fr", "expires_at": "2026-11-02T09:30:00Z",
        })
    );
    let other = world.staff(&["orders:read"]);
    world
        .send(Method::GET, &path, &[("authorization", &other)], None)
        .await
        .expect(StatusCode::FORBIDDEN);
}
