//! Coupons.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

async fn make(world: &World, code: &str, change: &Value) -> Value {
    let staff = world.staff(&["promotions:write"]);
    let mut coupon =
        json!({"code": code, "rule": {"effect": {"kind": "percent", "basis_points": 1000}}});
    for (pointer, value) in change.as_object().expect("changes") {
        match pointer.as_str() {
            "max_uses" => coupon["max_uses"] = value.clone(),
            field => coupon["rule"][field] = value.clone(),
        }
    }
    world
        .send(
            Method::POST,
            "/v1/coupons",
            &[("authorization", &staff)],
            Some(&coupon),
        )
        .await
        .expect(StatusCode::CREATED)
        .json()
}

#[tokio::test]
async fn what_a_coupon_takes_off_is_on_the_order_to_the_cent() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 333, 100).await;
    world.stocked("pan", "household", 1001, 100).await;
    let euros = |amount: i64| json!({"amount": amount, "currency": "EUR"});
    make(&world, "TEN", &json!({})).await;
    make(
        &world,
        "FIVE",
        &json!({"effect": {"kind": "amount", "amount": euros(500)}, "categories": ["household"]}),
    )
    .await;
    make(
        &world,
        "SHIP",
        &json!({"effect": {"kind": "free_shipping"}, "min_subtotal": euros(1000)}),
    )
    .await;
    for (code, discounts, shipping, total) in [
        ("ten", [100, 100], 490, 1800 + 490),
        ("five", [0, 500], 490, 1500 + 490),
        ("Ship", [0, 0], 0, 2000),
    ] {
        let buyer = world.guest_with(&[("tea", 3), ("pan", 1)], Some(code));
        let order = world.placed_by(&buyer).await.json;
        let lines = [
            &order["lines"][0]["discount"]["amount"],
            &order["lines"][1]["discount"]["amount"],
        ];
        assert_eq!(
            lines,
            [&json!(discounts[0]), &json!(discounts[1])],
            "{code}"
        );
        assert_eq!(
            order["totals"]["shipping_total"]["amount"], shipping,
            "{code}"
        );
        assert_eq!(order["totals"]["total"]["amount"], total, "{code}");
        assert_eq!(order["coupon"], code.to_uppercase());
    }
    let poor = world.guest_with(&[("tea", 3)], Some("ship"));
    let refused = world
        .place(&poor, "key", &World::wish(&poor))
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(
        (refused.problem(), refused.fields()),
        ("coupon-not-usable".to_owned(), vec!["coupon".to_owned()])
    );
}

#[tokio::test]
async fn one_person_uses_a_coupon_as_often_as_it_may() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, 100).await;
    make(&world, "MINE", &json!({"max_uses_per_person": 1})).await;
    let first = world.guest_with(&[("tea", 1)], Some("mine"));
    let order = world.placed_by(&first).await;
    let mut again = world.guest_with(&[("tea", 1)], Some("mine"));
    again.email = first.email.to_uppercase();
    let refused = world
        .place(&again, "key", &World::wish(&again))
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(refused.problem(), "coupon-not-usable");
    let other = world.guest_with(&[("tea", 1)], Some("mine"));
    world.placed_by(&other).await;
    // An order that comes to nothing gives its use back.
    world
        .act(&order, "cancel", None)
        .await
        .expect(StatusCode::OK);
    world.placed_by(&again).await;
    // The same account is the same person, whatever e-mail it gives.
    let member = world.person(&world.clock.uuid().to_string(), &[]);
    for (key, status) in [("a", StatusCode::CREATED), ("b", StatusCode::CONFLICT)] {
        let buyer = world.guest_with(&[("tea", 1)], Some("mine"));
        let headers = [("authorization", member.as_str()), ("idempotency-key", key)];
        world
            .send(
                Method::POST,
                "/v1/orders",
                &headers,
                Some(&World::wish(&buyer)),
            )
            .await
            .expect(status);
    }
}

#[tokio::test]
async fn an_expired_order_gives_its_coupon_to_the_next_and_is_paid_back_if_paid() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 1000, 100).await;
    make(&world, "ONCE", &json!({"max_uses": 1})).await;
    let late = world
        .placed_by(&world.guest_with(&[("tea", 1)], Some("once")))
        .await;
    world.expire().await;
    let next = world
        .placed_by(&world.guest_with(&[("tea", 1)], Some("once")))
        .await;
    world.pay(&late).await;
    assert_eq!(
        world.read(&late).await["status"],
        "expired",
        "the coupon at whose price it was sold belongs to another"
    );
    world.pay(&next).await;
    assert_eq!(world.refund_all().await, 1);
    assert_eq!(world.level("tea").await, (99, 0));
    world.ledger().await;
}

#[tokio::test]
async fn staff_write_coupons_and_see_each_others_changes() {
    let world = World::new().await;
    let staff = world.staff(&["promotions:write"]);
    let made = make(&world, "spring-10", &json!({"max_uses": 3})).await;
    assert_eq!(
        (
            made["code"].as_str(),
            made["uses"].as_i64(),
            made["max_uses"].as_i64()
        ),
        (Some("SPRING-10"), Some(0), Some(3))
    );
    let taken = world
        .send(
            Method::POST,
            "/v1/coupons",
            &[("authorization", &staff)],
            Some(&json!({"code": "Spring-10", "rule": made["rule"]})),
        )
        .await;
    assert_eq!(taken.expect(StatusCode::CONFLICT).fields(), ["code"]);
    let wrong = json!({"code": "x y", "rule": {"effect": {"kind": "percent", "basis_points": 0}}});
    let wrong = world
        .send(
            Method::POST,
            "/v1/coupons",
            &[("authorization", &staff)],
            Some(&wrong),
        )
        .await;
    assert_eq!(
        wrong.expect(StatusCode::BAD_REQUEST).fields(),
        ["rule.effect.basis_points"]
    );
    let mut change = json!({"rule": made["rule"], "max_uses": 3});
    change["rule"]["active"] = json!(false);
    let put = async |tag: &str| {
        world
            .send(
                Method::PUT,
                "/v1/coupons/spring-10",
                &[("authorization", &staff), ("if-match", tag)],
                Some(&change),
            )
            .await
    };
    let changed = put("\"1\"").await.expect(StatusCode::OK);
    assert_eq!(changed.headers["etag"], "\"2\"");
    put("\"1\"").await.expect(StatusCode::PRECONDITION_FAILED);
    world
        .send(
            Method::PUT,
            "/v1/coupons/spring-10",
            &[("authorization", &staff)],
            Some(&change),
        )
        .await
        .expect(StatusCode::PRECONDITION_REQUIRED);
    make(&world, "AUTUMN", &json!({})).await;
    let page = world
        .send(
            Method::GET,
            "/v1/coupons?limit=1",
            &[("authorization", &staff)],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(page["items"][0]["code"], "AUTUMN");
    let rest = world
        .send(
            Method::GET,
            &format!(
                "/v1/coupons?cursor={}",
                page["next_cursor"].as_str().expect("more")
            ),
            &[("authorization", &staff)],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(rest["items"][0]["rule"]["active"], false);
    let other = world.staff(&["stock:write"]);
    world
        .send(
            Method::GET,
            "/v1/coupons",
            &[("authorization", &other)],
            None,
        )
        .await
        .expect(StatusCode::FORBIDDEN);
    world
        .send(
            Method::GET,
            "/v1/coupons/none",
            &[("authorization", &staff)],
            None,
        )
        .await
        .expect(StatusCode::NOT_FOUND);
}
