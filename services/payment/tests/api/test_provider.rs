//! The test provider: its page, its outcomes, its webhooks.

use std::time::Duration;

use amazoff_payment::{hear_webhook::TEST_SIGNATURE, signature::sign};
use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    fakes::orders::Order,
    world::{Answer, LATE, TEST_SECRET, World, text},
};

/// The path of the page that the shopper is sent to.
fn page_of(payment: &Value) -> String {
    assert_eq!(payment["action"]["kind"], "redirect");
    let url = text(&payment["action"]["url"]);
    let path = url.strip_prefix("https://shop.example").expect("our own");
    path.to_owned()
}

async fn submit(world: &World, page: &str, form: &str) -> Answer {
    let (path, key) = page.split_once('?').expect("a key");
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(Body::from(format!("{key}&{form}")))
        .expect("a request");
    world.send(request).await
}

async fn choose(world: &World, payment: &Value, body: &Value) -> Answer {
    let path = format!("/v1/test-provider/{}", text(&payment["id"]));
    world.post(&path, &[], Some(body)).await
}

async fn begun(world: &World) -> (Order, Value) {
    let order = world.order();
    let payment = world.started(&order, "test").await;
    (order, payment)
}

#[tokio::test]
async fn a_payment_that_succeeds_is_told_once() {
    let world = World::new().await;
    let (order, payment) = begun(&world).await;
    assert_eq!(payment["state"], "action_required");
    let page = page_of(&payment);
    let answer = submit(&world, &page, "outcome=succeed")
        .await
        .expect(StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/fr/orders/1");
    let paid = world.read(&order, &payment).await;
    assert_eq!(
        (&paid["state"], &paid["action"]),
        (&json!("captured"), &Value::Null)
    );
    let told = world.told().await;
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].kind, "amazoff.payment.captured");
    assert_eq!(told[0].source, "/payment");
    assert_eq!(told[0].subject, order.id.to_string());
    assert_eq!(
        told[0].data,
        json!({"payment_id": payment["id"], "order_id": order.id, "amount": {"amount": 1099, "currency": "EUR"}})
    );
    // Going back and choosing again changes nothing.
    submit(&world, &page, "outcome=decline")
        .await
        .expect(StatusCode::SEE_OTHER);
    let answer = choose(&world, &payment, &json!({"outcome": "succeed"}))
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(answer.problem(), "/problems/already-chosen");
    assert_eq!(world.told().await.len(), 1);
}

#[tokio::test]
async fn the_page_speaks_the_orders_language_and_loads_nothing() {
    let world = World::new().await;
    for (locale, lang, amount, word) in [
        ("fr", "lang=\"fr\"", "10,99\u{a0}EUR", "Payer"),
        ("en", "lang=\"en\"", "10.99\u{a0}EUR", "Pay"),
    ] {
        let order = world.order_of("ann@example.org", |payable| {
            payable["locale"] = json!(locale);
        });
        let payment = world.started(&order, "test").await;
        let page = world
            .get(&page_of(&payment), &[])
            .await
            .expect(StatusCode::OK);
        for part in [
            lang,
            amount,
            word,
            "A-1001",
            "method=\"post\"",
            "/fr/orders/1",
        ] {
            assert!(page.text().contains(part), "{part}: {}", page.text());
        }
        for part in [
            "<script",
            "http://",
            "https://",
            "<link",
            "<img",
            "type=\"text\"",
            "onclick",
        ] {
            assert!(!page.text().contains(part), "{part}");
        }
        let policy = page.headers["content-security-policy"]
            .to_str()
            .expect("text");
        for part in [
            "default-src 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "style-src 'sha256-",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(page.headers["cache-control"], "no-store");
        assert_eq!(page.headers["referrer-policy"], "no-referrer");
    }
}

#[tokio::test]
async fn the_page_opens_with_its_own_key_alone() {
    let world = World::new().await;
    let ((_, one), (_, other)) = (begun(&world).await, begun(&world).await);
    let (page, key_of_other) = (page_of(&one), page_of(&other));
    let (path, _) = page.split_once('?').expect("a key");
    let (_, key) = key_of_other.split_once('?').expect("a key");
    for wrong in [
        path.to_owned(),
        format!("{path}?{key}"),
        format!("{path}?key="),
        format!("{path}?key=zz"),
    ] {
        world.get(&wrong, &[]).await.expect(StatusCode::NOT_FOUND);
    }
    submit(&world, &format!("{path}?{key}"), "outcome=succeed")
        .await
        .expect(StatusCode::NOT_FOUND);
    submit(&world, &format!("{path}?"), "outcome=succeed")
        .await
        .expect(StatusCode::NOT_FOUND);
    let answer = submit(&world, &page, "outcome=gold")
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.fields(), ["outcome"]);
    let answer = choose(&world, &one, &json!({"outcome": "gold"}))
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.fields(), ["body"]);
    // A payment of another provider has no such page.
    let card = world.started(&world.order(), "stripe").await;
    choose(&world, &card, &json!({}))
        .await
        .expect(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_declined_payment_is_told_and_another_may_follow() {
    let world = World::new().await;
    let (order, payment) = begun(&world).await;
    let declined = choose(&world, &payment, &json!({"outcome": "decline"}))
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        (&declined["state"], &declined["declined_because"]),
        (&json!("declined"), &json!("card_declined"))
    );
    world.clock.advance(Duration::from_millis(1));
    let again = world.started(&order, "test").await;
    choose(&world, &again, &json!({"outcome": "succeed"}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(world.told_of(order.id).await, ["failed", "captured"]);
}

#[tokio::test]
async fn the_bank_may_ask_first() {
    let world = World::new().await;
    for (answer, state, told) in [
        ("succeed", "captured", vec!["captured"]),
        ("decline", "declined", vec!["failed"]),
    ] {
        let (order, payment) = begun(&world).await;
        let page = page_of(&payment);
        let bank = submit(&world, &page, "outcome=action")
            .await
            .expect(StatusCode::OK);
        assert!(bank.text().contains("banque"), "{}", bank.text());
        assert_eq!(
            world.sync(&order, &payment).await.json()["state"],
            "action_required"
        );
        let bank = world.get(&page, &[]).await.expect(StatusCode::OK);
        assert!(!bank.text().contains("value=\"late\""), "only yes or no");
        submit(&world, &page, &format!("outcome={answer}"))
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(world.read(&order, &payment).await["state"], state);
        assert_eq!(world.told_of(order.id).await, told);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_asked_for() {
    let world = World::new().await;
    let (order, payment) = begun(&world).await;
    choose(&world, &payment, &json!({"outcome": "no_answer"}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    world.sweep_after(Duration::from_secs(11)).await;
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    // The shopper who is back need not wait for that.
    let (order, payment) = begun(&world).await;
    choose(&world, &payment, &json!({"outcome": "no_answer"}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        world.sync(&order, &payment).await.json()["state"],
        "captured"
    );
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn an_answer_that_comes_twice_counts_once() {
    let world = World::new().await;
    let (order, payment) = begun(&world).await;
    choose(&world, &payment, &json!({"outcome": "twice"}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn late_money_is_found_when_it_comes() {
    let world = World::new().await;
    let (order, payment) = begun(&world).await;
    choose(&world, &payment, &json!({"outcome": "late"}))
        .await
        .expect(StatusCode::OK);
    world.sweep_after(Duration::from_secs(11)).await;
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    world.sweep_after(LATE).await;
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn late_money_for_a_canceled_order_goes_back_by_itself() {
    let world = World::new().await;
    let (order, payment) = begun(&world).await;
    choose(&world, &payment, &json!({"outcome": "late"}))
        .await
        .expect(StatusCode::OK);
    let closed = json!({"order_id": order.id, "reason": "canceled"});
    world
        .orders_say("amazoff.order.closed", &closed)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep_after(Duration::from_secs(1)).await;
    world.sweep_after(LATE).await;
    world.sweep().await;
    let shown = world.staff("problem=true").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (&shown[0]["problem"], &shown[0]["state"]),
        (&json!("late"), &json!("canceled"))
    );
    assert_eq!(shown[0]["refunds"][0]["state"], "succeeded");
    assert_eq!(
        shown[0]["refunds"][0]["amount"],
        json!({"amount": 1099, "currency": "EUR"})
    );
    assert!(
        world.told_of(order.id).await.is_empty(),
        "the order was never paid"
    );
}

#[tokio::test]
async fn an_address_chooses_for_a_load() {
    let world = World::new().await;
    for (email, state) in [
        ("load@example.org", "captured"),
        ("load+decline@example.org", "declined"),
        ("load+no-answer@example.org", "action_required"),
    ] {
        let order = world.order_of(email, |_| {});
        let payment = world.started(&order, "test").await;
        let answer = choose(&world, &payment, &json!({}))
            .await
            .expect(StatusCode::OK);
        assert_eq!(answer.json()["state"], state, "{email}");
    }
}

#[tokio::test]
async fn webhooks_of_the_test_provider_are_signed() {
    let world = World::new().await;
    let (order, payment) = begun(&world).await;
    choose(&world, &payment, &json!({"outcome": "no_answer"}))
        .await
        .expect(StatusCode::OK);
    let body = json!({"id": "1", "payment_id": payment["id"]}).to_string();
    let webhook = |signature: String| {
        let request = Request::post("/v1/webhooks/test").header(TEST_SIGNATURE, signature);
        world.send(request.body(Body::from(body.clone())).expect("a request"))
    };
    let sign = |secret: &str| sign(body.as_bytes(), secret, world.clock.now()).expect("signed");
    for signature in [String::new(), sign("other")] {
        let answer = webhook(signature).await.expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.problem(), "/problems/signature-refused");
    }
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    webhook(sign(TEST_SECRET))
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
}
