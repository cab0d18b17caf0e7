//! What staff see of mails, and do.

use http::{Method, StatusCode};
use serde_json::Value;

use crate::world::{World, ann, event, event_id, order};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_are_listed_page_by_page_the_newest_first() {
    let world = World::new().await;
    let shop = world.replica().await;
    let events: Vec<_> = (0..7)
        .map(|n| event(n, "amazoff.order.confirmed", "order", &order("en")))
        .collect();
    shop.tell(&events).await.expect(StatusCode::NO_CONTENT);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/mails?limit=3{cursor}");
        let page = shop
            .get(&["mails:read"], &path)
            .await
            .expect(StatusCode::OK)
            .json();
        let items = page["items"].as_array().expect("items").clone();
        seen.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().expect("an id").to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    let expected: Vec<String> = (0..7).rev().map(event_id).collect();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_given_up_is_tried_again_on_demand() {
    let world = World::new().await;
    let shop = world.replica().await;
    world.sink.answer("ann@example.com", "550 mailbox full");
    shop.tell(&[event(
        1,
        "amazoff.person.password_changed",
        "person",
        &ann("en"),
    )])
    .await
    .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    let path = format!("/v1/mails/{}/retry", event_id(1));
    let retry = async || {
        shop.send(Some(&["mails:write"]), Method::POST, &path, None)
            .await
    };
    let answer: Value = retry().await.expect(StatusCode::ACCEPTED).json();
    assert_eq!(answer["state"], "queued");
    retry().await.expect(StatusCode::CONFLICT);
    shop.deliver().await;
    assert_eq!(shop.mails("sent").await, ["password_changed 2"]);
    retry().await.expect(StatusCode::CONFLICT);
    assert_eq!(world.sink.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_is_permitted_sees_or_retries_mails() {
    let world = World::new().await;
    let shop = world.replica().await;
    let retry = format!("/v1/mails/{}/retry", event_id(1));
    for (method, path, permission) in [
        (Method::GET, "/v1/mails", "mails:read"),
        (Method::POST, retry.as_str(), "mails:write"),
    ] {
        shop.send(None, method.clone(), path, None)
            .await
            .expect(StatusCode::UNAUTHORIZED);
        shop.send(Some(&["orders:read"]), method.clone(), path, None)
            .await
            .expect(StatusCode::FORBIDDEN);
        let status = if method == Method::GET {
            StatusCode::OK
        } else {
            StatusCode::NOT_FOUND
        };
        shop.send(Some(&[permission]), method, path, None)
            .await
            .expect(status);
    }
    for query in ["state=lost", "limit=0", "cursor=x"] {
        let path = format!("/v1/mails?{query}");
        shop.get(&["mails:read"], &path)
            .await
            .expect(StatusCode::BAD_REQUEST);
    }
}
