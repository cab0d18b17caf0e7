//! A person can have told, and forgotten, what is kept on them.

use std::{fmt::Write as _, time::Duration};

use amazoff_notifications::sweep_mails;
use http::{Method, StatusCode};
use mongodb::bson::{Document, doc};

use crate::world::{Replica, World, ann, event, order};

const ANN: &str = "01890000-0000-7000-8000-0000000000aa";

/// All that the database holds, as text.
async fn everything(shop: &Replica) -> String {
    let database = shop.app.db.database();
    let mut all = String::new();
    for name in database.list_collection_names().await.expect("names") {
        let mut rows = database
            .collection::<Document>(&name)
            .find(doc! {})
            .await
            .expect("rows");
        while rows.advance().await.expect("a row") {
            let row = rows.deserialize_current().expect("a document");
            writeln!(all, "{name}: {row:?}").expect("a string");
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_address_name_or_secret_is_ever_kept_in_the_open() {
    let world = World::new().await;
    let shop = world.replica().await;
    world.sink.answer("ann@example.com", "550 no");
    shop.tell(&[
        event(
            1,
            "amazoff.person.password_reset_requested",
            ANN,
            &ann("en"),
        ),
        event(2, "amazoff.order.confirmed", "order", &order("en")),
    ])
    .await
    .expect(StatusCode::NO_CONTENT);
    let queued = everything(&shop).await;
    shop.deliver().await;
    let ended = everything(&shop).await;
    for text in [queued, ended] {
        for secret in ["ann@example", "R-secret", "O-secret", "Earl", "\"Ann\""] {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_mails_are_exported_and_erased() {
    let world = World::new().await;
    let shop = world.replica().await;
    let mut bobs = order("en");
    bobs["email"] = serde_json::json!("bob@example.com");
    shop.tell(&[event(1, "amazoff.person.password_changed", ANN, &ann("en"))])
        .await
        .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    shop.tell(&[
        event(2, "amazoff.order.confirmed", "order", &order("en")),
        event(3, "amazoff.order.confirmed", "another", &bobs),
        event(4, "amazoff.person.erased", ANN, &ann("fr")),
    ])
    .await
    .expect(StatusCode::NO_CONTENT);
    let path = format!("/internal/v1/people/{ANN}");
    let by_address = [("person-email", "ann@example.com")];
    for (known_as, mails) in [(&[][..], 1), (&by_address, 2)] {
        let told = shop
            .ask(&["people:export"], Method::GET, &path, known_as)
            .await
            .expect(StatusCode::OK);
        assert_eq!(
            told.json()["mails"].as_array().map(Vec::len),
            Some(mails),
            "{known_as:?}"
        );
    }
    for _ in 0..2 {
        shop.ask(&["people:erase"], Method::DELETE, &path, &by_address)
            .await
            .expect(StatusCode::NO_CONTENT);
    }
    let told = shop
        .ask(&["people:export"], Method::GET, &path, &by_address)
        .await;
    assert_eq!(told.json(), serde_json::json!({"mails": []}));
    shop.deliver().await;
    let to: Vec<_> = world
        .sink
        .taken()
        .iter()
        .map(|mail| (mail.to[0].clone(), mail.header("Content-Language")))
        .collect();
    let mail = |to: &str, language: &str| (to.to_owned(), Some(language.to_owned()));
    assert!(
        to.contains(&mail("bob@example.com", "en")),
        "others' mails go out"
    );
    assert!(
        to.contains(&mail("ann@example.com", "fr")),
        "and the last one"
    );
    assert_eq!(to.len(), 3, "the order's does not: {to:?}");
    assert!(!everything(&shop).await.contains(ANN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_is_permitted_may_export_or_erase() {
    let world = World::new().await;
    let shop = world.replica().await;
    let path = format!("/internal/v1/people/{ANN}");
    for method in [Method::GET, Method::DELETE] {
        shop.send(None, method.clone(), &path, None)
            .await
            .expect(StatusCode::UNAUTHORIZED);
        shop.send(Some(&["mails:read", "mails:write"]), method, &path, None)
            .await
            .expect(StatusCode::FORBIDDEN);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_are_forgotten_after_a_month() {
    let world = World::new().await;
    let shop = world.replica().await;
    shop.tell(&[event(1, "amazoff.order.confirmed", "order", &order("en"))])
        .await
        .expect(StatusCode::NO_CONTENT);
    shop.deliver().await;
    for (days, forgotten) in [(29, 0), (3, 1)] {
        world.clock.advance(Duration::from_hours(days * 24));
        assert_eq!(
            sweep_mails::sweep(&shop.app).await.expect("swept"),
            forgotten
        );
    }
    let database = shop.app.db.database();
    for name in ["mails", "queue", "claims"] {
        let collection = database.collection::<Document>(name);
        assert_eq!(
            collection.count_documents(doc! {}).await.expect("counted"),
            0,
            "{name}"
        );
    }
}
