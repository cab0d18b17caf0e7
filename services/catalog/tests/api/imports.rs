//! Much at once.

use axum::body::{Body, Bytes};
use futures::{StreamExt as _, stream};
use http::{Request, StatusCode, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::world::{World, product, with};

fn body(rows: &[String]) -> Body {
    (rows.join("\n") + "\n").into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_rows_are_reported_and_the_rest_is_loaded() {
    let world = World::new().await;
    let shop = world.stocked().await;
    shop.create(&with(
        product("taken", "Taken", "Pris"),
        &[("/variants/0/sku", json!("taken-sku"))],
    ))
    .await;
    let rows = [
        product("a", "A", "A").to_string(),
        "{\"key\": \"broken\"".to_owned(),
        String::new(),
        with(
            product("b", "B", "B"),
            &[("/variants/0/prices/0/amount", json!(-5))],
        )
        .to_string(),
        with(product("c", "C", "C"), &[("/category", json!("nowhere"))]).to_string(),
        format!("{{\"key\": \"{}\"}}", "x".repeat(2 * 1024 * 1024)),
        with(
            product("d", "D", "D"),
            &[("/variants/0/sku", json!("taken-sku"))],
        )
        .to_string(),
        with(
            product("e", "E", "E"),
            &[("/variants/0/sku", json!("sku-a"))],
        )
        .to_string(),
        with(product("a", "A again", "A encore"), &[]).to_string(),
        with(product("f", "F", "F"), &[("/extra", json!(1))]).to_string(),
        product("g", "G", "G").to_string(),
    ];
    let report = shop
        .import_body("/v1/imports/products", body(&rows))
        .await
        .expect(StatusCode::OK)
        .lines();
    let mut rejected: Vec<(u64, Value, &str)> = report
        .iter()
        .filter(|line| line["type"] == "rejected")
        .map(|line| {
            (
                line["line"].as_u64().expect("a line"),
                line["key"].clone(),
                line["field"].as_str().expect("a field"),
            )
        })
        .collect();
    rejected.sort_by_key(|(line, ..)| *line);
    assert_eq!(
        rejected,
        [
            (2, Value::Null, ""),
            (4, json!("b"), "variants[0].prices[0].amount"),
            (5, json!("c"), "category"),
            (6, Value::Null, ""),
            (7, json!("d"), "variants[0].sku"),
            (8, json!("e"), "variants[0].sku"),
            (10, json!("f"), "extra"),
        ],
        "{report:?}"
    );
    assert_eq!(
        report.last().expect("a report"),
        &json!({"type": "done", "line": 11, "accepted": 3, "rejected": 7})
    );
    let is_so = |list: &Value| crate::world::names(list) == ["A again", "G", "Taken"];
    shop.eventually("three products", is_so, "/v1/products?sort=name")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn importing_again_changes_what_changed() {
    let world = World::new().await;
    let shop = world.stocked().await;
    let mut rows: Vec<Value> = (0..300)
        .map(|number| product(&format!("p{number}"), &format!("Milk {number}"), "Lait"))
        .collect();
    shop.stock(&rows).await;
    let before = shop.get("/v1/products?q=sku-p7").await.json()["items"][0].clone();
    let revision = async || {
        shop.get(&format!(
            "/v1/products/{}",
            before["id"].as_str().expect("an id")
        ))
        .await
        .json()["revision"]
            .clone()
    };
    let unchanged = revision().await;
    shop.stock(&rows).await;
    assert_eq!(revision().await, unchanged, "the same row is no change");
    rows[7]["variants"][0]["prices"][0]["amount"] = json!(777);
    let report = shop.import("products", &rows).await;
    assert_eq!(report.last().expect("a report")["accepted"], 300);
    let after = shop
        .eventually(
            "the price",
            |list| list["items"][0]["price"]["from"]["amount"] == 777,
            "/v1/products?q=sku-p7",
        )
        .await;
    assert_eq!(after["items"][0]["id"], before["id"]);
    assert_eq!(after["items"][0]["slug"], before["slug"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_import_goes_on_where_it_was() {
    let mut world = World::new().await;
    let shop = world.stocked().await;
    let rows: Vec<String> = (0..3000)
        .map(|number| product(&format!("p{number}"), "Milk", "Lait").to_string())
        .collect();
    // The first rows arrive, then the database dies under the import, while the client still sends.
    let (sender, receiver) =
        futures::channel::mpsc::unbounded::<Result<Bytes, std::convert::Infallible>>();
    let send = |range: std::ops::Range<usize>| {
        for row in &rows[range] {
            sender
                .unbounded_send(Ok(Bytes::from(format!("{row}\n"))))
                .expect("open");
        }
    };
    let request = Request::post("/v1/imports/products")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", world.token(&["catalog:write"])),
        )
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .body(Body::from_stream(receiver))
        .expect("a request");
    send(0..1200);
    let mut report = {
        let response = amazoff_catalog::router(shop.app.clone())
            .oneshot(request)
            .await
            .expect("infallible");
        assert_eq!(response.status(), StatusCode::OK);
        response.into_body().into_data_stream()
    };
    let first: Value =
        serde_json::from_slice(&report.next().await.expect("a line").expect("bytes"))
            .expect("JSON");
    assert_eq!(
        first,
        json!({"type": "progress", "line": 1000, "accepted": 1000, "rejected": 0})
    );
    world.ferretdb.kill().await;
    send(1200..3000);
    drop(sender);
    let last: Value = serde_json::from_slice(&report.next().await.expect("a line").expect("bytes"))
        .expect("JSON");
    assert_eq!(last["type"], "failed");
    assert_eq!(last["line"], 1000);
    assert!(report.next().await.is_none());

    world.ferretdb.restart().await;
    let answer = shop
        .import_body("/v1/imports/products?from_line=1001", body(&rows))
        .await
        .expect(StatusCode::OK);
    assert_eq!(
        answer.lines().last().expect("a report"),
        &json!({"type": "done", "line": 3000, "accepted": 2000, "rejected": 0})
    );
    shop.eventually("all products", |list| list["total"] == 3000, "/v1/products")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_imports_of_the_same_rows_make_each_product_once() {
    let world = World::new().await;
    let (one, two) = (world.stocked().await, world.replica().await);
    let rows: Vec<Value> = (0..300)
        .map(|number| product(&format!("p{number}"), "Milk", "Lait"))
        .collect();
    let (left, right) =
        futures::join!(one.import("products", &rows), two.import("products", &rows));
    for report in [left, right] {
        assert_eq!(
            report.last().expect("a report"),
            &json!({"type": "done", "line": 300, "accepted": 300, "rejected": 0})
        );
    }
    for shop in [&one, &two] {
        shop.eventually("the products", |list| list["total"] == 300, "/v1/products")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_is_not_read_ahead_of_its_client() {
    let world = World::new().await;
    let shop = world.stocked().await;
    // Nobody reads the report, and every row is rejected: reading must stop once the reports that may wait are full.
    let sent = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = sent.clone();
    let rows = stream::iter(0..100_000).map(move |_| {
        counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Ok::<_, std::convert::Infallible>(Bytes::from_static(b"nonsense\n"))
    });
    let request = Request::post("/v1/imports/products")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", world.token(&["catalog:write"])),
        )
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .body(Body::from_stream(rows))
        .expect("a request");
    let response = amazoff_catalog::router(shop.app.clone())
        .oneshot(request)
        .await
        .expect("infallible");
    let read = || sent.load(std::sync::atomic::Ordering::SeqCst);
    kit::testing::wait_for("the import to wait", async || (read() > 60).then_some(())).await;
    let waiting = read();
    tokio::task::yield_now().await;
    assert!(
        waiting < 200 && read() < 200,
        "{waiting} rows were read ahead"
    );
    let all = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    assert_eq!(
        all.split(|byte| *byte == b'\n').count() - 1,
        100_002,
        "every row is reported, then progress, then done"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn categories_are_imported_parents_first() {
    let world = World::new().await;
    let shop = world.replica().await;
    let row = |key: &str| json!({"key": key, "name": {"en": key, "fr": key}});
    let report = shop
        .import(
            "categories",
            &[row("a"), row("b/c"), row("a/b"), row("a/b"), row("A")],
        )
        .await;
    assert_eq!(
        report[..2]
            .iter()
            .map(|line| (line["line"].clone(), line["field"].clone()))
            .collect::<Vec<_>>(),
        [(json!(5), json!("key")), (json!(2), json!("parent"))],
        "{report:?}"
    );
    assert_eq!(
        report.last().expect("a report"),
        &json!({"type": "done", "line": 5, "accepted": 3, "rejected": 2})
    );
    let wrong = Request::post("/v1/imports/categories")
        .header(
            header::AUTHORIZATION,
            format!("Bearer {}", world.token(&["catalog:write"])),
        )
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::empty())
        .expect("a request");
    shop.send(wrong)
        .await
        .expect(StatusCode::UNSUPPORTED_MEDIA_TYPE);
}
