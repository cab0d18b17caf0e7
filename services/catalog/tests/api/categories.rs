//! The tree of categories.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, product, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn categories_come_in_tree_order_with_their_products_counted() {
    let world = World::new().await;
    let shop = world.stocked().await;
    shop.stock(&[
        product("p1", "Milk", "Lait"),
        with(
            product("p2", "Chips", "Chips"),
            &[("/category", json!("grocery/snacks"))],
        ),
        with(
            product("p3", "Yogurt", "Yaourt"),
            &[("/category", json!("grocery/dairy"))],
        ),
    ])
    .await;
    let list = shop
        .get("/v1/categories")
        .await
        .expect(StatusCode::OK)
        .json();
    let items = list["items"].as_array().expect("items");
    let found: Vec<(&str, u64)> = items
        .iter()
        .map(|item| {
            (
                item["key"].as_str().expect("a key"),
                item["product_count"].as_u64().expect("a count"),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("grocery", 3),
            ("grocery/dairy", 2),
            ("grocery/dairy/milk", 1),
            ("grocery/snacks", 1),
            ("home", 0)
        ]
    );
    assert_eq!(items[1]["parent"], "grocery");
    assert_eq!(items[1]["slug"], json!({"en": "dairy", "fr": "dairy"}));
    let milk = shop
        .get("/v1/products?category=grocery/dairy/milk")
        .await
        .json();
    assert_eq!(milk["items"][0]["illustration"], "basket");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_category_is_changed_by_those_who_saw_it() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let put = async |key: &str, tag: Option<&str>, body: Value| {
        shop.staff(
            Method::PUT,
            &format!("/v1/categories/{key}"),
            tag,
            Some(body),
        )
        .await
    };
    let body = json!({"name": {"en": "Garden", "fr": "Jardin"}, "position": 7});
    let created = put("home/garden", None, body.clone())
        .await
        .expect(StatusCode::CREATED);
    put("home/garden", None, body.clone())
        .await
        .expect(StatusCode::PRECONDITION_REQUIRED);
    put("home/garden", Some("\"1\""), body.clone())
        .await
        .expect(StatusCode::PRECONDITION_FAILED);
    let changed = json!({"name": {"en": "Garden & yard", "fr": "Jardin"}});
    put("home/garden", Some(&created.etag()), changed)
        .await
        .expect(StatusCode::OK);
    let read = shop
        .eventually(
            "the change",
            |category| category["name"]["en"] == "Garden & yard",
            "/v1/categories/home/garden",
        )
        .await;
    assert_eq!(read["parent"], "home");

    for (key, body, status, field) in [
        (
            "nowhere/garden",
            body.clone(),
            StatusCode::BAD_REQUEST,
            "parent",
        ),
        ("home/Garden", body.clone(), StatusCode::BAD_REQUEST, "key"),
        (
            "home/x",
            json!({"key": "home/y", "name": {"en": "X", "fr": "X"}}),
            StatusCode::BAD_REQUEST,
            "key",
        ),
        (
            "home/x",
            json!({"name": {"en": "", "fr": "X"}}),
            StatusCode::BAD_REQUEST,
            "name.en",
        ),
        (
            "home/x",
            json!({"name": {"en": "X", "fr": "X"}, "slug": {"en": "x", "fr": "garden"}}),
            StatusCode::CONFLICT,
            "slug.fr",
        ),
    ] {
        let answer = put(key, None, body).await.expect(status);
        assert_eq!(answer.fields(), [field]);
    }
    shop.get("/v1/categories/nowhere")
        .await
        .expect(StatusCode::NOT_FOUND);
    // What was refused left no hole behind.
    let after = put("home/z", None, json!({"name": {"en": "Z", "fr": "Z"}})).await;
    after.expect(StatusCode::CREATED);
}
