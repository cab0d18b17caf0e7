//! A person can have told, and forgotten, what is kept on them.

use std::time::Duration;

use amazoff_cart::sweep_carts;
use http::StatusCode;
use mongodb::bson::{Document, doc};
use serde_json::json;

use crate::world::{Shopper, World};

const ANN: &str = "01890000-0000-7000-8000-0000000000aa";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_persons_cart_is_exported_and_erased() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let users = world.caller(&["people:export", "people:erase"]);
    let path = format!("/internal/v1/people/{ANN}");
    let nothing = shop.get(&users, &path).await.expect(StatusCode::OK).json();
    assert_eq!(nothing, json!({"cart": null}));

    let cart = shop.personal(&world.person(ANN)).await;
    for quantity in 1..=20 {
        shop.set(&cart, "a", quantity).await.expect(StatusCode::OK);
    }
    let all = shop.get(&users, &path).await.expect(StatusCode::OK).json();
    assert_eq!(all["cart"]["id"], json!(cart.id));
    let lines = json!([{"sku": "a", "name": {"en": "Tea a", "fr": "Thé a"}, "quantity": 20}]);
    assert_eq!(all["cart"]["lines"], lines);

    for _ in 0..2 {
        shop.delete(&users, &path)
            .await
            .expect(StatusCode::NO_CONTENT);
    }
    let other = world.replica().await;
    for replica in [&shop, &other] {
        let left = replica
            .get(&users, &path)
            .await
            .expect(StatusCode::OK)
            .json();
        assert_eq!(left, json!({"cart": null}));
        assert_eq!(replica.read(&cart).await["lines"], json!([]));
    }
    for collection in ["changes", "snapshots"] {
        let found = shop.app.db.database().collection::<Document>(collection);
        let mut rows = found.find(doc! {}).await.expect("rows");
        while rows.advance().await.expect("a row") {
            let text = format!("{:?}", rows.current());
            assert!(!text.contains("Tea a"), "{text}");
        }
    }
    world.clock.advance(Duration::from_hours(48));
    sweep_carts::sweep(&shop.app).await.expect("swept");
    for collection in ["changes", "snapshots"] {
        let found = shop.app.db.database().collection::<Document>(collection);
        assert_eq!(found.count_documents(doc! {}).await.expect("counted"), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_is_permitted_may_export_or_erase() {
    let world = World::new().await;
    let shop = world.replica().await;
    let path = format!("/internal/v1/people/{ANN}");
    for (who, status) in [
        (Shopper::default(), StatusCode::UNAUTHORIZED),
        (world.person(ANN), StatusCode::FORBIDDEN),
        (world.caller(&["users:write"]), StatusCode::FORBIDDEN),
    ] {
        shop.get(&who, &path).await.expect(status);
        shop.delete(&who, &path).await.expect(status);
    }
    let reader = world.caller(&["people:export"]);
    shop.delete(&reader, &path)
        .await
        .expect(StatusCode::FORBIDDEN);
}
