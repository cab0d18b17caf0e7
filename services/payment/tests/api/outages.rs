//! The database goes away and comes back.

use http::StatusCode;
use kit::testing::wait_for;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn a_webhook_that_could_not_be_kept_is_not_acknowledged() {
    let mut world = World::new().await;
    let order = world.order();
    let payment = world.started(&order, "stripe").await;
    let intent = world.stripe.intents()[0].clone();
    let paid = world.stripe.pay(&intent);
    world.mariadb.kill().await;
    let answer = world
        .stripe_says("evt_1", "payment_intent.succeeded", &paid)
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    let answer = world.start(&order, "test", "k").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");
    let answer = world
        .orders_say(
            "amazoff.order.closed",
            &json!({"order_id": order.id, "reason": "expired"}),
        )
        .await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{answer:?}");

    world.mariadb.restart().await;
    // Stripe says it again.
    wait_for("the database", async || {
        let answer = world
            .stripe_says("evt_1", "payment_intent.succeeded", &paid)
            .await;
        answer.status.is_success().then_some(())
    })
    .await;
    assert_eq!(world.read(&order, &payment).await["state"], "captured");
    assert_eq!(world.told_of(order.id).await, ["captured"]);
}

#[tokio::test]
async fn what_was_written_before_a_crash_is_told_after_it() {
    let mut world = World::new().await;
    let order = world.order();
    let payment = world.started(&order, "test").await;
    let path = format!(
        "/v1/test-provider/{}",
        payment["id"].as_str().expect("text")
    );
    world.sink.answer(StatusCode::SERVICE_UNAVAILABLE);
    world
        .post(&path, &[], Some(&json!({"outcome": "succeed"})))
        .await
        .expect(StatusCode::OK);
    assert!(world.app.relay.run_once().await.is_err(), "orders is away");
    world.mariadb.kill().await;
    world.mariadb.restart().await;
    world.sink.answer(StatusCode::NO_CONTENT);
    wait_for("what is told", async || {
        world.clock.advance(std::time::Duration::from_mins(1));
        let _away = world.app.relay.run_once().await;
        (world.sink.count("amazoff.payment.captured") == 1).then_some(())
    })
    .await;
}
