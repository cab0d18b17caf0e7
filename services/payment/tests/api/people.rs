//! What is kept of a person.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{World, request, text};

#[tokio::test]
async fn a_persons_payments_are_exported_and_let_go_of() {
    let world = World::new().await;
    let ann = "0193f7d0-0000-7000-8000-00000000000a";
    let token = world.token(ann, &[]);
    let mut order = world.order_of("ann@example.org", |_| {});
    order.bearer = Some(token.clone());
    world.orders.put(order.clone());
    let bearer = format!("Bearer {token}");
    let body = json!({"order_id": order.id, "provider": "test", "return_url": "/en/"});
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", "1")];
    let payment = world
        .post("/v1/payments", &headers, Some(&body))
        .await
        .expect(StatusCode::CREATED)
        .json();

    let path = format!("/internal/v1/people/{ann}");
    let users = world.users_tokens.bearer();
    let users = users.to_str().expect("text");
    for method in [Method::GET, Method::DELETE] {
        for (headers, status) in [
            (vec![], StatusCode::UNAUTHORIZED),
            (
                vec![("authorization", bearer.as_str())],
                StatusCode::FORBIDDEN,
            ),
        ] {
            world
                .send(request(method.clone(), &path, &headers, None))
                .await
                .expect(status);
        }
    }
    let export = world
        .get(&path, &[("authorization", users)])
        .await
        .expect(StatusCode::OK);
    assert_eq!(export.json()["payments"][0]["id"], payment["id"]);
    assert!(!export.text().contains("example.org"), "no address is kept");

    for _ in 0..2 {
        let erase = request(
            Method::DELETE,
            &path,
            &[
                ("authorization", users),
                ("person-email", "ann@example.org"),
            ],
            None,
        );
        world.send(erase).await.expect(StatusCode::NO_CONTENT);
    }
    let export = world
        .get(&path, &[("authorization", users)])
        .await
        .expect(StatusCode::OK);
    assert_eq!(export.json(), json!({"payments": []}));
    let kept = world.staff("").await;
    assert_eq!(
        (text(&kept[0]["id"]), &kept[0]["amount"]["amount"]),
        (text(&payment["id"]), &json!(1099))
    );
}

/// Every table, as text: whatever is kept, the address is not.
#[tokio::test]
async fn no_table_holds_an_address() {
    let world = World::new().await;
    let order = world.order_of("ann+twice@example.org", |_| {});
    let payment = world.started(&order, "test").await;
    let path = format!("/v1/test-provider/{}", text(&payment["id"]));
    world
        .post(&path, &[], Some(&json!({})))
        .await
        .expect(StatusCode::OK);
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
    )
    .fetch_all(&world.app.pool)
    .await
    .expect("tables");
    assert!(tables.len() >= 8, "{tables:?}");
    let columns: Vec<(String, String)> = sqlx::query_as("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()")
        .fetch_all(&world.app.pool)
        .await
        .expect("columns");
    for (table, column) in columns {
        let count = format!(
            "SELECT COUNT(*) FROM `{table}` WHERE CONVERT(`{column}` USING utf8mb4) LIKE '%ann+%' OR CONVERT(`{column}` USING utf8mb4) LIKE '%example.org%'"
        );
        let found: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(count))
            .fetch_one(&world.app.pool)
            .await
            .expect("counted");
        assert_eq!(found, 0, "{table}.{column}");
    }
}
