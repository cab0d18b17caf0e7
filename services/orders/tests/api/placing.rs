//! Placing an order, reading it, finding it again.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::World;

#[tokio::test]
async fn an_order_costs_what_the_catalog_says_and_holds_its_stock() {
    let world = World::new().await;
    world.stocked("milk", "dairy/milk", 1055, 10).await;
    world.stocked("pan", "household", 1200, 10).await;
    let buyer = world.guest(&[("milk", 2), ("pan", 1), ("milk", 1)]);
    let answer = world
        .place(&buyer, "key", &World::wish(&buyer))
        .await
        .expect(StatusCode::CREATED);
    let order = answer.json();
    let token = answer.headers["order-token"]
        .to_str()
        .expect("text")
        .to_owned();
    assert_eq!(order["access_token"], token);
    assert_eq!(
        answer.headers["location"],
        format!("/v1/orders/{}", order["id"].as_str().expect("an id"))
    );
    assert_eq!(order["status"], "awaiting_payment");
    assert_eq!(
        order["states"],
        json!({"order": "placed", "payment": "awaiting", "fulfillment": "unfulfilled", "return": "none"})
    );
    let money = |amount: i64| json!({"amount": amount, "currency": "EUR"});
    // 3 × 10.55 at 5.5 %, 12.00 at 20 %, 4.90 for shipping at 20 %, taxes included.
    let expected = json!({"subtotal": money(4365), "discount_total": money(0), "shipping_total": money(490), "tax_total": money(110 + 55 + 200 + 82), "total": money(4855), "tax_included": true});
    assert_eq!(order["totals"], expected);
    assert_eq!(
        order["lines"][0]["name"],
        json!({"en": "The milk", "fr": "Le milk"})
    );
    assert_eq!(order["lines"][0]["tax_rate"], 550);
    assert_eq!(order["email"], buyer.email);
    assert_eq!(order["addresses"]["billing"]["city"], "Lyon");
    assert_eq!(order["history"][0]["what"], "placed");
    assert_eq!(order["expires_at"], "2026-11-02T09:30:00Z");
    assert_eq!(world.level("milk").await, (10, 3));
    assert_eq!(world.level("pan").await, (10, 1));

    let read = world
        .send(
            Method::GET,
            &format!("/v1/orders/{}", order["id"].as_str().expect("an id")),
            &[("order-token", &token)],
            None,
        )
        .await
        .expect(StatusCode::OK);
    let mut without_token = order.clone();
    without_token
        .as_object_mut()
        .expect("an object")
        .remove("access_token");
    assert_eq!(read.json(), without_token);
    world.deliver().await;
    assert_eq!(
        world.cart.events()[0].data,
        json!({"order_id": order["id"], "cart_id": buyer.cart, "cart_revision": 7})
    );
    assert_eq!(world.notifications.events().len(), 0);
    world.ledger().await;
}

#[tokio::test]
async fn names_each_field_that_is_wrong() {
    let world = World::new().await;
    let buyer = world.guest(&[("milk", 1)]);
    for (pointer, value, field) in [
        ("/email", json!("nobody"), "email"),
        ("/email", Value::Null, "email"),
        ("/locale", json!("de"), "locale"),
        (
            "/shipping_address/name",
            json!(" "),
            "shipping_address.name",
        ),
        (
            "/shipping_address/country",
            json!("France"),
            "shipping_address.country",
        ),
        (
            "/billing_address",
            json!({"name": "a", "line1": "", "postal_code": "1", "city": "b", "country": "FR"}),
            "billing_address.line1",
        ),
        ("/total", json!(1), "total"),
    ] {
        let mut wish = World::wish(&buyer);
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        wish.pointer_mut(parent).expect("there")[name] = value.clone();
        let answer = world
            .place(&buyer, "key", &wish)
            .await
            .expect(StatusCode::BAD_REQUEST);
        assert_eq!(answer.fields(), [field], "{pointer} {value}");
    }
    let answer = world
        .send(
            Method::POST,
            "/v1/orders",
            &[("cart-token", &buyer.token)],
            Some(&World::wish(&buyer)),
        )
        .await;
    assert_eq!(
        answer.expect(StatusCode::BAD_REQUEST).fields(),
        ["Idempotency-Key"]
    );
}

#[tokio::test]
async fn nothing_is_ordered_that_the_shopper_did_not_see() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 500, 2).await;
    let place = async |lines: &[(&str, u32)], coupon: Option<&str>, change: Value| {
        let buyer = world.guest_with(lines, coupon);
        let mut wish = World::wish(&buyer);
        for (field, value) in change.as_object().expect("fields") {
            wish[field] = value.clone();
        }
        world.place(&buyer, &buyer.token, &wish).await
    };
    let wrong_total = json!({"expected_total": {"amount": 1, "currency": "EUR"}});
    let mut abroad = World::wish(&world.guest(&[]))["shipping_address"].clone();
    abroad["country"] = json!("AQ");
    for (lines, coupon, change, kind, fields) in [
        (
            &[("tea", 3)][..],
            None,
            json!({}),
            "out-of-stock",
            vec!["tea"],
        ),
        (
            &[("tea", 1), ("tea", 2)],
            None,
            json!({}),
            "out-of-stock",
            vec!["tea"],
        ),
        (&[], None, json!({}), "cart-empty", vec![]),
        (
            &[("gone", 1)],
            None,
            json!({}),
            "not-for-sale",
            vec!["gone"],
        ),
        (
            &[("tea", 1)],
            None,
            wrong_total,
            "total-changed",
            vec!["expected_total"],
        ),
        (
            &[("tea", 1)],
            Some("NONE"),
            json!({}),
            "coupon-not-usable",
            vec!["coupon"],
        ),
        (
            &[("tea", 1)],
            None,
            json!({"shipping_address": abroad}),
            "no-delivery",
            vec!["country"],
        ),
    ] {
        let answer = place(lines, coupon, change.clone())
            .await
            .expect(StatusCode::CONFLICT);
        assert_eq!(
            (answer.problem().as_str(), answer.fields()),
            (kind, fields.into_iter().map(str::to_owned).collect()),
            "{lines:?} {coupon:?} {change}"
        );
    }
    let answer = place(&[("tea", 1)], None, json!({"shipping_method": "drone"}))
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.fields(), ["shipping_method"]);
    assert_eq!(world.level("tea").await, (2, 0), "refusals hold nothing");
    let seen = json!({"expected_total": {"amount": 990, "currency": "EUR"}});
    place(&[("tea", 1)], None, seen)
        .await
        .expect(StatusCode::CREATED);
    world.ledger().await;
}

#[tokio::test]
async fn a_quote_says_what_the_order_will() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 500, 2).await;
    let buyer = world.guest_with(&[("tea", 3)], Some("none"));
    let body = json!({"cart": {"id": buyer.cart}, "country": "FR", "shipping_method": "standard"});
    let quote = world
        .send(
            Method::POST,
            "/v1/quotes",
            &[("cart-token", &buyer.token)],
            Some(&body),
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(quote["totals"]["total"]["amount"], 1990);
    assert_eq!(
        quote["coupon"],
        json!({"code": "none", "usable": false, "reason": "unknown"})
    );
    assert_eq!(quote["out_of_stock"], json!([{"sku": "tea", "left": 2}]));
    let stranger = world
        .send(
            Method::POST,
            "/v1/quotes",
            &[("cart-token", "other")],
            Some(&body),
        )
        .await;
    assert_eq!(
        stranger.expect(StatusCode::NOT_FOUND).problem(),
        "cart-not-found"
    );

    let methods = world
        .send(
            Method::GET,
            "/v1/shipping-methods?country=FR&currency=EUR",
            &[],
            None,
        )
        .await
        .expect(StatusCode::OK)
        .json();
    assert_eq!(
        methods["items"][0],
        json!({"id": "standard", "name": {"en": "Standard delivery", "fr": "Livraison standard"}, "days": [2, 4], "price": {"amount": 490, "currency": "EUR"}, "free_from": {"amount": 5000, "currency": "EUR"}})
    );
}

#[tokio::test]
async fn a_cart_is_ordered_once_unless_the_order_comes_to_nothing() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 500, 5).await;
    let buyer = world.guest(&[("tea", 1)]);
    let first = world.placed_by(&buyer).await;
    let again = world
        .place(&buyer, "another-key", &World::wish(&buyer))
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(again.problem(), "cart-ordered");
    assert!(
        again.json()["detail"]
            .as_str()
            .expect("a sentence")
            .contains(&first.id.to_string())
    );
    world
        .act(&first, "cancel", None)
        .await
        .expect(StatusCode::OK);
    world
        .place(&buyer, "another-key", &World::wish(&buyer))
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(world.level("tea").await, (5, 1));
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 500, 5).await;
    let buyer = world.guest(&[("tea", 1)]);
    let wish = World::wish(&buyer);
    let first = world
        .place(&buyer, "key", &wish)
        .await
        .expect(StatusCode::CREATED);
    // The cart is empty by now, and nobody asks it.
    let other = world.guest(&[]);
    let again = world
        .place(&buyer, "key", &wish)
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(again.json(), first.json());
    assert_eq!(again.headers["order-token"], first.headers["order-token"]);
    let mut changed = wish.clone();
    changed["locale"] = json!("en");
    world
        .place(&buyer, "key", &changed)
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    // Whoever guesses the key gets nothing without the cart's token.
    let thief = crate::world::Buyer {
        token: other.token,
        ..buyer.clone()
    };
    world
        .place(&thief, "key", &wish)
        .await
        .expect(StatusCode::NOT_FOUND);
    // A refusal does not use the key up.
    let poor = world.guest(&[("tea", 9)]);
    world
        .place(&poor, "k2", &World::wish(&poor))
        .await
        .expect(StatusCode::CONFLICT);
    world
        .move_stock("tea", 10)
        .await
        .expect(StatusCode::CREATED);
    world
        .place(&poor, "k2", &World::wish(&poor))
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test]
async fn an_account_has_its_orders_and_its_own_email() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 500, 50).await;
    let id = world.clock.uuid().to_string();
    let member = world.person(&id, &[]);
    let mut orders = Vec::new();
    for key in ["a", "b", "c"] {
        let buyer = world.guest(&[("tea", 1)]);
        let mut wish = World::wish(&buyer);
        wish.as_object_mut().expect("fields").remove("email");
        let headers = [("authorization", member.as_str()), ("idempotency-key", key)];
        let answer = world
            .send(Method::POST, "/v1/orders", &headers, Some(&wish))
            .await
            .expect(StatusCode::CREATED);
        assert!(!answer.headers.contains_key("order-token"));
        assert_eq!(answer.json()["email"], "member@example.fr");
        orders.push(answer.json()["id"].clone());
    }
    let list = async |path: &str, token: &str| {
        world
            .send(Method::GET, path, &[("authorization", token)], None)
            .await
            .expect(StatusCode::OK)
            .json()
    };
    let page = list("/v1/me/orders?limit=2", &member).await;
    assert_eq!(
        [&page["items"][0]["id"], &page["items"][1]["id"]],
        [&orders[2], &orders[1]]
    );
    let cursor = page["next_cursor"].as_str().expect("more");
    let rest = list(&format!("/v1/me/orders?limit=2&cursor={cursor}"), &member).await;
    assert_eq!(
        (
            rest["items"][0]["id"].clone(),
            rest["items"].as_array().expect("items").len()
        ),
        (orders[0].clone(), 1)
    );
    assert_eq!(rest["next_cursor"], Value::Null);
    let other = world.person(&world.clock.uuid().to_string(), &[]);
    assert_eq!(list("/v1/me/orders", &other).await["items"], json!([]));

    let staff = world.staff(&["orders:read"]);
    assert_eq!(
        list("/v1/orders?status=awaiting_payment", &staff).await["items"]
            .as_array()
            .expect("items")
            .len(),
        3
    );
    assert_eq!(
        list("/v1/orders?status=confirmed", &staff).await["items"],
        json!([])
    );
    assert_eq!(
        list("/v1/orders?q=Member@Example.fr", &staff).await["items"]
            .as_array()
            .expect("items")
            .len(),
        3
    );
    let number = page["items"][0]["number"]
        .as_str()
        .expect("a number")
        .to_lowercase();
    assert_eq!(
        list(&format!("/v1/orders?q={number}"), &staff).await["items"][0]["id"],
        orders[2]
    );
    world
        .send(
            Method::GET,
            "/v1/orders?q=tea",
            &[("authorization", &staff)],
            None,
        )
        .await
        .expect(StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_guest_finds_an_order_by_number_and_email() {
    let world = World::new().await;
    world.stocked("tea", "pantry", 500, 5).await;
    let order = world.placed(&[("tea", 1)]).await;
    let number = order.json["number"]
        .as_str()
        .expect("a number")
        .to_lowercase()
        .replace('-', " ");
    let look = async |number: &str, email: &str| {
        world
            .send(
                Method::POST,
                "/v1/order-lookups",
                &[],
                Some(&json!({"number": number, "email": email})),
            )
            .await
    };
    let email = order.json["email"]
        .as_str()
        .expect("an e-mail")
        .to_uppercase();
    let found = look(&number, &email).await.expect(StatusCode::OK).json();
    assert_eq!(
        found,
        json!({"order_id": order.id, "access_token": order.token})
    );
    let wrong_email = look(&number, "other@example.fr")
        .await
        .expect(StatusCode::NOT_FOUND);
    let wrong_number = look("06ADZ-89NPD", &email)
        .await
        .expect(StatusCode::NOT_FOUND);
    assert_eq!(
        wrong_email.body, wrong_number.body,
        "nobody learns which of the two was wrong"
    );
    assert_eq!(
        look("06ADZ-89NPE", &email)
            .await
            .expect(StatusCode::BAD_REQUEST)
            .fields(),
        ["number"]
    );
    for _ in 0..9 {
        look(&number, "other@example.fr")
            .await
            .expect(StatusCode::NOT_FOUND);
    }
    let refused = look(&number, &email)
        .await
        .expect(StatusCode::TOO_MANY_REQUESTS);
    assert!(refused.headers.contains_key("retry-after"));
    world.clock.advance(std::time::Duration::from_mins(11));
    look(&number, &email).await.expect(StatusCode::OK);
}
