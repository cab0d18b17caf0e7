//! Whose an order is: every address with an id in it, taken from the description of the API.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

/// What each request needs beside its address, so that only ownership can refuse it.
fn body_of(path: &str) -> Option<Value> {
    let lines = json!([{"sku": "tea", "quantity": 1}]);
    match path.rsplit('/').next().unwrap_or_default() {
        "withdrawal" => Some(json!({})),
        "returns" | "shipments" => Some(json!({"lines": lines})),
        "receive" => Some(json!({"restock": true})),
        "refunds" => Some(json!({"amount": {"amount": 1, "currency": "EUR"}, "reason": "x"})),
        _ if path.contains("coupons") => {
            Some(json!({"rule": {"effect": {"kind": "free_shipping"}}}))
        }
        _ => None,
    }
}

#[tokio::test]
async fn what_is_anothers_does_not_exist() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, 50).await;
    let order = world.paid(&[("tea", 1)]).await;
    let other = world.paid(&[("tea", 1)]).await;
    let before = world.read(&order).await;
    let stranger = world.person(&world.clock.uuid().to_string(), &[]);
    let document = serde_json::to_value(amazoff_orders::openapi()).expect("JSON");
    let mut tried = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        if !path.contains('{') {
            continue;
        }
        let address = path
            .replace("{id}", &order.id.to_string())
            .replace("{shipment}", &order.id.to_string())
            .replace("{return}", &order.id.to_string())
            .replace("{code}", "CODE");
        for method in methods.as_object().expect("methods").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let key = world.clock.uuid().to_string();
            for shown in [
                ("authorization", stranger.as_str()),
                ("order-token", other.token.as_str()),
                ("order-token", ""),
            ] {
                let headers = [shown, ("idempotency-key", &key), ("if-match", "*")];
                let answer = world
                    .send(method.clone(), &address, &headers, body_of(path).as_ref())
                    .await;
                let allowed = [
                    StatusCode::NOT_FOUND,
                    StatusCode::FORBIDDEN,
                    StatusCode::UNAUTHORIZED,
                ];
                assert!(
                    allowed.contains(&answer.status),
                    "{method} {path} with {shown:?}: {} {:?}",
                    answer.status,
                    answer.body
                );
                // Where an owner may, a stranger is told that there is nothing; where only staff may, that it is forbidden.
                let is_for_owners = path.starts_with("/v1/orders/{id}")
                    && !["shipments", "receive", "refuse", "refunds"]
                        .iter()
                        .any(|part| path.contains(part));
                assert!(
                    !is_for_owners || answer.status == StatusCode::NOT_FOUND,
                    "{method} {path}: {}",
                    answer.status
                );
                tried += 1;
            }
        }
    }
    assert!(tried >= 40, "only {tried} were tried");
    assert_eq!(world.read(&order).await, before);
}

#[tokio::test]
async fn staff_do_what_they_may_and_no_more() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, 50).await;
    let order = world.paid(&[("tea", 1)]).await;
    let id = order.id;
    for (method, path, needed) in [
        (
            Method::POST,
            format!("/v1/orders/{id}/shipments"),
            "orders:write",
        ),
        (
            Method::POST,
            format!("/v1/orders/{id}/refunds"),
            "orders:write",
        ),
        (Method::GET, "/v1/orders".to_owned(), "orders:read"),
        (
            Method::GET,
            "/v1/stock-movements?sku=tea".to_owned(),
            "stock:write",
        ),
        (Method::GET, "/v1/ledger".to_owned(), "ledger:read"),
        (Method::GET, "/v1/dead-letters".to_owned(), "events:write"),
        (
            Method::POST,
            format!("/v1/dead-letters/{id}/replay"),
            "events:write",
        ),
    ] {
        let all = [
            "orders:read",
            "orders:write",
            "stock:write",
            "promotions:write",
            "ledger:read",
            "events:write",
        ];
        let others: Vec<&str> = all
            .into_iter()
            .filter(|permission| *permission != needed)
            .collect();
        let token = world.staff(&others);
        let key = world.clock.uuid().to_string();
        let answer = world
            .send(
                method.clone(),
                &path,
                &[("authorization", &token), ("idempotency-key", &key)],
                body_of(&path).as_ref(),
            )
            .await;
        assert_eq!(
            answer.status,
            StatusCode::FORBIDDEN,
            "{method} {path} without {needed}"
        );
        assert!(
            answer.json()["detail"]
                .as_str()
                .is_some_and(|detail| detail.contains(needed)),
            "{:?}",
            answer.body
        );
    }
    let reader = world.staff(&["orders:read"]);
    let read = world
        .send(
            Method::GET,
            &format!("/v1/orders/{id}"),
            &[("authorization", &reader)],
            None,
        )
        .await
        .expect(StatusCode::OK);
    assert_eq!(read.json()["email"], order.json["email"]);
    world
        .send(
            Method::POST,
            &format!("/v1/orders/{id}/cancel"),
            &[("authorization", &reader)],
            None,
        )
        .await
        .expect(StatusCode::NOT_FOUND);
    let tag = read.headers["etag"].to_str().expect("text");
    world
        .send(
            Method::GET,
            &format!("/v1/orders/{id}"),
            &[("authorization", &reader), ("if-none-match", tag)],
            None,
        )
        .await
        .expect(StatusCode::NOT_MODIFIED);
}
