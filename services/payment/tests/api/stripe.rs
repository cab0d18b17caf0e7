//! Stripe: what it is asked, what it says, and what goes wrong on the way.

use std::time::Duration;

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::{
    fakes::{orders::Order, stripe},
    world::{World, text},
};

async fn begun(world: &World) -> (Order, Value, String) {
    let order = world.order();
    let payment = world.started(&order, "stripe").await;
    let intent = world.stripe.intents().last().expect("an intent").clone();
    (order, payment, intent)
}

#[tokio::test]
async fn a_card_is_paid_in_stripes_own_fields() {
    let world = World::new().await;
    let (order, payment, intent) = begun(&world).await;
    assert_eq!(payment["state"], "action_required");
    let action = &payment["action"];
    assert_eq!(action["kind"], "stripe_elements");
    assert_eq!(action["client_secret"], format!("{intent}_secret_x"));
    assert_eq!(action["publishable_key"], "pk_test_fake");

    let asked = world.stripe.asked("/v1/payment_intents");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].key, text(&payment["id"]));
    let form: Vec<(&str, &str)> = asked[0]
        .form
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let (order_id, payment_id) = (order.id.to_string(), text(&payment["id"]));
    assert_eq!(
        form,
        [
            ("amount", "1099"),
            ("automatic_payment_methods[enabled]", "true"),
            ("currency", "eur"),
            ("description", "A-1001"),
            ("metadata[order_id]", &order_id),
            ("metadata[payment_id]", &payment_id),
        ]
    );

    let action = world
        .stripe
        .change(&intent, &json!({"status": "requires_action"}));
    world
        .stripe_says("evt_0", "payment_intent.requires_action", &action)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    let paid = world.stripe.pay(&intent);
    world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    let captured = world.read(&order, &payment).await;
    assert_eq!(
        (&captured["state"], &captured["action"]),
        (&json!("captured"), &Value::Null)
    );
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn a_declined_card_may_be_followed_by_another_on_the_same_payment() {
    let world = World::new().await;
    let (order, payment, intent) = begun(&world).await;
    let declined = world.stripe.decline(&intent);
    world
        .stripe_says("evt_1", "payment_intent.payment_failed", &declined)
        .await
        .expect(StatusCode::NO_CONTENT);
    let shown = world.read(&order, &payment).await;
    assert_eq!(
        (&shown["state"], &shown["declined_because"]),
        (&json!("declined"), &json!("insufficient_funds"))
    );
    let paid = world.stripe.pay(&intent);
    world
        .stripe_says("evt_2", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    // The first refusal arrives a second time, late.
    world
        .stripe_says("evt_3", "payment_intent.payment_failed", &declined)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["failed", "captured"]);
}

#[tokio::test]
async fn what_was_tampered_with_or_is_old_has_no_effect() {
    let world = World::new().await;
    let (order, payment, intent) = begun(&world).await;
    let paid = world.stripe.pay(&intent);
    let body = stripe::event("evt_1", "payment_intent.succeeded", &paid);
    let now = world.clock.now();
    let right = stripe::signature(&body, now);
    let other =
        amazoff_payment::signature::sign(body.as_bytes(), "whsec_other", now).expect("signed");
    let old = stripe::signature(&body, now - Duration::from_secs(301));
    for (signature, body) in [
        (right.clone(), body.replace("1099", "9999")),
        (right.clone(), format!(" {body}")),
        (other, body.clone()),
        (old, body.clone()),
        (String::new(), body.clone()),
        (right.replace("v1=", "v0="), body.clone()),
    ] {
        let request = Request::post("/v1/webhooks/stripe").header("stripe-signature", signature);
        let answer = world
            .send(request.body(Body::from(body)).expect("a request"))
            .await;
        assert_eq!(
            answer.expect(StatusCode::BAD_REQUEST).problem(),
            "/problems/signature-refused"
        );
    }
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    assert!(world.told().await.is_empty());
    // Signed, but nothing that is known: answered, so that Stripe does not repeat it for days.
    world
        .stripe_says("evt_2", "customer.created", &json!({}))
        .await
        .expect(StatusCode::NO_CONTENT);
    // Signed, but not readable: refused, so that somebody looks.
    let answer = world
        .stripe_says("evt_3", "payment_intent.succeeded", &json!({}))
        .await;
    answer.expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn money_that_does_not_match_never_pays_and_goes_back() {
    let world = World::new().await;
    let other = world.clock.uuid();
    for (changes, problem) in [
        (json!({"amount_received": 1}), "amount_mismatch"),
        (json!({"amount_received": 5000}), "amount_mismatch"),
        (json!({"currency": "usd"}), "currency_mismatch"),
        (
            json!({"metadata": {"payment_id": "?", "order_id": other}}),
            "order_mismatch",
        ),
        (json!({"metadata": {"payment_id": "?"}}), "order_mismatch"),
    ] {
        let (order, payment, intent) = begun(&world).await;
        world.stripe.pay(&intent);
        let mut changes = changes;
        if changes["metadata"].is_object() {
            changes["metadata"]["payment_id"] = payment["id"].clone();
        }
        let paid = world.stripe.change(&intent, &changes);
        world
            .stripe_says(&format!("evt_{intent}"), "payment_intent.succeeded", &paid)
            .await
            .expect(StatusCode::NO_CONTENT);
        world.sweep().await;
        let shown = world.staff(&format!("order_id={}", order.id)).await;
        assert_eq!(
            (&shown[0]["problem"], &shown[0]["state"]),
            (&json!(problem), &json!("canceled"))
        );
        assert_eq!(shown[0]["refunds"][0]["state"], "succeeded", "{problem}");
        assert_eq!(
            shown[0]["refunds"][0]["amount"]["amount"],
            paid["amount_received"]
        );
        assert_eq!(world.told_of(order.id).await, ["failed"], "{problem}");
        // The order can still be paid.
        world.clock.advance(Duration::from_millis(1));
        world.started(&order, "test").await;
    }
}

#[tokio::test]
async fn a_webhook_may_be_faster_than_the_reply() {
    let world = World::new().await;
    let order = world.order();
    world.stripe.line.lose_next_reply();
    world
        .start(&order, "stripe", "k")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    let intent = world.stripe.intents()[0].clone();
    let paid = world.stripe.pay(&intent);
    world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    let payment = world
        .start(&order, "stripe", "k")
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(payment["state"], "captured");
    assert_eq!(world.stripe.intents().len(), 1);
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn a_lost_reply_makes_no_second_payment() {
    let world = World::new().await;
    let order = world.order();
    world.stripe.line.lose_next_reply();
    let answer = world
        .start(&order, "stripe", "k")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.problem(), "/problems/provider-unavailable");
    // Sent again with the same key, as the answer says.
    let payment = world
        .start(&order, "stripe", "k")
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(payment["action"]["kind"], "stripe_elements");
    assert_eq!(world.stripe.intents().len(), 1);
    // Or left to the sweeper.
    let other = world.order();
    world.stripe.line.lose_next_reply();
    world
        .start(&other, "stripe", "k")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    world.sweep_after(Duration::from_secs(11)).await;
    let shown = world.staff(&format!("order_id={}", other.id)).await;
    assert_eq!(shown[0]["state"], "action_required");
    assert_eq!(world.stripe.intents().len(), 2);
}

#[tokio::test]
async fn money_that_nobody_told_of_is_found() {
    let world = World::new().await;
    let (order, payment, intent) = begun(&world).await;
    world.stripe.pay(&intent);
    world.stripe.line.set_down(true);
    // The shopper is back, the provider is away: a clean answer, and nothing is lost.
    world
        .sync(&order, &payment)
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    world.sweep_after(Duration::from_secs(11)).await;
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    world.stripe.line.set_down(false);
    world.sweep_after(Duration::from_mins(1)).await;
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn a_closed_order_calls_off_its_payments() {
    let world = World::new().await;
    for (reason, state) in [("canceled", "canceled"), ("expired", "expired")] {
        let (order, payment, intent) = begun(&world).await;
        let closed = json!({"order_id": order.id, "reason": reason});
        world
            .orders_say("amazoff.order.closed", &closed)
            .await
            .expect(StatusCode::NO_CONTENT);
        world.sweep().await;
        assert_eq!(world.read(&order, &payment).await["state"], state);
        assert_eq!(world.stripe.intent(&intent)["status"], "canceled");
        assert!(world.told_of(order.id).await.is_empty(), "orders knows");
        let answer = world
            .start(&order, "test", "again")
            .await
            .expect(StatusCode::CONFLICT);
        assert_eq!(answer.problem(), "/problems/order-not-payable");
    }
    // Authorized money is let go.
    let (order, _, intent) = begun(&world).await;
    let closed = json!({"order_id": order.id, "reason": "canceled"});
    world
        .orders_say("amazoff.order.closed", &closed)
        .await
        .expect(StatusCode::NO_CONTENT);
    let authorized = world
        .stripe
        .change(&intent, &json!({"status": "requires_capture"}));
    world
        .stripe_says(
            "evt_1",
            "payment_intent.amount_capturable_updated",
            &authorized,
        )
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep_after(Duration::from_secs(11)).await;
    assert_eq!(world.stripe.intent(&intent)["status"], "canceled");
}

#[tokio::test]
async fn money_for_a_closed_order_goes_back_or_is_told() {
    let world = World::new().await;
    // Canceled: the card was charged while we called it off.
    let (order, payment, intent) = begun(&world).await;
    world.stripe.pay(&intent);
    let closed = json!({"order_id": order.id, "reason": "canceled"});
    world
        .orders_say("amazoff.order.closed", &closed)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep().await;
    world.sweep().await;
    let shown = world.staff("problem=true").await;
    assert_eq!(
        (&shown[0]["id"], &shown[0]["problem"]),
        (&payment["id"], &json!("late"))
    );
    assert_eq!(world.stripe.refunds()[0]["amount"], 1099);
    assert!(world.told_of(order.id).await.is_empty());
    // Expired: orders may take the goods again, and asks for the refund itself when it can't.
    let (order, payment, intent) = begun(&world).await;
    let closed = json!({"order_id": order.id, "reason": "expired"});
    world
        .orders_say("amazoff.order.closed", &closed)
        .await
        .expect(StatusCode::NO_CONTENT);
    let paid = world.stripe.pay(&intent);
    world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["captured"]);
    assert_eq!(world.stripe.refunds().len(), 1);
}

#[tokio::test]
async fn authorized_money_is_taken() {
    let world = World::new().await;
    let (order, payment, intent) = begun(&world).await;
    let authorized = world
        .stripe
        .change(&intent, &json!({"status": "requires_capture"}));
    world
        .stripe_says(
            "evt_1",
            "payment_intent.amount_capturable_updated",
            &authorized,
        )
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.read(&order, &payment).await["state"], "authorized");
    world.stripe.line.lose_next_reply();
    world.sweep_after(Duration::from_secs(11)).await;
    world.sweep_after(Duration::from_mins(1)).await;
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn unknown_money_that_says_it_is_ours_goes_back() {
    let world = World::new().await;
    let (_, _, intent) = begun(&world).await;
    let (payment_id, order_id) = (world.clock.uuid(), world.clock.uuid());
    world.stripe.pay(&intent);
    let ours = world.stripe.change(
        &intent,
        &json!({"metadata": {"payment_id": payment_id, "order_id": order_id}}),
    );
    for event in ["evt_1", "evt_1", "evt_2"] {
        world
            .stripe_says(event, "payment_intent.succeeded", &ours)
            .await
            .expect(StatusCode::NO_CONTENT);
    }
    world.sweep().await;
    let shown = world.staff("problem=true").await;
    assert_eq!(shown.len(), 1);
    assert_eq!(
        (&shown[0]["problem"], &shown[0]["id"]),
        (&json!("unknown"), &json!(payment_id))
    );
    assert_eq!(world.stripe.refunds().len(), 1);
    // What does not say so is somebody else's, who shares the account.
    let theirs = world
        .stripe
        .change(&intent, &json!({"id": "pi_theirs", "metadata": {}}));
    world
        .stripe_says("evt_3", "payment_intent.succeeded", &theirs)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep().await;
    assert_eq!(world.stripe.refunds().len(), 1);
    assert!(world.told().await.is_empty());
}

#[tokio::test]
async fn without_javascript_the_card_is_paid_on_stripes_page() {
    let world = World::new().await;
    let (order, payment, intent) = begun(&world).await;
    let url = text(&payment["action"]["hosted_url"]);
    let path = url.strip_prefix("https://shop.example").expect("our own");
    let answer = world.get(path, &[]).await.expect(StatusCode::SEE_OTHER);
    let page = world.stripe.pages()[0].clone();
    assert_eq!(answer.headers["location"], text(&page["url"]).as_str());
    assert_eq!(answer.headers["referrer-policy"], "no-referrer");
    // Going there again leads to the same page.
    world.get(path, &[]).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(world.stripe.pages().len(), 1);
    let asked = world.stripe.asked("/v1/checkout/sessions");
    let form = &asked[0].form;
    assert_eq!(form["mode"], "payment");
    assert_eq!(form["line_items[0][price_data][unit_amount]"], "1099");
    assert_eq!(form["line_items[0][price_data][currency]"], "eur");
    assert_eq!(form["success_url"], "https://shop.example/fr/orders/1");
    assert_eq!(form["locale"], "fr");
    assert_eq!(
        form["payment_intent_data[metadata][order_id]"],
        order.id.to_string()
    );

    // A wrong key leads nowhere.
    let (bare, _) = path.split_once('?').expect("a key");
    world.get(bare, &[]).await.expect(StatusCode::NOT_FOUND);
    world
        .get(&format!("{bare}?key=00"), &[])
        .await
        .expect(StatusCode::NOT_FOUND);

    // Paid there, found by asking; and again by webhook, which changes nothing.
    let paid = world.stripe.pay_on_page(&text(&page["id"]));
    let synced = world
        .sync(&order, &payment)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(synced["state"], "captured");
    world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.told_of(order.id).await, ["captured"]);
    // Paid in the other tab too: that money goes back.
    let twice = world.stripe.pay(&intent);
    world
        .stripe_says("evt_2", "payment_intent.succeeded", &twice)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep().await;
    let refunds = world.stripe.refunds();
    assert_eq!(refunds.len(), 1);
    assert_eq!(refunds[0]["payment_intent"], intent);
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    // Now there is nothing to pay any more.
    let answer = world.get(path, &[]).await.expect(StatusCode::SEE_OTHER);
    assert_eq!(answer.headers["location"], "/fr/orders/1");
}

#[tokio::test]
async fn a_page_that_ends_does_not_end_the_payment() {
    let world = World::new().await;
    let (order, payment, _) = begun(&world).await;
    let url = text(&payment["action"]["hosted_url"]);
    world
        .get(
            url.strip_prefix("https://shop.example").expect("our own"),
            &[],
        )
        .await
        .expect(StatusCode::SEE_OTHER);
    let of_page = json!({
        "id": "pi_page", "status": "canceled", "currency": "eur", "metadata": {"payment_id": payment["id"], "order_id": order.id},
    });
    world
        .stripe_says("evt_1", "payment_intent.canceled", &of_page)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(
        world.read(&order, &payment).await["state"],
        "action_required"
    );
    // Calling off closes both.
    let closed = json!({"order_id": order.id, "reason": "canceled"});
    world
        .orders_say("amazoff.order.closed", &closed)
        .await
        .expect(StatusCode::NO_CONTENT);
    world.sweep().await;
    assert_eq!(world.stripe.pages()[0]["status"], "expired");
    assert_eq!(world.read(&order, &payment).await["state"], "canceled");
}

#[tokio::test]
async fn a_dispute_is_shown_to_staff() {
    let world = World::new().await;
    let (_, payment, intent) = begun(&world).await;
    let paid = world.stripe.pay(&intent);
    world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    world
        .stripe_says(
            "evt_2",
            "charge.dispute.created",
            &json!({"payment_intent": intent}),
        )
        .await
        .expect(StatusCode::NO_CONTENT);
    let shown = world.staff("problem=true").await;
    assert_eq!(
        (&shown[0]["id"], &shown[0]["problem"], &shown[0]["state"]),
        (&payment["id"], &json!("disputed"), &json!("captured"))
    );
}
