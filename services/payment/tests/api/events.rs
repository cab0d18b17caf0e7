//! What orders says, and who may say it.

use axum::body::Body;
use http::{Request, StatusCode, header};
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn only_who_may_send_events_is_heard() {
    let world = World::new().await;
    let order = world.order();
    let event = world.event(
        "amazoff.order.closed",
        &json!({"order_id": order.id, "reason": "canceled"}),
    );
    let send = async |bearer: Option<String>| {
        let mut request = Request::post("/internal/v1/events")
            .header(header::CONTENT_TYPE, "application/cloudevents-batch+json");
        if let Some(bearer) = bearer {
            request = request.header(header::AUTHORIZATION, bearer);
        }
        world
            .send(
                request
                    .body(Body::from(json!([event]).to_string()))
                    .expect("a request"),
            )
            .await
    };
    send(None).await.expect(StatusCode::UNAUTHORIZED);
    let shopper = world.token("0193f7d0-0000-7000-8000-00000000000a", &[]);
    send(Some(format!("Bearer {shopper}")))
        .await
        .expect(StatusCode::FORBIDDEN);
    let users = world.users_tokens.bearer();
    send(Some(users.to_str().expect("text").to_owned()))
        .await
        .expect(StatusCode::FORBIDDEN);
    // Nothing was closed.
    world.started(&order, "test").await;
}

#[tokio::test]
async fn what_is_unknown_or_unreadable_is_taken_and_holds_nothing_up() {
    let world = World::new().await;
    let order = world.order();
    let batch = [
        world.event("amazoff.order.placed", &json!({"order_id": order.id})),
        world.event("amazoff.order.closed", &json!({"order_id": "x"})),
        world.event(
            "amazoff.order.closed",
            &json!({"order_id": order.id, "reason": "expired"}),
        ),
    ];
    for _ in 0..2 {
        world
            .orders_send(&batch)
            .await
            .expect(StatusCode::NO_CONTENT);
    }
    let answer = world
        .start(&order, "test", "k")
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(answer.problem(), "/problems/order-not-payable");
}
