//! What shoppers type, and what they mean.

use http::StatusCode;
use serde_json::{Value, json};

use crate::world::{Replica, World, names, product, with};

async fn shop_with_food(world: &World) -> Replica {
    let shop = world.stocked().await;
    let snack = |row: Value| with(row, &[("/category", json!("grocery/snacks"))]);
    shop.stock(&[
        product("milk", "Whole milk", "Lait entier"),
        product("skim", "Skim milk, 1 gal", "Lait écrémé, 3,8 l"),
        snack(product(
            "choc",
            "Milk chocolate bar",
            "Tablette de chocolat au lait",
        )),
        snack(product("cereal", "Corn flakes", "Pétales de maïs")),
        snack(with(
            product("loreal", "Shampoo", "Shampooing à l'huile d'olive"),
            &[("/brand", json!("L'Oréal"))],
        )),
        snack(product("creme", "Burnt cream", "Crème brûlée")),
        snack(product(
            "cookies",
            "Chocolate chip cookies",
            "Biscuits aux pépites de chocolat",
        )),
        snack(with(
            product("apple", "Apple juice", "Jus de pomme"),
            &[(
                "/description",
                json!({"en": "Goes well with milk.", "fr": "Bon avec du lait."}),
            )],
        )),
    ])
    .await;
    shop
}

async fn search(shop: &Replica, query: &str) -> Value {
    let query: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(query.split('&').filter_map(|pair| pair.split_once('=')))
        .finish();
    shop.get(&format!("/v1/products?{query}"))
        .await
        .expect(StatusCode::OK)
        .json()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_best_answer_comes_first() {
    let world = World::new().await;
    let shop = shop_with_food(&world).await;
    for (query, expected) in [
        // In the dairy aisle before the sweets, in the name before the description; the shorter name first.
        (
            "q=milk",
            &[
                "Whole milk",
                "Skim milk, 1 gal",
                "Milk chocolate bar",
                "Apple juice",
            ][..],
        ),
        ("q=MILK whole", &["Whole milk"]),
        ("q=sku-choc", &["Milk chocolate bar"]),
        ("q=cookie", &["Chocolate chip cookies"]),
        ("q=juices of apples", &["Apple juice"]),
        ("q=loreal", &["Shampoo"]),
        ("q=xyzzy", &[]),
        ("q=flakes&category=grocery/dairy", &[]),
        ("q=entier&lang=fr", &["Lait entier"]),
        ("q=laits entières&lang=fr", &["Lait entier"]),
        ("q=creme brulee&lang=fr", &["Crème brûlée"]),
        ("q=l'huile&lang=fr", &["Shampooing à l'huile d'olive"]),
        ("q=olive&lang=fr", &["Shampooing à l'huile d'olive"]),
        ("q=jus de pommes&lang=fr", &["Jus de pomme"]),
        ("q=l’oréal&lang=fr", &["Shampooing à l'huile d'olive"]),
        // Asked in the other language.
        ("q=cookies&lang=fr", &["Biscuits aux pépites de chocolat"]),
        // Not all words are found together: those that hold some.
        ("q=corn unicorn", &["Corn flakes"]),
        ("q=\"; drop table", &[]),
    ] {
        let list = search(&shop, query).await;
        assert_eq!(names(&list), expected, "{query}");
        assert_eq!(list["corrected_query"], Value::Null, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn typing_mistakes_are_forgiven_and_told() {
    let world = World::new().await;
    let shop = shop_with_food(&world).await;
    for (query, first, corrected) in [
        ("q=choclate bar", "Milk chocolate bar", "chocolate bar"),
        ("q=chocolat bra&lang=en", "Milk chocolate bar", ""),
        ("q=mlik", "Whole milk", "milk"),
        ("q=Whole mikl", "Whole milk", "Whole milk"),
        ("q=shampo", "Shampoo", ""),
        (
            "q=chocolta&lang=fr",
            "Tablette de chocolat au lait",
            "chocolat",
        ),
        ("q=crème brulé&lang=fr", "Crème brûlée", ""),
        ("q=bruleé creme&lang=fr", "Crème brûlée", ""),
        (
            "q=petalse de mais&lang=fr",
            "Pétales de maïs",
            "pétales de mais",
        ),
    ] {
        let list = search(&shop, query).await;
        assert_eq!(
            names(&list).first().map(String::as_str),
            Some(first),
            "{query}: {list}"
        );
        if !corrected.is_empty() {
            assert_eq!(list["corrected_query"], corrected, "{query}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn suggestions_complete_what_was_typed() {
    let world = World::new().await;
    let shop = shop_with_food(&world).await;
    let suggest = async |query: &str| {
        shop.get(&format!("/v1/suggestions?{query}"))
            .await
            .expect(StatusCode::OK)
            .json()
    };
    let mil = suggest("q=mil").await;
    assert_eq!(mil["queries"], json!(["milk"]));
    assert_eq!(mil["products"][0]["name"], "Whole milk");
    assert_eq!(
        mil["categories"],
        json!([{"key": "grocery/dairy/milk", "name": "Milk"}])
    );
    assert_eq!(
        suggest("q=whole+mi").await["queries"],
        json!(["whole milk"])
    );
    assert_eq!(
        suggest("q=cr&lang=fr").await["queries"],
        json!(["crèmerie", "crème"])
    );
    assert_eq!(
        suggest("q=cho&lang=en&limit=1").await["products"]
            .as_array()
            .expect("products")
            .len(),
        1
    );
    for nothing in ["q=", "q=zzzz", "q=+"] {
        assert_eq!(
            suggest(nothing).await,
            json!({"queries": [], "products": [], "categories": []}),
            "{nothing}"
        );
    }
}
