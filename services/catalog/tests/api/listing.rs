//! Lists, filters, facets and pages.

use std::collections::HashSet;

use http::{Request, StatusCode, header};
use serde_json::{Value, json};

use crate::world::{World, counts, names, product, with};

fn shirt(key: &str, brand: &str, color: &str, size: &str, price: i64) -> Value {
    with(
        product(key, &format!("Shirt {key}"), &format!("Chemise {key}")),
        &[
            (
                "/category",
                json!(if brand == "A" {
                    "home"
                } else {
                    "grocery/snacks"
                }),
            ),
            ("/brand", json!(brand)),
            ("/attributes", json!({"color": color, "size": size})),
            ("/variants/0/prices/0/amount", json!(price)),
        ],
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_choice_does_not_hide_its_alternatives() {
    let world = World::new().await;
    let shop = world.stocked().await;
    shop.stock(&[
        shirt("1", "A", "red", "S", 100),
        shirt("2", "A", "red", "M", 200),
        shirt("3", "A", "blue", "S", 300),
        shirt("4", "B", "blue", "M", 400),
        shirt("5", "B", "green", "L", 500),
    ])
    .await;
    let all = shop.get("/v1/products?facets=true").await.json();
    assert_eq!(all["total"], 5);
    assert_eq!(
        counts(&all["facets"]["brands"]),
        [("A".to_owned(), 3), ("B".to_owned(), 2)]
    );
    assert_eq!(
        counts(&all["facets"]["attributes"]["color"]),
        [
            ("blue".to_owned(), 2),
            ("red".to_owned(), 2),
            ("green".to_owned(), 1)
        ]
    );
    assert_eq!(
        counts(&all["facets"]["categories"]),
        [("grocery".to_owned(), 2), ("home".to_owned(), 3)]
    );
    assert_eq!(
        all["facets"]["price"],
        json!({"min": {"amount": 100, "currency": "EUR"}, "max": {"amount": 500, "currency": "EUR"}})
    );

    let red = shop
        .get("/v1/products?facets=true&attribute.color=red")
        .await
        .json();
    assert_eq!(red["total"], 2);
    assert_eq!(
        counts(&red["facets"]["attributes"]["color"]),
        counts(&all["facets"]["attributes"]["color"])
    );
    assert_eq!(
        counts(&red["facets"]["attributes"]["size"]),
        [("M".to_owned(), 1), ("S".to_owned(), 1)]
    );
    assert_eq!(counts(&red["facets"]["brands"]), [("A".to_owned(), 2)]);

    let both = shop
        .get("/v1/products?facets=true&attribute.color=red&attribute.color=blue&attribute.size=M")
        .await
        .json();
    assert_eq!(both["total"], 2);
    assert_eq!(
        counts(&both["facets"]["attributes"]["size"]),
        [("M".to_owned(), 2), ("S".to_owned(), 2)]
    );
    assert_eq!(
        counts(&both["facets"]["attributes"]["color"]),
        [("blue".to_owned(), 1), ("red".to_owned(), 1)]
    );

    let cheap = shop
        .get("/v1/products?facets=true&price_max=200&brand=A&brand=B")
        .await
        .json();
    assert_eq!(cheap["total"], 2);
    assert_eq!(cheap["facets"]["price"]["max"]["amount"], 500);
    let snacks = shop
        .get("/v1/products?facets=true&category=grocery")
        .await
        .json();
    assert_eq!(snacks["total"], 2);
    assert_eq!(
        counts(&snacks["facets"]["categories"]),
        [("grocery/snacks".to_owned(), 2)]
    );
    for nothing in [
        "brand=Z",
        "attribute.color=pink",
        "attribute.taste=sweet",
        "category=nowhere",
        "currency=USD&price_min=1",
    ] {
        assert_eq!(
            shop.get(&format!("/v1/products?{nothing}")).await.json()["total"],
            0,
            "{nothing}"
        );
    }
    assert_eq!(shop.get("/v1/products").await.json()["facets"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sorts_and_shows_in_language_and_currency() {
    let world = World::new().await;
    let shop = world.stocked().await;
    shop.stock(&[
        with(product("1", "Zebra", "Âne"), &[("/variants/0/prices", json!([{"amount": 300, "currency": "EUR"}, {"amount": 330, "currency": "USD"}]))]),
        with(
            product("2", "Éclair", "éclair"),
            &[
                ("/options", json!(["size"])),
                (
                    "/variants",
                    json!([
                        {"sku": "2a", "options": {"size": "S"}, "prices": [{"amount": 200, "currency": "EUR"}], "compare_at": [{"amount": 250, "currency": "EUR"}]},
                        {"sku": "2b", "options": {"size": "L"}, "prices": [{"amount": 400, "currency": "EUR"}]}
                    ]),
                ),
            ],
        ),
        product("3", "apple", "pomme"),
    ])
    .await;
    let list = async |query: &str| {
        shop.get(&format!("/v1/products?{query}"))
            .await
            .expect(StatusCode::OK)
            .json()
    };
    assert_eq!(
        names(&list("sort=name").await),
        ["apple", "Éclair", "Zebra"]
    );
    assert_eq!(
        names(&list("sort=name&lang=fr").await),
        ["Âne", "éclair", "pomme"]
    );
    assert_eq!(
        names(&list("sort=price").await),
        ["apple", "Éclair", "Zebra"]
    );
    assert_eq!(
        names(&list("sort=-price").await),
        ["Zebra", "Éclair", "apple"]
    );
    // What has no price in the currency comes last, either way.
    assert_eq!(names(&list("sort=price&currency=USD").await)[0], "Zebra");
    assert_eq!(names(&list("sort=-price&currency=USD").await)[0], "Zebra");
    let eclair = &list("sort=name").await["items"][1];
    assert_eq!(
        eclair["price"],
        json!({"from": {"amount": 200, "currency": "EUR"}, "to": {"amount": 400, "currency": "EUR"}})
    );
    assert_eq!(
        eclair["compare_at"],
        json!({"amount": 250, "currency": "EUR"})
    );
    assert_eq!(eclair["variant_count"], 2);
    assert_eq!(
        list("sort=name&currency=USD").await["items"][1]["price"],
        Value::Null
    );
    // Options are filtered by like attributes.
    assert_eq!(list("attribute.size=L").await["total"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn walking_the_pages_meets_every_product_once() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let rows: Vec<Value> = (0..230)
        .map(|number| {
            with(
                product(
                    &format!("{number}"),
                    &format!("Milk {}", number % 7),
                    "Lait",
                ),
                &[("/variants/0/prices/0/amount", json!(number % 5))],
            )
        })
        .collect();
    shop.stock(&rows).await;
    let second = world.replica().await;
    for query in [
        "",
        "sort=price",
        "sort=-price",
        "sort=name",
        "sort=newest",
        "q=milk",
        "q=milk&sort=name",
        "sort=name&lang=fr",
    ] {
        let mut seen = HashSet::new();
        let mut cursor = String::new();
        let mut pages = 0;
        loop {
            // Each page from another replica: an order that is not the same everywhere would skip or repeat.
            let shop = if pages % 2 == 0 { &shop } else { &second };
            let page = shop
                .get(&format!("/v1/products?limit=23&{query}{cursor}"))
                .await
                .expect(StatusCode::OK)
                .json();
            assert_eq!(page["total"], 230, "{query}");
            for item in page["items"].as_array().expect("items") {
                assert!(
                    seen.insert(item["id"].to_string()),
                    "{query}: {item} came twice"
                );
            }
            pages += 1;
            // A product that comes into being or goes away elsewhere must not shift the pages.
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        assert_eq!((seen.len(), pages), (230, 10), "{query}");
    }
    let page = shop.get("/v1/products?sort=price&limit=5").await.json();
    let cursor = page["next_cursor"].as_str().expect("more");
    let wrong = shop
        .get(&format!("/v1/products?sort=name&cursor={cursor}"))
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(wrong.fields(), ["cursor"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lists_are_kept_by_caches_and_checked_cheaply() {
    let world = World::new().await;
    let shop = world.stocked().await;
    shop.stock(&[product("1", "Milk", "Lait")]).await;
    let list = shop.get("/v1/products").await.expect(StatusCode::OK);
    assert_eq!(
        list.headers[header::CACHE_CONTROL],
        "public, max-age=5, stale-while-revalidate=60"
    );
    let again = Request::get("/v1/products")
        .header(header::IF_NONE_MATCH, list.etag())
        .body(axum::body::Body::empty())
        .expect("a request");
    shop.send(again).await.expect(StatusCode::NOT_MODIFIED);
    assert_eq!(
        world.replica().await.get("/v1/products").await.etag(),
        list.etag(),
        "the same on every replica"
    );
    for (query, field) in [
        ("limit=1000", "limit"),
        ("lang=xx", "lang"),
        ("price_min=a", "price_min"),
    ] {
        let answer = shop
            .get(&format!("/v1/products?{query}"))
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.fields(), [field]);
    }
    let answer = shop
        .get("/v1/suggestions?q=m&limit=99")
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.fields(), ["limit"]);
}
