//! Anyone else's cart does not exist, on every route that takes an id.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Shopper, World};

/// Every operation of the description whose path has an id, with a body that would be accepted.
fn operations() -> Vec<(Method, String, Option<Value>)> {
    let document = serde_json::to_value(amazoff_cart::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut operations = Vec::new();
    for (path, methods) in paths.iter().filter(|(path, _)| path.contains("{id}")) {
        for method in methods.as_object().expect("methods").keys() {
            let body = match (method.as_str(), path.rsplit('/').next()) {
                ("post", _) => Some(json!({"sku": "a", "quantity": 1})),
                ("put", Some("coupon")) => Some(json!({"code": "TEN"})),
                ("put", _) => Some(json!({"quantity": 1})),
                _ => None,
            };
            let method = method.to_uppercase().parse().expect("a method");
            operations.push((method, path.replace("{sku}", "a"), body));
        }
    }
    assert!(operations.len() >= 6, "the description names the routes");
    operations
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_hides_the_carts_of_others() {
    let world = World::new().await;
    world.catalog.sells("a", 100);
    let shop = world.replica().await;
    let (guest, other) = (shop.guest().await, shop.guest().await);
    let personal = shop.personal(&world.person("ann")).await;
    shop.add(&personal, "a", 1).await.expect(StatusCode::OK);
    let strangers = [
        Shopper::default(),
        other.shopper.clone(),
        world.person("bob"),
        world.caller(&["orders:read", "carts:read"]),
        Shopper {
            bearer: None,
            cart_token: Some(String::new()),
        },
        Shopper {
            bearer: None,
            cart_token: Some("A".repeat(43)),
        },
    ];
    let nobodys = "01890000-0000-7000-8000-00000000dead".to_owned();
    for (method, path, body) in operations() {
        for id in [&guest.id, &personal.id, &nobodys] {
            for stranger in &strangers {
                let path = path.replace("{id}", id);
                let answer = shop
                    .send(stranger, method.clone(), &path, &[], body.clone())
                    .await
                    .expect(StatusCode::NOT_FOUND);
                assert_eq!(answer.kind(), "/problems/no-such-cart", "{method} {path}");
            }
        }
        let path = path.replace("{id}", "not-an-id");
        shop.send(&guest.shopper, method, &path, &[], body)
            .await
            .expect(StatusCode::NOT_FOUND);
    }
    assert_eq!(shop.read(&guest).await["revision"], 1);
    assert_eq!(shop.read(&personal).await["count"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_personal_routes_need_a_person() {
    let world = World::new().await;
    let shop = world.replica().await;
    let guest = shop.guest().await;
    let forged = Shopper {
        bearer: Some("forged".to_owned()),
        cart_token: None,
    };
    for stranger in [&guest.shopper, &Shopper::default(), &forged] {
        shop.get(stranger, "/v1/me/cart")
            .await
            .expect(StatusCode::UNAUTHORIZED);
        let body = json!({"cart_id": guest.id, "token": guest.shopper.cart_token});
        shop.post(stranger, "/v1/me/cart/merge", body)
            .await
            .expect(StatusCode::UNAUTHORIZED);
    }
}
