//! Things that break.

use http::{Method, StatusCode};
use kit::testing::wait_for;
use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn what_was_committed_is_told_though_the_process_died_before() {
    let mut world = World::new().await;
    world.stocked("tea", "pantry", 1000, 50).await;
    let order = world.paid(&[("tea", 1)]).await;
    // Nothing was delivered: this process ends here, and the database falls over too.
    assert_eq!(world.notifications.events().len(), 0);
    world.mariadb.kill().await;
    world.mariadb.restart().await;
    let replica = world.replica();
    wait_for("the database", async || replica.pool.acquire().await.ok()).await;
    let running = tokio::spawn(replica.relay.clone().run());
    wait_for("the events", async || {
        (world.cart.count("amazoff.order.placed") == 1
            && world.notifications.count("amazoff.order.confirmed") == 1)
            .then_some(())
    })
    .await;
    running.abort();
    assert_eq!(
        world.notifications.events()[0].subject,
        order.id.to_string()
    );
}

#[tokio::test]
async fn an_order_that_met_an_outage_is_placed_once_with_the_same_key() {
    let mut world = World::new().await;
    world.stocked("tea", "pantry", 1000, 50).await;
    let buyer = world.guest(&[("tea", 1)]);
    let wish = World::wish(&buyer);
    world.mariadb.kill().await;
    let answer = world
        .place(&buyer, "key", &wish)
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key("retry-after"));
    world.mariadb.restart().await;
    let answer = wait_for("the order", async || {
        let answer = world.place(&buyer, "key", &wish).await;
        (answer.status == StatusCode::CREATED).then_some(answer)
    })
    .await;
    let again = world
        .place(&buyer, "key", &wish)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(again.json()["id"], answer.json()["id"]);
    assert_eq!(world.level("tea").await, (50, 1));
    world.ledger().await;
}

#[tokio::test]
async fn a_neighbor_that_is_away_is_no_reason_to_lose_the_key() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, 50).await;
    let buyer = world.guest(&[("tea", 1)]);
    world.neighbors.withdraw("tea");
    assert_eq!(
        world
            .place(&buyer, "key", &World::wish(&buyer))
            .await
            .expect(StatusCode::CONFLICT)
            .problem(),
        "not-for-sale"
    );
    world.neighbors.sell("tea", "pantry", 1100);
    let placed = world
        .place(&buyer, "key", &World::wish(&buyer))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(
        placed.json()["lines"][0]["unit_price"]["amount"],
        1100,
        "the price of now"
    );
}

#[tokio::test]
async fn what_a_neighbor_refuses_is_shown_to_staff_and_sent_again() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, 50).await;
    let order = world.placed(&[("tea", 1)]).await;
    world.cart.answer(StatusCode::BAD_REQUEST);
    for _ in 0..kit::outbox::ATTEMPTS {
        world.clock.advance(std::time::Duration::from_secs(90));
        let _refused = world.app.relay.run_once().await;
    }
    let staff = world.staff(&["events:write"]);
    let list = world
        .send(
            Method::GET,
            "/v1/dead-letters",
            &[("authorization", &staff)],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        (
            list["items"][0]["type"].as_str(),
            list["items"][0]["sink"].as_str()
        ),
        (Some("amazoff.order.placed"), Some("cart"))
    );
    assert_eq!(list["items"][0]["subject"], json!(order.id.to_string()));
    world.cart.answer(StatusCode::NO_CONTENT);
    let id = list["items"][0]["id"].as_str().expect("an id");
    let replay = async |id: &str| {
        world
            .send(
                Method::POST,
                &format!("/v1/dead-letters/{id}/replay"),
                &[("authorization", &staff)],
                None,
            )
            .await
    };
    replay(id).await.expect(StatusCode::ACCEPTED);
    world.deliver().await;
    assert_eq!(world.cart.count("amazoff.order.placed"), 1);
    replay(id).await.expect(StatusCode::NOT_FOUND);
}
