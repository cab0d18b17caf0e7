//! Mails are handed in, and handed in again when they were not taken.

use std::time::Duration;

use amazoff_notifications::{db::queue, deliver_mails};
use http::StatusCode;

use crate::world::{World, ann, event, event_id, order};

const HOUR: Duration = Duration::from_hours(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_arrives_whole_in_both_forms() {
    let world = World::new().await;
    let shop = world.replica().await;
    shop.tell(&[event(1, "amazoff.order.confirmed", "order", &order("fr"))])
        .await
        .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    let taken = world.sink.taken();
    let mail = taken.first().expect("a mail");
    assert_eq!(mail.from, "shop@amazoff.example");
    let id = format!("<{}@amazoff.example>", event_id(1));
    assert_eq!(mail.header("Message-ID"), Some(id));
    assert_eq!(
        mail.header("Date").as_deref(),
        Some("Wed, 18 Nov 2026 11:06:40 +0000")
    );
    assert_eq!(
        mail.header("Auto-Submitted").as_deref(),
        Some("auto-generated")
    );
    assert_eq!(
        mail.header("From").as_deref(),
        Some("Amazoff <shop@amazoff.example>")
    );
    let parts = mail.parts();
    assert_eq!(parts.len(), 2);
    for part in &parts {
        assert!(part.contains("1\u{202f}299,97\u{a0}€"), "{part}");
        assert!(part.contains("Lait entier"), "{part}");
        assert!(part.contains("O-secret"), "{part}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_delayed_is_tried_again_later() {
    let world = World::new().await;
    let shop = world.replica().await;
    world
        .sink
        .answer("ann@example.com", "451 greylisted, come back");
    world.sink.answer("ann@example.com", "452 too many");
    shop.tell(&[event(
        1,
        "amazoff.person.password_changed",
        "person",
        &ann("en"),
    )])
    .await
    .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    assert_eq!(shop.mails("queued").await, ["password_changed 1"]);
    world.clock.advance(Duration::from_secs(29));
    shop.deliver().await;
    assert_eq!(
        shop.mails("queued").await,
        ["password_changed 1"],
        "not yet"
    );
    world.clock.advance(Duration::from_secs(10));
    shop.deliver().await;
    world.clock.advance(Duration::from_secs(80));
    shop.deliver().await;
    assert_eq!(shop.mails("sent").await, ["password_changed 3"]);
    assert_eq!(world.sink.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_is_refused_is_given_up_and_names_nobody() {
    let world = World::new().await;
    let shop = world.replica().await;
    world
        .sink
        .answer("ann@example.com", "550 no ann@example.com here");
    shop.tell(&[event(
        1,
        "amazoff.person.password_changed",
        "person",
        &ann("en"),
    )])
    .await
    .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    assert_eq!(shop.mails("failed").await, ["password_changed 1"]);
    let page = shop.get(&["mails:read"], "/v1/mails").await;
    let text = String::from_utf8_lossy(&page.body).into_owned();
    assert!(text.contains("550") && !text.contains("ann@"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_none_is_given_up_without_a_try() {
    let world = World::new().await;
    let shop = world.replica().await;
    let mut data = ann("en");
    data["email"] = serde_json::json!("ann@example.com>\r\nRCPT TO:<bob@example.com");
    shop.tell(&[event(1, "amazoff.person.password_changed", "person", &data)])
        .await
        .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    assert_eq!(shop.mails("failed").await, ["password_changed 1"]);
    assert!(world.sink.taken().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_the_mail_server_can_never_take_is_given_up() {
    let world = World::new().await;
    let shop = world.replica().await;
    let mut data = ann("fr");
    data["email"] = serde_json::json!("zoé@example.com");
    shop.tell(&[event(1, "amazoff.person.password_changed", "person", &data)])
        .await
        .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    assert_eq!(shop.mails("failed").await, ["password_changed 1"]);
    let metrics = kit::metrics::text();
    let expected = r#"mail_attempts_total{kind="password_changed",outcome="failed"} 1"#;
    assert!(metrics.contains(expected), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_mails_through_two_replicas_are_each_sent_once() {
    let world = World::new().await;
    let (shop, other) = (world.replica().await, world.replica().await);
    let events: Vec<_> = (0..60)
        .map(|n| event(n, "amazoff.order.confirmed", "order", &order("en")))
        .collect();
    shop.tell(&events).await.expect(StatusCode::NO_CONTENT);
    tokio::join!(
        shop.deliver(),
        other.deliver(),
        shop.deliver(),
        other.deliver()
    );
    let mut ids: Vec<_> = world
        .sink
        .taken()
        .iter()
        .map(|mail| mail.header("Message-ID"))
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), world.sink.taken().len()), (60, 60));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_attempt_of_a_process_that_died_is_made_again_after_its_lease() {
    let world = World::new().await;
    let shop = world.replica().await;
    shop.tell(&[event(1, "amazoff.order.confirmed", "order", &order("en"))])
        .await
        .expect(StatusCode::NO_CONTENT);
    let due = queue::due(&shop.app.db, world.clock.now(), 10)
        .await
        .expect("an answer");
    queue::claim(&shop.app.db, &due[0], world.clock.now())
        .await
        .expect("claimed");
    shop.deliver().await;
    assert!(world.sink.taken().is_empty(), "it is being tried");
    world.clock.advance(HOUR);
    shop.deliver().await;
    assert_eq!(world.sink.taken().len(), 1);
    assert_eq!(shop.mails("sent").await, ["order_confirmed 2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_whose_answer_was_lost_is_handed_in_again_as_the_same() {
    let world = World::new().await;
    let shop = world.replica().await;
    world.sink.hang_up_once();
    shop.tell(&[event(1, "amazoff.order.confirmed", "order", &order("en"))])
        .await
        .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    world.clock.advance(HOUR);
    shop.deliver().await;
    let taken = world.sink.taken();
    assert_eq!(taken.len(), 2);
    assert_eq!(taken[0].header("Message-ID"), taken[1].header("Message-ID"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_due_twice() {
    let world = World::new().await;
    let shop = world.replica().await;
    shop.tell(&[event(1, "amazoff.order.confirmed", "order", &order("en"))])
        .await
        .expect(StatusCode::NO_CONTENT);
    let due = queue::due(&shop.app.db, world.clock.now(), 10)
        .await
        .expect("an answer");
    shop.deliver().await;
    // Someone who looked at the queue before: their attempt was made.
    queue::insert(&shop.app.db, due[0]).await.expect("inserted");
    world.clock.advance(HOUR);
    shop.deliver().await;
    assert_eq!(world.sink.taken().len(), 1);
    assert_eq!(deliver_mails::round(&shop.app).await.expect("a round"), 0);
}
