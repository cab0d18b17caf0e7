//! What staff write and shoppers read.

use futures::future::join_all;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::world::{World, product, with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_read_by_id_and_by_slug() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let answer = shop
        .staff(
            Method::POST,
            "/v1/products",
            None,
            Some(product("p1", "Whole milk", "Lait entier")),
        )
        .await
        .expect(StatusCode::CREATED);
    let created = answer.json();
    let path = answer.headers[header::LOCATION]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(
        path,
        format!("/v1/products/{}", created["id"].as_str().expect("an id"))
    );
    assert_eq!(answer.etag(), format!("\"{}\"", created["revision"]));
    assert!(
        created["slug"]["fr"]
            .as_str()
            .expect("a slug")
            .starts_with("lait-entier-")
    );

    let read = shop.get(&path).await.expect(StatusCode::OK);
    assert_eq!(read.json(), created);
    assert_eq!(
        read.headers[header::CACHE_CONTROL],
        "public, max-age=5, stale-while-revalidate=60"
    );
    for language in ["en", "fr"] {
        let slug = created["slug"][language].as_str().expect("a slug");
        let read = shop
            .get(&format!("/v1/products/by-slug/{language}/{slug}"))
            .await
            .expect(StatusCode::OK);
        assert_eq!(read.json(), created);
    }
    let fresh = Request::get(&path)
        .header(header::IF_NONE_MATCH, read.etag())
        .body(axum::body::Body::empty())
        .expect("a request");
    let unchanged = shop.send(fresh).await.expect(StatusCode::NOT_MODIFIED);
    assert!(unchanged.body.is_empty());

    for path in [
        "/v1/products/by-slug/en/nothing",
        "/v1/products/by-slug/de/nothing",
        "/v1/products/00000000-0000-0000-0000-000000000000",
        "/v1/products/x",
    ] {
        shop.get(path).await.expect(StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_staff_write_and_see_drafts() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let draft = with(
        product("p1", "Secret", "Secret"),
        &[("/status", json!("draft"))],
    );
    let send = async |token: Option<String>| {
        let mut request =
            Request::post("/v1/products").header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        shop.send(request.body(draft.to_string().into()).expect("a request"))
            .await
            .status
    };
    assert_eq!(send(None).await, StatusCode::UNAUTHORIZED);
    assert_eq!(
        send(Some("nonsense".to_owned())).await,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        send(Some(world.token(&["orders:write"]))).await,
        StatusCode::FORBIDDEN
    );

    let created = shop.create(&draft).await;
    let path = format!("/v1/products/{}", created["id"].as_str().expect("an id"));
    shop.get(&path).await.expect(StatusCode::NOT_FOUND);
    let read = shop
        .staff(Method::GET, &path, None, None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(read.headers[header::CACHE_CONTROL], "private, no-store");

    let published = with(draft.clone(), &[("/status", json!("published"))]);
    shop.staff(Method::PUT, &path, Some(&read.etag()), Some(published))
        .await
        .expect(StatusCode::OK);
    shop.get(&path).await.expect(StatusCode::OK);
    shop.eventually("the product", |list| list["total"] == 1, "/v1/products")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_needs_the_revision_it_is_made_to() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let row = product("p1", "Milk", "Lait");
    let created = shop.create(&row).await;
    let path = format!("/v1/products/{}", created["id"].as_str().expect("an id"));
    shop.staff(Method::PUT, &path, None, Some(row.clone()))
        .await
        .expect(StatusCode::PRECONDITION_REQUIRED);
    shop.staff(Method::PUT, &path, Some("\"999\""), Some(row.clone()))
        .await
        .expect(StatusCode::PRECONDITION_FAILED);

    // Twenty people press "save" at once on two replicas: one wins, nineteen are told.
    let second = world.replica().await;
    let tag = format!("\"{}\"", created["revision"]);
    let saves = (0..20).map(|number| {
        let shop = if number % 2 == 0 { &shop } else { &second };
        let change = with(
            row.clone(),
            &[("/name/en", json!(format!("Milk {number}")))],
        );
        shop.staff(Method::PUT, &path, Some(&tag), Some(change))
    });
    let answers = join_all(saves).await;
    let won: Vec<Value> = answers
        .iter()
        .filter(|answer| answer.status == StatusCode::OK)
        .map(crate::world::Answer::json)
        .collect();
    assert_eq!(won.len(), 1);
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.status == StatusCode::PRECONDITION_FAILED)
            .count(),
        19
    );
    for shop in [&shop, &second] {
        let read = shop
            .eventually(
                "the change",
                |product| product["revision"] == won[0]["revision"],
                &path,
            )
            .await;
        assert_eq!(read["name"], won[0]["name"]);
        assert_eq!(read["created_at"], created["created_at"]);
    }

    shop.staff(Method::DELETE, &path, None, None)
        .await
        .expect(StatusCode::PRECONDITION_REQUIRED);
    shop.staff(Method::DELETE, &path, Some(&tag), None)
        .await
        .expect(StatusCode::PRECONDITION_FAILED);
    let tag = format!("\"{}\"", won[0]["revision"]);
    shop.staff(Method::DELETE, &path, Some(&tag), None)
        .await
        .expect(StatusCode::NO_CONTENT);
    for shop in [&shop, &second] {
        shop.eventually("an empty shop", |list| list["total"] == 0, "/v1/products")
            .await;
        shop.get(&path).await.expect(StatusCode::NOT_FOUND);
    }
    shop.staff(Method::DELETE, &path, Some("*"), None)
        .await
        .expect(StatusCode::NOT_FOUND);
    // The names are free again.
    shop.create(&row).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_many_gets_the_sku() {
    let world = World::new().await;
    let (one, two) = (world.stocked().await, world.replica().await);
    let creates = (0..20).map(|number| {
        let row = with(
            product(&format!("p{number}"), "Milk", "Lait"),
            &[("/variants/0/sku", json!("same"))],
        );
        let shop = if number % 2 == 0 { &one } else { &two };
        shop.staff(Method::POST, "/v1/products", None, Some(row))
    });
    let answers = join_all(creates).await;
    assert_eq!(
        answers
            .iter()
            .filter(|answer| answer.status == StatusCode::CREATED)
            .count(),
        1
    );
    for lost in answers
        .iter()
        .filter(|answer| answer.status != StatusCode::CREATED)
    {
        assert_eq!(lost.status, StatusCode::CONFLICT, "{:?}", lost.body);
        assert_eq!(lost.fields(), ["variants[0].sku"]);
    }
    one.eventually("the winner", |list| list["total"] == 1, "/v1/products")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn names_are_unique_and_move_with_the_product() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let row = with(
        product("p1", "Milk", "Lait"),
        &[("/slug", json!({"en": "milk", "fr": "lait"}))],
    );
    let created = shop.create(&row).await;
    for (changes, field) in [
        (vec![], "key"),
        (
            vec![
                ("/key", json!("p2")),
                ("/slug", json!({"en": "other", "fr": "lait"})),
            ],
            "slug.fr",
        ),
        (
            vec![
                ("/key", json!("p2")),
                ("/slug", json!({"en": "other", "fr": "autre"})),
            ],
            "variants[0].sku",
        ),
    ] {
        let answer = shop
            .staff(
                Method::POST,
                "/v1/products",
                None,
                Some(with(row.clone(), &changes)),
            )
            .await;
        assert_eq!(answer.expect(StatusCode::CONFLICT).fields(), [field]);
    }
    let path = format!("/v1/products/{}", created["id"].as_str().expect("an id"));
    let moved = with(
        row.clone(),
        &[("/slug", json!({"en": "fresh-milk", "fr": "lait-frais"}))],
    );
    shop.staff(
        Method::PUT,
        &path,
        Some(&format!("\"{}\"", created["revision"])),
        Some(moved),
    )
    .await
    .expect(StatusCode::OK);
    shop.get("/v1/products/by-slug/en/milk")
        .await
        .expect(StatusCode::NOT_FOUND);
    shop.get("/v1/products/by-slug/en/fresh-milk")
        .await
        .expect(StatusCode::OK);
    let other = with(
        product("p2", "Other", "Autre"),
        &[("/slug", json!({"en": "milk", "fr": "lait"}))],
    );
    shop.create(&other).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_input_is_named_by_field() {
    let world = World::new().await;
    let shop = world.stocked().await;
    for (changes, field) in [
        (
            vec![("/variants/0/prices/0/amount", json!(-1))],
            "variants[0].prices[0].amount",
        ),
        (
            vec![("/variants/0/prices/0/amount", json!(1.5))],
            "variants[0].prices[0].amount",
        ),
        (
            vec![("/variants/0/prices/0/currency", json!("euro"))],
            "variants[0].prices[0].currency",
        ),
        (vec![("/category", json!("grocery/nowhere"))], "category"),
        (vec![("/name", json!({"en": "Milk"}))], "name"),
        (vec![("/colour", json!("red"))], "colour"),
        (vec![("/status", json!("sold"))], "status"),
    ] {
        let answer = shop
            .staff(
                Method::POST,
                "/v1/products",
                None,
                Some(with(product("p1", "Milk", "Lait"), &changes)),
            )
            .await;
        let answer = answer.expect(StatusCode::BAD_REQUEST);
        assert_eq!(
            answer.headers[header::CONTENT_TYPE],
            "application/problem+json"
        );
        assert_eq!(answer.fields(), [field], "{:?}", answer.body);
    }
    let huge = with(
        product("p1", "Milk", "Lait"),
        &[(
            "/description",
            json!({"en": "x".repeat(2_000_000), "fr": ""}),
        )],
    );
    shop.staff(Method::POST, "/v1/products", None, Some(huge))
        .await
        .expect(StatusCode::PAYLOAD_TOO_LARGE);
    let text = Request::post("/v1/products").header(
        header::AUTHORIZATION,
        format!("Bearer {}", world.token(&["catalog:write"])),
    );
    let text = text
        .header(header::CONTENT_TYPE, "text/plain")
        .body("{}".into())
        .expect("a request");
    shop.send(text)
        .await
        .expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
