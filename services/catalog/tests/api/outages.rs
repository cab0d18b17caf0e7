//! The database goes away and comes back.

use http::{Method, StatusCode, header};
use serde_json::Value;

use crate::world::{World, names, product};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shoppers_are_served_while_the_database_is_away() {
    let mut world = World::new().await;
    let shop = world.stocked().await;
    shop.stock(&[
        product("p1", "Whole milk", "Lait entier"),
        product("p2", "Skim milk", "Lait écrémé"),
    ])
    .await;
    let list: Value = shop.get("/v1/products?sort=name").await.json();
    let path = |item: &Value| format!("/v1/products/{}", item["id"].as_str().expect("an id"));
    let (skim, whole) = (&list["items"][0], &list["items"][1]);
    let seen = shop.get(&path(whole)).await.expect(StatusCode::OK).json();

    world.ferretdb.kill().await;
    assert_eq!(
        names(
            &shop
                .get("/v1/products?q=mlik&sort=name")
                .await
                .expect(StatusCode::OK)
                .json()
        ),
        ["Skim milk", "Whole milk"]
    );
    shop.get("/v1/suggestions?q=mil")
        .await
        .expect(StatusCode::OK);
    shop.get("/v1/categories").await.expect(StatusCode::OK);
    assert_eq!(
        shop.get(&path(whole)).await.expect(StatusCode::OK).json(),
        seen,
        "read before, so remembered"
    );
    let slug = seen["slug"]["fr"].as_str().expect("a slug");
    shop.get(&format!("/v1/products/by-slug/fr/{slug}"))
        .await
        .expect(StatusCode::OK);
    let unknown = shop
        .get(&path(skim))
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(
        unknown.headers[header::CONTENT_TYPE],
        "application/problem+json"
    );
    assert!(unknown.headers.contains_key(header::RETRY_AFTER));
    shop.staff(
        Method::POST,
        "/v1/products",
        None,
        Some(product("p3", "Oat milk", "Lait d'avoine")),
    )
    .await
    .expect(StatusCode::SERVICE_UNAVAILABLE);

    // Started meanwhile: it waits.
    let waiting = world.starting_replica().await;
    assert_eq!(
        waiting
            .get("/v1/products")
            .await
            .expect(StatusCode::OK)
            .json()["total"],
        0
    );

    world.ferretdb.restart().await;
    shop.eventually(
        "the product page",
        |product| product["key"] == "p2",
        &path(skim),
    )
    .await;
    shop.create(&product("p3", "Oat milk", "Lait d'avoine"))
        .await;
    for replica in [&shop, &waiting] {
        replica
            .eventually("the new product", |list| list["total"] == 3, "/v1/products")
            .await;
    }
}
