//! Profile and addresses.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_profile_is_changed_by_who_saw_it() {
    let world = World::new().await;
    let ada = world.customer("ada@example.com").await;
    let me = world
        .by(&ada, Method::GET, "/v1/me", None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(me.headers["cache-control"], "private, no-store");
    let patch = async |tag: Option<&str>, body: Value| {
        let bearer = format!("Bearer {}", ada.access);
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(tag.map(|tag| ("if-match", tag)));
        world
            .call(Method::PATCH, "/v1/me", &headers, Some(body))
            .await
    };
    patch(None, json!({"name": "Ada"}))
        .await
        .expect(StatusCode::PRECONDITION_REQUIRED);
    let tag = me.etag();
    let changed = patch(Some(&tag), json!({"name": " Ada King "}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&changed.json()["name"], &changed.json()["locale"]),
        (&json!("Ada King"), &json!("fr"))
    );
    patch(Some(&tag), json!({"locale": "en"}))
        .await
        .expect(StatusCode::PRECONDITION_FAILED);
    let again = patch(Some(&changed.etag()), json!({"locale": "en"}))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        (&again.json()["name"], &again.json()["locale"]),
        (&json!("Ada King"), &json!("en"))
    );
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"roles": ["admin"]}), "roles"),
        (json!({"email": "eve@example.com"}), "email"),
        (json!({"id": "x"}), "id"),
    ] {
        let answer = patch(Some(&again.etag()), body)
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert!(
            String::from_utf8_lossy(&answer.body).contains(field),
            "{field}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn addresses_are_kept_changed_and_taken_out() {
    let world = World::new().await;
    let ada = world.customer("ada@example.com").await;
    let address = json!({"name": "Ada Lovelace", "line1": "12 rue de l'Échelle", "postal_code": "75001", "city": "Paris", "country": "FR"});
    let add = |body: Value| world.by(&ada, Method::POST, "/v1/me/addresses", Some(body));
    let added = add(address.clone()).await.expect(StatusCode::CREATED);
    let path = added.headers["location"].to_str().expect("text").to_owned();
    let mut wrong = address.clone();
    wrong["country"] = "XX".into();
    wrong["city"] = "".into();
    assert_eq!(
        add(wrong).await.expect(StatusCode::BAD_REQUEST).fields(),
        ["city", "country"]
    );

    let mut moved = address.clone();
    moved["line2"] = "c/o Babbage".into();
    for _ in 0..2 {
        world
            .by(&ada, Method::PUT, &path, Some(moved.clone()))
            .await
            .expect(StatusCode::OK);
    }
    let list = world
        .by(&ada, Method::GET, "/v1/me/addresses", None)
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["items"][0]["line2"], "c/o Babbage");
    world
        .by(&ada, Method::DELETE, &path, None)
        .await
        .expect(StatusCode::NO_CONTENT);
    world
        .by(&ada, Method::DELETE, &path, None)
        .await
        .expect(StatusCode::NOT_FOUND);
    world
        .by(&ada, Method::PUT, &path, Some(address.clone()))
        .await
        .expect(StatusCode::NOT_FOUND);

    for _ in 0..20 {
        add(address.clone()).await.expect(StatusCode::CREATED);
    }
    assert_eq!(
        add(address).await.expect(StatusCode::CONFLICT).kind(),
        "too-many-addresses"
    );
}
