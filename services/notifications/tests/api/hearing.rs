//! What is told becomes mails, once.

use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, ann, event, occasions, order};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_occasion_becomes_one_mail_in_its_language() {
    let world = World::new().await;
    let shop = world.replica().await;
    let mut events = Vec::new();
    for locale in ["en", "fr"] {
        for (kind, data) in occasions(locale) {
            let n = u32::try_from(events.len()).expect("few");
            events.push(event(n, kind, "subject", &data));
        }
    }
    shop.tell(&events).await.expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    let taken = world.sink.taken();
    assert_eq!(taken.len(), events.len());
    let french = taken
        .iter()
        .filter(|mail| mail.header("Content-Language").as_deref() == Some("fr"));
    assert_eq!(french.count(), events.len() / 2);
    assert!(taken.iter().all(|mail| mail.to == ["ann@example.com"]));
    assert!(shop.mails("queued").await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_told_20_times_at_once_is_one_mail() {
    let world = World::new().await;
    let (shop, other) = (world.replica().await, world.replica().await);
    let events = [
        event(1, "amazoff.order.confirmed", "order", &order("fr")),
        event(1, "amazoff.order.confirmed", "order", &order("fr")),
    ];
    let tellings = (0..20).map(|n| if n % 2 == 0 { &shop } else { &other }.tell(&events));
    for answer in join_all(tellings).await {
        answer.expect(StatusCode::NO_CONTENT);
    }
    tokio::join!(shop.deliver(), other.deliver());
    shop.tell(&events).await.expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    assert_eq!(world.sink.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cant_be_read_holds_nothing_up_and_is_seen() {
    let world = World::new().await;
    let shop = world.replica().await;
    let mut holes = order("en");
    holes.as_object_mut().expect("an object").remove("totals");
    let events = [
        event(1, "amazoff.order.confirmed", "order", &holes),
        event(2, "amazoff.order.packed", "order", &order("en")),
        event(3, "amazoff.person.password_changed", "person", &ann("en")),
    ];
    shop.tell(&events).await.expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    assert_eq!(shop.mails("sent").await, ["password_changed 1"]);
    assert_eq!(shop.mails("failed").await, ["amazoff.order.confirmed 0"]);
    assert_eq!(world.sink.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_services_may_tell_events() {
    let world = World::new().await;
    let shop = world.replica().await;
    let body = json!([event(
        1,
        "amazoff.person.password_changed",
        "person",
        &ann("en")
    )]);
    for permissions in [&["mails:read"][..], &["events:send"], &[]] {
        let body = Some(("application/cloudevents-batch+json", body.clone()));
        let path = "/internal/v1/events";
        shop.send(Some(permissions), Method::POST, path, body)
            .await
            .expect(StatusCode::FORBIDDEN);
    }
}
