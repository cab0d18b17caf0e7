//! The mail server and the database go away and come back.

use amazoff_notifications::deliver_mails::{self, DeliveryError};
use http::{StatusCode, header};
use kit::testing::wait_for;

use crate::world::{World, event, order};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_stay_queued_while_the_mail_server_is_away() {
    let world = World::new().await;
    let shop = world.replica().await;
    world.sink.close().await;
    let events: Vec<_> = (0..3)
        .map(|n| event(n, "amazoff.order.confirmed", "order", &order("en")))
        .collect();
    shop.tell(&events).await.expect(StatusCode::NO_CONTENT);
    for _ in 0..20 {
        let round = deliver_mails::round(&shop.app).await;
        assert!(matches!(round, Err(DeliveryError::Away(_))), "{round:?}");
    }
    assert_eq!(
        shop.mails("queued").await,
        ["order_confirmed 0"; 3],
        "nothing counts as tried"
    );
    world.sink.open().await;
    let delivering = tokio::spawn(deliver_mails::run(shop.app.clone()));
    wait_for("the mails", async || {
        (world.sink.taken().len() == 3).then_some(())
    })
    .await;
    delivering.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_refused_while_the_database_is_away_and_nothing_is_lost_or_doubled() {
    let mut world = World::new().await;
    let shop = world.replica().await;
    let events = [
        event(1, "amazoff.order.confirmed", "order", &order("en")),
        event(2, "amazoff.order.shipped", "order", &order("en")),
    ];
    shop.tell(&events[..1]).await.expect(StatusCode::NO_CONTENT);
    world.ferretdb.kill().await;
    let refused = shop
        .tell(&events)
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert!(refused.headers.contains_key(header::RETRY_AFTER));
    world.ferretdb.restart().await;
    wait_for("the events to be taken", async || {
        (shop.tell(&events).await.status == StatusCode::NO_CONTENT).then_some(())
    })
    .await;
    shop.deliver().await;
    assert_eq!(world.sink.taken().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ring_delivers_at_once() {
    let world = World::new().await;
    let shop = world.replica().await;
    let delivering = tokio::spawn(deliver_mails::run(shop.app.clone()));
    shop.tell(&[event(1, "amazoff.order.confirmed", "order", &order("en"))])
        .await
        .expect(StatusCode::NO_CONTENT);
    wait_for("the mail", async || {
        (world.sink.taken().len() == 1).then_some(())
    })
    .await;
    delivering.abort();
}
