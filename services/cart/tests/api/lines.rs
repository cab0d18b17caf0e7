//! Things are put into carts, counted and taken out.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, brief};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_are_added_set_and_taken_out() {
    let world = World::new().await;
    world.catalog.sells("a", 250);
    world.catalog.sells("b", 99);
    let shop = world.replica().await;
    let cart = shop.guest().await;
    shop.add(&cart, "a", 2).await.expect(StatusCode::OK);
    shop.add(&cart, "b", 1).await.expect(StatusCode::OK);
    let answer = shop.add(&cart, "a", 1).await.expect(StatusCode::OK);
    assert_eq!(answer.etag(), "\"4\"");
    let now = answer.json();
    assert_eq!(brief(&now), "a×3 b×1");
    let first = &now["lines"][0];
    assert_eq!(
        first["unit_price"],
        json!({"amount": 250, "currency": "EUR"})
    );
    assert_eq!(
        first["line_total"],
        json!({"amount": 750, "currency": "EUR"})
    );
    assert_eq!(first["name"], json!({"en": "Tea a", "fr": "Thé a"}));
    assert_eq!(first["slug"]["fr"], "the-a");
    assert_eq!(first["options"], json!({"size": "100 g"}));
    assert_eq!(first["illustration"], "cup");
    assert!(first.get("price_changed_from").is_none() && first.get("unavailable").is_none());
    assert_eq!(
        (&now["subtotal"]["amount"], &now["count"]),
        (&json!(849), &json!(4))
    );

    let set = shop.set(&cart, "a", 1).await.expect(StatusCode::OK).json();
    assert_eq!(brief(&set), "a×1 b×1");
    let zero = shop.set(&cart, "a", 0).await.expect(StatusCode::OK).json();
    assert_eq!(brief(&zero), "b×1");
    let path = cart.path("/lines/b");
    let gone = shop
        .delete(&cart.shopper, &path)
        .await
        .expect(StatusCode::OK);
    assert_eq!(gone.json()["lines"], json!([]));
    shop.delete(&cart.shopper, &path)
        .await
        .expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_for_sale_is_refused() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let mut archived = crate::catalog::variant("old", 100);
    archived["published"] = json!(false);
    world.catalog.knows(archived);
    let mut dollars = crate::catalog::variant("usd", 100);
    dollars["prices"] = json!([{"amount": 100, "currency": "USD"}]);
    world.catalog.knows(dollars);
    let shop = world.replica().await;
    let cart = shop.guest().await;
    for sku in ["unknown", "old", "usd"] {
        for answer in [shop.add(&cart, sku, 1).await, shop.set(&cart, sku, 1).await] {
            let answer = answer.expect(StatusCode::NOT_FOUND);
            assert_eq!(answer.kind(), "/problems/not-for-sale", "{sku}");
            assert_eq!(answer.fields(), ["sku"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_holds_99_pieces() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let cart = shop.guest().await;
    shop.set(&cart, "a", 98).await.expect(StatusCode::OK);
    let answer = shop.add(&cart, "a", 2).await.expect(StatusCode::CONFLICT);
    assert_eq!(answer.kind(), "/problems/too-many-pieces");
    assert_eq!(answer.json()["detail"], "The cart has 98 of it.");
    shop.add(&cart, "a", 1).await.expect(StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_to_a_revision_that_is_past_is_refused() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let (shop, other) = (world.replica().await, world.replica().await);
    let cart = shop.guest().await;
    other.add(&cart, "a", 1).await.expect(StatusCode::OK);
    let path = cart.path("/lines/a");
    for (tag, status) in [
        ("\"1\"", StatusCode::PRECONDITION_FAILED),
        ("\"3\"", StatusCode::PRECONDITION_FAILED),
        ("\"2\"", StatusCode::OK),
        ("\"2\"", StatusCode::PRECONDITION_FAILED),
        ("2", StatusCode::BAD_REQUEST),
        ("*", StatusCode::OK),
    ] {
        let headers = [("if-match", tag)];
        let quantity = if tag == "*" { 4 } else { 3 };
        let body = Some(json!({"quantity": quantity}));
        shop.send(&cart.shopper, Method::PUT, &path, &headers, body)
            .await
            .expect(status);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_change_of_a_personal_cart_may_name_the_empty_one() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let cart = shop.personal(&world.person("ann")).await;
    let path = cart.path("/lines/a");
    let body = json!({"quantity": 1});
    for (tag, status) in [
        ("\"7\"", StatusCode::PRECONDITION_FAILED),
        ("\"0\"", StatusCode::OK),
        ("\"0\"", StatusCode::PRECONDITION_FAILED),
    ] {
        let headers = [("if-match", tag)];
        shop.send(
            &cart.shopper,
            Method::PUT,
            &path,
            &headers,
            Some(body.clone()),
        )
        .await
        .expect(status);
    }
}
