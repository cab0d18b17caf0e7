//! What carts and orders ask of the things in them.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{Replica, World, product, with};

async fn variants(shop: &Replica, query: &str) -> Vec<Value> {
    let path = format!("/v1/variants?{query}");
    let answer = shop.get(&path).await.expect(StatusCode::OK).json();
    answer["items"].as_array().expect("items").clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_skus_come_back_in_the_order_asked() {
    let world = World::new().await;
    let shop = world.stocked().await;
    shop.create(&product("a", "Whole milk", "Lait entier"))
        .await;
    shop.create(&product("b", "Skim milk", "Lait écrémé")).await;
    for live in ["", "&live=true"] {
        let found = variants(&shop, &format!("sku=sku-b,nothing,sku-a{live}")).await;
        let skus: Vec<&str> = found
            .iter()
            .map(|found| found["sku"].as_str().expect("a SKU"))
            .collect();
        assert_eq!(skus, ["sku-b", "sku-a"]);
        assert_eq!(found[0]["name"]["fr"], "Lait écrémé");
        assert_eq!(
            found[0]["prices"],
            json!([{"amount": 100, "currency": "EUR"}])
        );
        assert_eq!(found[0]["illustration"], "basket");
        assert_eq!(found[0]["published"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_price_is_told_at_once_to_whoever_asks_live() {
    let world = World::new().await;
    let (shop, other) = (world.stocked().await, world.replica().await);
    let created = shop.create(&product("a", "Milk", "Lait")).await;
    variants(&other, "sku=sku-a").await;
    let dearer = with(
        product("a", "Milk", "Lait"),
        &[("/variants/0/prices/0/amount", json!(120))],
    );
    let path = format!("/v1/products/{}", created["id"].as_str().expect("an id"));
    let tag = format!("\"{}\"", created["revision"]);
    shop.staff(Method::PUT, &path, Some(&tag), Some(dearer))
        .await
        .expect(StatusCode::OK);
    let found = variants(&other, "sku=sku-a&live=true").await;
    assert_eq!(found[0]["prices"][0]["amount"], 120);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drafts_are_nobodys_business_and_what_was_sold_is_still_known() {
    let world = World::new().await;
    let shop = world.stocked().await;
    for (key, status) in [("a", "draft"), ("b", "archived")] {
        shop.create(&with(
            product(key, "Milk", "Lait"),
            &[("/status", json!(status))],
        ))
        .await;
    }
    let found = variants(&shop, "sku=sku-a,sku-b").await;
    assert_eq!(found.len(), 1);
    assert_eq!(
        (&found[0]["sku"], &found[0]["published"]),
        (&json!("sku-b"), &json!(false))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sku_that_moved_to_another_product_is_found_there() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let first = shop.create(&product("a", "Milk", "Lait")).await;
    variants(&shop, "sku=sku-a").await;
    let path = format!("/v1/products/{}", first["id"].as_str().expect("an id"));
    let tag = format!("\"{}\"", first["revision"]);
    shop.staff(Method::DELETE, &path, Some(&tag), None)
        .await
        .expect(StatusCode::NO_CONTENT);
    let second = shop
        .create(&with(
            product("b", "Oat milk", "Lait d'avoine"),
            &[("/variants/0/sku", json!("sku-a"))],
        ))
        .await;
    assert_eq!(
        variants(&shop, "sku=sku-a").await[0]["product_id"],
        second["id"]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_names_1_to_200_skus() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let many = vec!["x"; 201].join(",");
    for query in ["", "?sku=", "?sku=,,", &format!("?sku={many}")] {
        let answer = shop
            .get(&format!("/v1/variants{query}"))
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert_ne!(answer.fields(), [""; 0], "{query}");
    }
}
