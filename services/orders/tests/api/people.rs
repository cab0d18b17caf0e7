//! What is kept of persons, and its end.

use http::{Method, StatusCode};
use serde_json::json;

use crate::world::{Buyer, World};

/// Everything the database holds, as one text.
async fn dump(world: &World) -> String {
    use sqlx::{AssertSqlSafe, Row as _};
    let mut connection = world.mariadb.administrator().await;
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name FROM information_schema.tables WHERE table_schema = 'test'",
    )
    .fetch_all(&mut connection)
    .await
    .expect("tables");
    let mut text = String::new();
    for table in tables {
        let rows = sqlx::query(AssertSqlSafe(format!("SELECT * FROM {table}")))
            .fetch_all(&mut connection)
            .await
            .expect("rows");
        for row in rows {
            for column in 0..row.len() {
                let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).unwrap_or_default();
                text.push_str(&String::from_utf8_lossy(&bytes.unwrap_or_default()));
                text.push('\n');
            }
        }
    }
    text
}

#[tokio::test]
async fn a_person_is_exported_then_forgotten_and_the_accounts_still_add_up() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, 50).await;
    let (id, email) = (world.clock.uuid(), "zoe@example.fr");
    let member = world.person(&id.to_string(), &[]);
    let as_member = async |key: &str| {
        let buyer = world.guest(&[("tea", 1)]);
        let mut wish = World::wish(&buyer);
        wish["email"] = json!(email);
        wish["shipping_address"]["name"] = json!("Zoé Lefèvre");
        let headers = [("authorization", member.as_str()), ("idempotency-key", key)];
        world
            .send(Method::POST, "/v1/orders", &headers, Some(&wish))
            .await
            .expect(StatusCode::CREATED)
            .json()
    };
    let shipped = as_member("a").await;
    let total = shipped["totals"]["total"]["amount"]
        .as_i64()
        .expect("an amount");
    let shipped_id = shipped["id"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    world
        .hear(&[world.captured(shipped_id, world.clock.uuid(), total)])
        .await
        .expect(StatusCode::NO_CONTENT);
    let staff = world.staff(&["orders:write"]);
    world
        .send(
            Method::POST,
            &format!("/v1/orders/{shipped_id}/shipments"),
            &[("authorization", &staff)],
            Some(&json!({})),
        )
        .await
        .expect(StatusCode::CREATED);
    let give_back = json!({"lines": [{"sku": "tea", "quantity": 1, "reason": "my name is Zoé"}]});
    world
        .send(
            Method::POST,
            &format!("/v1/orders/{shipped_id}/returns"),
            &[("authorization", &member)],
            Some(&give_back),
        )
        .await
        .expect(StatusCode::CREATED);
    as_member("b").await;
    // Before there was an account.
    let guest = Buyer {
        email: email.to_uppercase(),
        ..world.guest(&[("tea", 1)])
    };
    let guest = world.placed_by(&guest).await;
    world.pay(&guest).await;
    let other = world.paid(&[("tea", 1)]).await;

    let path = format!("/internal/v1/people/{id}");
    let known_as = ("person-email", email);
    let users = world.staff(&["people:export", "people:erase"]);
    let export = world
        .send(
            Method::GET,
            &path,
            &[("authorization", &users), known_as],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(export["orders"].as_array().expect("orders").len(), 3);
    assert_eq!(
        export["orders"][0]["addresses"]["shipping"]["name"],
        "Zoé Lefèvre"
    );
    assert_eq!(
        export["orders"][0]["returns"][0]["reasons"][0]["reason"],
        "my name is Zoé"
    );
    assert!(
        dump(&world).await.contains(&email.to_uppercase()),
        "the mails that wait name whom they are for"
    );
    world
        .send(Method::DELETE, &path, &[("authorization", &member)], None)
        .await
        .expect(StatusCode::FORBIDDEN);

    for _ in 0..2 {
        world
            .send(
                Method::DELETE,
                &path,
                &[("authorization", &users), known_as],
                None,
            )
            .await
            .expect(StatusCode::NO_CONTENT);
    }
    let dump = dump(&world).await.to_lowercase();
    for trace in [email, "lefèvre", "my name is"] {
        assert!(!dump.contains(trace), "{trace} is left");
    }
    let read = world
        .send(
            Method::GET,
            &format!("/v1/orders/{shipped_id}"),
            &[("authorization", &member)],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        (
            read["email"].clone(),
            read["addresses"].clone(),
            read["totals"].clone()
        ),
        (json!(null), json!(null), shipped["totals"].clone())
    );
    // Nobody knows where to send the others any more: they are called off, and paid back.
    let read = world.read(&guest).await;
    assert_eq!(
        (
            read["status"].as_str(),
            read["refunds"][0]["amount"]["amount"].as_i64()
        ),
        (Some("canceled"), Some(guest.total))
    );
    assert_eq!(
        world.read(&other).await["email"],
        other.json["email"],
        "nobody else is forgotten"
    );
    world.refund_all().await;
    assert_eq!(
        world
            .notifications
            .events()
            .iter()
            .filter(|event| event.data["email"]
                .as_str()
                .is_some_and(|to| to.eq_ignore_ascii_case(email)))
            .count(),
        0
    );
    world.ledger().await;
}
