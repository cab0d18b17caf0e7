//! What staff do.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, request, text};

#[tokio::test]
async fn staff_see_to_a_problem_and_the_audit_trail_says_who() {
    let world = World::new().await;
    let order = world.order();
    let payment = world.started(&order, "stripe").await;
    let intent = world.stripe.intents()[0].clone();
    world.stripe.pay(&intent);
    let paid = world.stripe.change(&intent, &json!({"amount_received": 1}));
    world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await
        .expect(StatusCode::NO_CONTENT);
    assert_eq!(world.staff("problem=true").await.len(), 1);

    let path = format!("/v1/payments/{}/problem", text(&payment["id"]));
    let admin = format!("Bearer {}", world.token("admin-1", &["payments:write"]));
    let reader = format!("Bearer {}", world.token("staff", &["payments:read"]));
    let delete = |path: &str, bearer: &str| {
        world.send(request(
            Method::DELETE,
            path,
            &[("authorization", bearer)],
            None,
        ))
    };
    delete(&path, &reader).await.expect(StatusCode::FORBIDDEN);
    for _ in 0..2 {
        delete(&path, &admin).await.expect(StatusCode::NO_CONTENT);
    }
    let unknown = format!("/v1/payments/{}/problem", world.clock.uuid());
    delete(&unknown, &admin).await.expect(StatusCode::NOT_FOUND);
    assert!(world.staff("problem=true").await.is_empty());
    let entries: Vec<(String, String, String)> =
        sqlx::query_as("SELECT actor, action, details FROM audit")
            .fetch_all(&world.app.pool)
            .await
            .expect("the audit trail");
    assert_eq!(
        entries,
        [(
            "admin-1".to_owned(),
            "payment.resolve".to_owned(),
            "{\"problem\":\"amount_mismatch\"}".to_owned()
        )]
    );
    // The money goes back all the same.
    world.sweep().await;
    assert_eq!(world.staff("").await[0]["refunds"][0]["state"], "succeeded");
}

#[tokio::test]
async fn what_orders_refused_for_good_is_seen_and_sent_again() {
    let world = World::new().await;
    let order = world.order();
    let payment = world.started(&order, "test").await;
    let path = format!("/v1/test-provider/{}", text(&payment["id"]));
    world
        .post(&path, &[], Some(&json!({"outcome": "succeed"})))
        .await
        .expect(StatusCode::OK);
    world.sink.answer(StatusCode::UNPROCESSABLE_ENTITY);
    // Made when asked: hours pass here.
    let admin = || format!("Bearer {}", world.token("admin-1", &["events:write"]));
    let letters = kit::testing::wait_for("a dead letter", async || {
        world.clock.advance(std::time::Duration::from_hours(1));
        let _refused = world.app.relay.run_once().await;
        let page = world
            .get("/v1/payments/dead-letters", &[("authorization", &admin())])
            .await;
        let page: Value = page.expect(StatusCode::OK).json();
        let letters = page["items"].as_array().cloned().unwrap_or_default();
        (!letters.is_empty()).then_some(letters)
    })
    .await;
    world.sink.answer(StatusCode::NO_CONTENT);
    let id = text(&letters[0]["id"]);
    let replay = format!("/v1/payments/dead-letters/{id}/replay");
    world
        .post(&replay, &[("authorization", &admin())], None)
        .await
        .expect(StatusCode::ACCEPTED);
    assert_eq!(world.told_of(order.id).await, ["captured"]);
    let none = format!("/v1/payments/dead-letters/{}/replay", world.clock.uuid());
    world
        .post(&none, &[("authorization", &admin())], None)
        .await
        .expect(StatusCode::NOT_FOUND);
}
