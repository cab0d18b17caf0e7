//! `PayPal`: what it is asked, what it says, and who says it.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};

use crate::{
    fakes::{
        orders::Order,
        paypal::{Authority, capture_of, event},
    },
    world::{World, paypal_webhook, text},
};

const OWNER: &str = "messageverificationcerts.paypal.com";

async fn begun(world: &World) -> (Order, Value, String) {
    let order = world.order();
    let payment = world.started(&order, "paypal").await;
    let id = world.paypal.order_ids().last().expect("an order").clone();
    (order, payment, id)
}

#[tokio::test]
async fn the_shopper_agrees_at_paypal_and_the_money_is_taken() {
    let world = World::new().await;
    let (order, payment, id) = begun(&world).await;
    assert_eq!(payment["state"], "action_required");
    let url = format!("https://www.paypal.example/checkoutnow?token={id}");
    assert_eq!(payment["action"], json!({"kind": "redirect", "url": url}));
    let sent = &world.paypal.sent("/v2/checkout/orders")[0];
    assert_eq!(sent["intent"], "CAPTURE");
    assert_eq!(
        sent["purchase_units"],
        json!([{
            "custom_id": format!("{} {}", text(&payment["id"]), order.id), "description": "A-1001",
            "amount": {"currency_code": "EUR", "value": "10.99"},
        }])
    );
    let context = &sent["payment_source"]["paypal"]["experience_context"];
    assert_eq!(context["return_url"], "https://shop.example/fr/orders/1");
    assert_eq!(
        (&context["locale"], &context["user_action"]),
        (&json!("fr-FR"), &json!("PAY_NOW"))
    );

    // Back without having agreed.
    let synced = world
        .sync(&order, &payment)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(synced["state"], "action_required");
    world.paypal.approve(&id);
    let synced = world
        .sync(&order, &payment)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(synced["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["captured"]);
    assert_eq!(world.paypal.captures(), 1);
    // One token for all of it.
    assert_eq!(world.paypal.tokens(), 1);
    world.clock.advance(Duration::from_hours(9));
    begun(&world).await;
    assert_eq!(world.paypal.tokens(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn webhooks_and_the_browser_take_the_money_once() {
    let authority = Authority::new(OWNER, 30);
    let world = World::with_authorities(&[&authority]).await;
    world.paypal.show_certificate(authority.certificate());
    let (order, payment, id) = begun(&world).await;
    let approved = world.paypal.approve(&id);
    let (one, two, three, four) = tokio::join!(
        world.paypal_says(&authority, "WH-1", "CHECKOUT.ORDER.APPROVED", &approved),
        world.sync(&order, &payment),
        world.paypal_says(&authority, "WH-1", "CHECKOUT.ORDER.APPROVED", &approved),
        world.sync(&order, &payment),
    );
    for answer in [one, two, three, four] {
        assert!(answer.status.is_success(), "{answer:?}");
    }
    // Webhooks at the same time may each fetch the certificate; from then on it is known.
    let fetched = world.paypal.certificates_read();
    world.sweep().await;
    let captured = capture_of(&world.paypal.order(&id));
    for event in ["WH-2", "WH-2", "WH-3"] {
        world
            .paypal_says(&authority, event, "PAYMENT.CAPTURE.COMPLETED", &captured)
            .await
            .expect(StatusCode::NO_CONTENT);
    }
    // The agreement arrives once more, late.
    world
        .paypal_says(&authority, "WH-4", "CHECKOUT.ORDER.APPROVED", &approved)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["captured"]);
    assert_eq!(world.paypal.captures(), 1);
    assert_eq!(world.paypal.certificates_read(), fetched);
}

#[tokio::test]
async fn a_webhook_alone_is_enough() {
    let authority = Authority::new(OWNER, 30);
    let world = World::with_authorities(&[&authority]).await;
    world.paypal.show_certificate(authority.certificate());
    let (order, payment, id) = begun(&world).await;
    let approved = world.paypal.approve(&id);
    world
        .paypal_says(&authority, "WH-1", "CHECKOUT.ORDER.APPROVED", &approved)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order, &payment).await["state"], "authorized");
    world.sweep_after(Duration::from_secs(11)).await;
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
}

#[tokio::test]
async fn a_decline_is_told() {
    let world = World::new().await;
    let (order, payment, id) = begun(&world).await;
    world.paypal.decline(true);
    world.paypal.approve(&id);
    let synced = world
        .sync(&order, &payment)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        (&synced["state"], &synced["declined_because"]),
        (&json!("declined"), &json!("instrument_declined"))
    );
    assert_eq!(world.told_of(order.id).await, ["failed"]);
}

#[tokio::test]
async fn lost_replies_take_and_give_back_once() {
    let world = World::new().await;
    let order = world.order();
    world.paypal.line.lose_next_reply();
    world
        .start(&order, "paypal", "k")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    let payment = world
        .start(&order, "paypal", "k")
        .await
        .expect(StatusCode::CREATED)
        .json();
    let ids = world.paypal.order_ids();
    assert_eq!(ids.len(), 1);
    world.paypal.approve(&ids[0]);
    world.paypal.line.lose_next_reply();
    world
        .sync(&order, &payment)
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    world.sweep_after(Duration::from_mins(1)).await;
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.paypal.captures(), 1);

    // A token that was taken back is fetched anew, by the next try.
    world.paypal.revoke_token();
    let wanted = json!({"refund_id": world.clock.uuid(), "order_id": order.id, "amount": {"amount": 500, "currency": "EUR"}});
    world
        .orders_say("amazoff.order.refund_requested", &wanted)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep().await;
    world.paypal.line.lose_next_reply();
    world.sweep_after(Duration::from_mins(10)).await;
    world.sweep_after(Duration::from_mins(10)).await;
    assert_eq!(world.paypal.refunds().len(), 1);
    let sent = world.paypal.sent("/v2/payments/captures/{id}/refund");
    assert_eq!(
        sent[0]["amount"],
        json!({"currency_code": "EUR", "value": "5.00"})
    );
    assert_eq!(world.told_of(order.id).await, ["captured", "refunded"]);
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "partially_refunded"
    );
}

#[tokio::test]
async fn refunds_at_paypal_are_in_the_books() {
    let authority = Authority::new(OWNER, 30);
    let world = World::with_authorities(&[&authority]).await;
    world.paypal.show_certificate(authority.certificate());
    let (order, payment, id) = begun(&world).await;
    world.paypal.approve(&id);
    world.sync(&order, &payment).await.expect(StatusCode::OK);
    let refund = json!({
        "id": "1RHAND", "status": "COMPLETED", "amount": {"currency_code": "EUR", "value": "3.00"},
        "links": [{"rel": "up", "href": format!("https://api.paypal.example/v2/payments/captures/C{id}")}],
    });
    world
        .paypal_says(&authority, "WH-1", "PAYMENT.CAPTURE.REFUNDED", &refund)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(
        world.read(&order, &payment).await["refunded"]["amount"],
        300
    );
    let reversed = capture_of(&world.paypal.order(&id));
    world
        .paypal_says(&authority, "WH-2", "PAYMENT.CAPTURE.REVERSED", &reversed)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.staff("problem=true").await[0]["problem"], "disputed");
}

#[tokio::test]
async fn only_paypals_own_certificate_signs() {
    let (paypals, evils) = (Authority::new(OWNER, 30), Authority::new(OWNER, 30));
    let strangers = Authority::new("shop.example", 30);
    let world = World::with_authorities(&[&paypals, &strangers]).await;
    world.paypal.show_certificate(paypals.certificate());
    let (order, payment, id) = begun(&world).await;
    let approved = world.paypal.approve(&id);
    let body = event("WH-1", "CHECKOUT.ORDER.APPROVED", &approved);
    let right = world.paypal.headers(&paypals, &body, world.clock.now());
    let with = |name: &str, value: &str| {
        let mut headers = right.clone();
        for (header, kept) in &mut headers {
            if *header == name {
                value.clone_into(kept);
            }
        }
        headers
    };
    let old = world.paypal.headers(
        &paypals,
        &body,
        world.clock.now() - Duration::from_hours(96),
    );
    let refused = [
        (right.clone(), body.replace("10.99", "99.99")),
        (right.clone(), format!("{body} ")),
        (with("paypal-transmission-id", "other"), body.clone()),
        (
            with("paypal-transmission-time", "2020-01-01T00:00:00Z"),
            body.clone(),
        ),
        (with("paypal-transmission-sig", "AAAA"), body.clone()),
        (with("paypal-transmission-sig", "?"), body.clone()),
        (with("paypal-auth-algo", "SHA1withRSA"), body.clone()),
        (
            with(
                "paypal-cert-url",
                "https://api.paypal.com/v1/notifications/certs/CERT-1",
            ),
            body.clone(),
        ),
        (
            with(
                "paypal-cert-url",
                "http://127.0.0.1:1/v1/notifications/certs/CERT-1",
            ),
            body.clone(),
        ),
        (right[1..].to_vec(), body.clone()),
        (
            world.paypal.headers(&evils, &body, world.clock.now()),
            body.clone(),
        ),
        (old, body.clone()),
    ];
    for (headers, body) in refused {
        let answer = world
            .send(paypal_webhook(&headers, body))
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert_eq!(
            answer.problem(),
            "/problems/signature-refused",
            "{headers:?}"
        );
    }
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    world
        .send(paypal_webhook(&right, body.clone()))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order, &payment).await["state"], "authorized");
    // Time passes, and the certificate is out of date.
    world.clock.advance(Duration::from_hours(744));
    let late = world.paypal.headers(&paypals, &body, world.clock.now());
    world
        .send(paypal_webhook(&late, body))
        .await
        .expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_certificate_of_nobody_we_trust_or_of_somebody_else_signs_nothing() {
    let (evils, strangers) = (
        Authority::new(OWNER, 30),
        Authority::new("paypal.com.evil.example", 30),
    );
    let world = World::with_authorities(&[&strangers]).await;
    let body = event("WH-1", "CHECKOUT.ORDER.APPROVED", &json!({}));
    for authority in [&evils, &strangers] {
        world.paypal.show_certificate(authority.certificate());
        let mut headers = world.paypal.headers(authority, &body, world.clock.now());
        // Another address, because the first one is remembered.
        headers[2].1 = format!("{}{}", headers[2].1, world.clock.uuid());
        let answer = world
            .send(paypal_webhook(&headers, body.clone()))
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.problem(), "/problems/signature-refused");
    }
    // When the certificate can't be fetched nothing is known: PayPal is to say it again.
    world.paypal.line.set_down(true);
    let mut headers = world.paypal.headers(&evils, &body, world.clock.now());
    headers[2].1 = format!("{}{}", headers[2].1, world.clock.uuid());
    world
        .send(paypal_webhook(&headers, body))
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
}
