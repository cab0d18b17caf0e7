//! What is on shelves, and what staff do about it.

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use crate::world::World;

async fn import(world: &World, lines: &str) -> Value {
    let request = Request::post("/v1/stock/imports")
        .header(header::AUTHORIZATION, world.staff(&["stock:write"]))
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .body(Body::from(lines.to_owned()))
        .expect("a request");
    world.answer(request).await.expect(StatusCode::OK).json()
}

#[tokio::test]
async fn shoppers_learn_whether_there_is_some_and_how_few_are_left() {
    let world = World::new().await;
    world.stocked("many", "pantry", 100, 6).await;
    world.stocked("few", "pantry", 100, 5).await;
    world.stocked("gone", "pantry", 100, 1).await;
    world.placed(&[("gone", 1)]).await;
    let answer = world
        .send(Method::GET, "/v1/stock?sku=few,gone,never,many", &[], None)
        .await
        .expect(StatusCode::OK);
    assert_eq!(answer.headers["cache-control"], "public, max-age=5");
    let expected = json!([
        {"sku": "few", "availability": "low", "left": 5}, {"sku": "gone", "availability": "out"},
        {"sku": "never", "availability": "out"}, {"sku": "many", "availability": "in_stock"},
    ]);
    assert_eq!(answer.json()["items"], expected);
    for wrong in ["", "a b", &vec!["a"; 201].join(",")] {
        let answer = world
            .send(
                Method::GET,
                &format!("/v1/stock?sku={}", wrong.replace(' ', "+")),
                &[],
                None,
            )
            .await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), ["sku"]);
    }
}

#[tokio::test]
async fn movements_are_differences_and_never_take_what_is_promised() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 100, 5).await;
    world.placed(&[("tea", 3)]).await;
    let too_much = world
        .move_stock("tea", -3)
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(
        (too_much.problem(), too_much.fields()),
        ("stock-too-low".to_owned(), vec!["delta".to_owned()])
    );
    world
        .move_stock("new", -1)
        .await
        .expect(StatusCode::CONFLICT);
    let after = world
        .move_stock("tea", -2)
        .await
        .expect(StatusCode::CREATED)
        .json();
    assert_eq!(after, json!({"sku": "tea", "on_hand": 3, "reserved": 3}));
    let staff = world.staff(&["stock:write"]);
    let send = async |key: &str, delta: i64| {
        let body = json!({"sku": "tea", "delta": delta, "reason": "found"});
        world
            .send(
                Method::POST,
                "/v1/stock-movements",
                &[("authorization", &staff), ("idempotency-key", key)],
                Some(&body),
            )
            .await
    };
    for _ in 0..3 {
        send("key", 4).await.expect(StatusCode::CREATED);
    }
    send("key", 5)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        send("zero", 0)
            .await
            .expect(StatusCode::BAD_REQUEST)
            .fields(),
        ["delta"]
    );
    assert_eq!(world.level("tea").await, (7, 3));
    let list = world
        .send(
            Method::GET,
            "/v1/stock-movements?sku=tea&limit=2",
            &[("authorization", &staff)],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    let deltas: Vec<&Value> = list["items"]
        .as_array()
        .expect("items")
        .iter()
        .map(|row| &row["delta"])
        .collect();
    assert_eq!(deltas, [&json!(4), &json!(-2)]);
    assert_eq!(list["items"][0]["reason"], "found");
    assert!(list["next_cursor"].is_string());
    let odd = world
        .send(
            Method::GET,
            "/v1/stock-movements?sku=th%C3%A9",
            &[("authorization", &staff)],
            None,
        )
        .await;
    assert_eq!(odd.expect(StatusCode::BAD_REQUEST).fields(), ["sku"]);
    world.ledger().await;
}

#[tokio::test]
async fn an_import_says_how_much_there_is_and_may_be_repeated() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 100, 5).await;
    world.placed(&[("tea", 3)]).await;
    let lines = "{\"sku\":\"a\",\"on_hand\":10}\n\n{\"sku\":\"tea\",\"on_hand\":2}\n{\"sku\":\"b\",\"on_hand\":0}\nnonsense\n{\"sku\":\"c\",\"on_hand\":-1}\n{\"sku\":\"d\",\"on_hand\":1,\"price\":1}\n{\"sku\":\"a\",\"on_hand\":12}";
    for _ in 0..2 {
        let report = import(&world, lines).await;
        assert_eq!(
            (report["accepted"].as_u64(), report["rejected"].as_u64()),
            (Some(3), Some(4)),
            "{report}"
        );
        let rejected: Vec<u64> = report["rejections"]
            .as_array()
            .expect("rejections")
            .iter()
            .map(|row| row["line"].as_u64().expect("a line"))
            .collect();
        assert_eq!(rejected, [5, 6, 7, 3]);
    }
    assert_eq!(
        (world.level("a").await, world.level("tea").await),
        ((12, 0), (5, 3))
    );
    let many: Vec<String> = (0..1234)
        .map(|index| format!("{{\"sku\":\"s{index}\",\"on_hand\":{index}}}"))
        .collect();
    assert_eq!(import(&world, &many.join("\n")).await["accepted"], 1234);
    assert_eq!(world.level("s1233").await, (1233, 0));
    world.ledger().await;
}
