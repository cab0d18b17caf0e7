//! Whatever has an id in its address is nobody else's, for every route there is.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_address_with_an_id_is_closed_to_others() {
    let world = World::new().await;
    let (ada, eve) = (
        world.customer("ada@example.com").await,
        world.customer("eve@example.com").await,
    );
    let address = json!({"name": "Ada", "line1": "1 Lane", "postal_code": "", "city": "Paris", "country": "FR"});
    let added = world
        .by(
            &ada,
            Method::POST,
            "/v1/me/addresses",
            Some(address.clone()),
        )
        .await;
    let address_id = added.json()["id"].as_str().expect("an id").to_owned();
    let sessions = world
        .by(&ada, Method::GET, "/v1/me/sessions", None)
        .await
        .json();
    let session_id = sessions["items"][0]["id"]
        .as_str()
        .expect("an id")
        .to_owned();

    let document = serde_json::to_value(amazoff_users::openapi()).expect("JSON");
    let mut tried = 0;
    for (path, operations) in document["paths"].as_object().expect("paths") {
        if !path.contains("{id}") {
            continue;
        }
        let id = match path.as_str() {
            path if path.contains("/addresses/") => address_id.clone(),
            path if path.contains("/sessions/") => session_id.clone(),
            path if path.contains("/users/") => ada.id.to_string(),
            path if path.contains("/passkeys/") => uuid::Uuid::nil().to_string(),
            other => panic!("{other}: whose is it?"),
        };
        for (method, operation) in operations.as_object().expect("operations") {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let body = operation.get("requestBody").map(|_| {
                if path.ends_with("/roles") {
                    json!({"roles": []})
                } else {
                    address.clone()
                }
            });
            let target = path.replace("{id}", &id);
            let answer = world.by(&eve, method.clone(), &target, body.clone()).await;
            let is_closed =
                answer.status == StatusCode::NOT_FOUND || answer.status == StatusCode::FORBIDDEN;
            assert!(is_closed, "{method} {path}: {}", answer.status);
            let nobody = world.call(method.clone(), &target, &[], body).await;
            assert_eq!(nobody.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            tried += 1;
        }
    }
    assert!(tried >= 5, "{tried}");
    let list = world
        .by(&ada, Method::GET, "/v1/me/addresses", None)
        .await
        .json();
    assert_eq!(list["items"][0]["name"], Value::from("Ada"), "untouched");
    assert!(world.is_let_in(&ada).await);
}
