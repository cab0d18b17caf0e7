//! Carts are made and read.

use http::{Method, StatusCode, header};
use serde_json::json;

use crate::world::{Shopper, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_gets_a_cart_and_its_token_once() {
    let world = World::new().await;
    let shop = world.replica().await;
    let made = shop
        .post(&Shopper::default(), "/v1/carts", json!({"currency": "USD"}))
        .await
        .expect(StatusCode::CREATED);
    let cart = made.json();
    let path = format!("/v1/carts/{}", cart["id"].as_str().expect("an id"));
    assert_eq!(made.headers[header::LOCATION], path);
    assert_eq!(made.headers[header::CACHE_CONTROL], "private, no-store");
    assert_eq!(made.etag(), "\"1\"");
    let token = cart["token"].as_str().expect("a token").to_owned();
    assert_eq!(token.len(), 43, "32 bytes in base64");
    let guest = Shopper {
        bearer: None,
        cart_token: Some(token),
    };
    let read = shop.get(&guest, &path).await.expect(StatusCode::OK).json();
    assert!(read.get("token").is_none());
    assert_eq!(read["currency"], "USD");
    assert_eq!(read["subtotal"], json!({"amount": 0, "currency": "USD"}));
    assert_eq!((&read["count"], &read["lines"]), (&json!(0), &json!([])));
    assert_eq!(read["expires_at"], "2023-12-14T22:13:20Z", "in 30 days");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_has_one_cart_and_reading_it_writes_nothing() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let ann = shop.personal(&world.person("ann")).await;
    let again = shop.personal(&world.person("ann")).await;
    let bob = shop.personal(&world.person("bob")).await;
    assert_eq!(ann.id, again.id);
    assert_ne!(ann.id, bob.id);
    assert_eq!(shop.read(&ann).await["revision"], 0);
    shop.add(&ann, "a", 1).await.expect(StatusCode::OK);
    let elsewhere = world.replica().await;
    let cart = elsewhere.get(&ann.shopper, "/v1/me/cart").await.json();
    assert_eq!((&cart["id"], &cart["count"]), (&json!(ann.id), &json!(1)));
    assert_eq!(cart["expires_at"], "2024-02-12T22:13:20Z", "in 90 days");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_request_is_refused_and_the_field_is_named() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let cart = shop.guest().await;
    let (lines, coupon) = (cart.path("/lines"), cart.path("/coupon"));
    let line = cart.path("/lines/a");
    for (method, path, body, field) in [
        (
            Method::POST,
            "/v1/carts",
            json!({"currency": "eur"}),
            "currency",
        ),
        (Method::POST, "/v1/carts", json!({"owner": "ann"}), "owner"),
        (
            Method::POST,
            &lines,
            json!({"sku": "a", "quantity": 0}),
            "quantity",
        ),
        (
            Method::POST,
            &lines,
            json!({"sku": "a", "quantity": 100}),
            "quantity",
        ),
        (
            Method::POST,
            &lines,
            json!({"sku": "a", "quantity": -1}),
            "quantity",
        ),
        (
            Method::POST,
            &lines,
            json!({"sku": "a,b", "quantity": 1}),
            "sku",
        ),
        (
            Method::POST,
            &lines,
            json!({"sku": "", "quantity": 1}),
            "sku",
        ),
        (Method::POST, &lines, json!({"quantity": 1}), "sku"),
        (
            Method::POST,
            &lines,
            json!({"sku": "a", "quantity": 1, "unit_price": {"amount": 1, "currency": "EUR"}}),
            "unit_price",
        ),
        (Method::PUT, &line, json!({"quantity": 100}), "quantity"),
        (Method::PUT, &coupon, json!({"code": ""}), "code"),
        (Method::PUT, &coupon, json!({"code": "TEN %"}), "code"),
        (
            Method::PUT,
            &coupon,
            json!({"code": "X".repeat(65)}),
            "code",
        ),
    ] {
        let shopper = &cart.shopper;
        let answer = shop
            .send(shopper, method, path, &[], Some(body.clone()))
            .await;
        let answer = answer.expect(StatusCode::BAD_REQUEST);
        let named = answer.fields().concat();
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(named == field || text.contains(field), "{body}: {text}");
    }
    assert_eq!(shop.read(&cart).await["revision"], 1, "nothing was changed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_coupon_is_kept_and_taken_out() {
    let world = World::new().await;
    let shop = world.replica().await;
    let cart = shop.guest().await;
    let path = cart.path("/coupon");
    let body = json!({"code": " TEN-off "});
    let kept = shop
        .put(&cart.shopper, &path, body)
        .await
        .expect(StatusCode::OK);
    assert_eq!(kept.json()["coupon"], "TEN-off");
    let gone = shop
        .delete(&cart.shopper, &path)
        .await
        .expect(StatusCode::OK);
    assert!(gone.json().get("coupon").is_none());
    let still = shop
        .delete(&cart.shopper, &path)
        .await
        .expect(StatusCode::OK);
    assert_eq!(still.json()["revision"], gone.json()["revision"]);
}
