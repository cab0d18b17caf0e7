//! Beginning, reading and listing payments.

use std::time::Duration;

use futures::future::join_all;
use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::world::{World, request, send, start, text};

#[tokio::test]
async fn lists_what_the_shop_offers_for_a_currency() {
    let world = World::new().await;
    let offered = async |query: &str| -> Vec<String> {
        let answer = world
            .get(&format!("/v1/payment-methods?{query}"), &[])
            .await;
        let methods = answer.expect(StatusCode::OK).json();
        let names = methods.as_array().expect("a list").iter();
        names.map(|method| text(&method["provider"])).collect()
    };
    assert_eq!(
        offered("currency=EUR&country=FR").await,
        ["stripe", "paypal", "test"]
    );
    // PayPal takes no decimals of this currency.
    assert_eq!(offered("currency=HUF").await, ["stripe", "test"]);
    let methods = world
        .get("/v1/payment-methods?currency=EUR", &[])
        .await
        .json();
    assert_eq!(methods[0]["public_key"], "pk_test_fake");
    assert!(methods[1].get("public_key").is_none());
    for (query, field) in [
        ("currency=euro", "currency"),
        ("currency=EUR&country=France", "country"),
    ] {
        let answer = world
            .get(&format!("/v1/payment-methods?{query}"), &[])
            .await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), [field]);
    }
}

#[tokio::test]
async fn the_same_request_finds_its_payment() {
    let world = World::new().await;
    let order = world.order();
    let first = world
        .start(&order, "stripe", "k1")
        .await
        .expect(StatusCode::CREATED);
    let path = format!("/v1/payments/{}", text(&first.json()["id"]));
    assert_eq!(first.headers["location"], path.as_str());
    assert_eq!(first.headers["cache-control"], "no-store");
    let again = world
        .start(&order, "stripe", "k1")
        .await
        .expect(StatusCode::CREATED);
    assert_eq!(first.json(), again.json());
    assert_eq!(world.stripe.intents().len(), 1);

    let other = world
        .start(&order, "paypal", "k1")
        .await
        .expect(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(other.problem(), "/problems/idempotency-key-reused");
    // Another shopper's key of the same name is another key.
    let stranger = world.order();
    let other = world
        .start(&stranger, "stripe", "k1")
        .await
        .expect(StatusCode::CREATED);
    assert_ne!(other.json()["id"], first.json()["id"]);
    // Orders need not be asked again.
    world.orders.line.set_down(true);
    world
        .start(&order, "stripe", "k1")
        .await
        .expect(StatusCode::CREATED);
}

#[tokio::test]
async fn the_same_request_twenty_times_at_once_makes_one_payment() {
    let world = World::new().await;
    for provider in ["test", "stripe", "paypal"] {
        let order = world.order();
        let requests = (0..20).map(|_| send(world.router(), start(&order, provider, provider)));
        let answers = join_all(requests).await;
        let mut ids: Vec<String> = Vec::new();
        for answer in answers {
            ids.push(text(&answer.expect(StatusCode::CREATED).json()["id"]));
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "{provider}");
    }
    assert_eq!(world.stripe.intents().len(), 1);
    assert_eq!(world.paypal.order_ids().len(), 1);
}

#[tokio::test]
async fn refuses_what_can_not_be_paid_and_names_the_field() {
    let world = World::new().await;
    let order = world.order();
    let token = ("order-token", order.token.as_str());
    let body = |changes: Value| {
        let mut body = json!({"order_id": order.id, "provider": "test", "return_url": "/en/"});
        for (field, value) in changes.as_object().expect("fields") {
            body[field] = value.clone();
        }
        body
    };
    for (headers, changes, status, field) in [
        (
            vec![token],
            json!({}),
            StatusCode::BAD_REQUEST,
            "Idempotency-Key",
        ),
        (
            vec![token, ("idempotency-key", "a b")],
            json!({}),
            StatusCode::BAD_REQUEST,
            "Idempotency-Key",
        ),
        (
            vec![token, ("idempotency-key", "1")],
            json!({"provider": "cash"}),
            StatusCode::BAD_REQUEST,
            "provider",
        ),
        (
            vec![token, ("idempotency-key", "2")],
            json!({"return_url": "https://evil.example"}),
            StatusCode::BAD_REQUEST,
            "return_url",
        ),
        (
            vec![token, ("idempotency-key", "3")],
            json!({"amount": 1}),
            StatusCode::BAD_REQUEST,
            "amount",
        ),
        (
            vec![token, ("idempotency-key", "4")],
            json!({"order_id": world.clock.uuid()}),
            StatusCode::NOT_FOUND,
            "order_id",
        ),
        (
            vec![("order-token", "another's"), ("idempotency-key", "5")],
            json!({}),
            StatusCode::NOT_FOUND,
            "order_id",
        ),
        (
            vec![("idempotency-key", "6")],
            json!({}),
            StatusCode::NOT_FOUND,
            "order_id",
        ),
    ] {
        let answer = world
            .post("/v1/payments", &headers, Some(&body(changes.clone())))
            .await;
        assert_eq!(answer.expect(status).fields(), [field], "{changes}");
    }
    let confirmed = world.order_of("ann@example.org", |payable| {
        payable["state"] = json!("confirmed");
    });
    let free = world.order_of("ann@example.org", |payable| {
        payable["amount"]["amount"] = json!(0);
    });
    let over = world.order_of("ann@example.org", |payable| {
        payable["expires_at"] = json!(world.clock.now());
    });
    for order in [confirmed, free, over] {
        let answer = world
            .start(&order, "test", "1")
            .await
            .expect(StatusCode::CONFLICT);
        assert_eq!(answer.problem(), "/problems/order-not-payable");
    }
    let forints = world.order_of("ann@example.org", |payable| {
        payable["amount"]["currency"] = json!("HUF");
    });
    let answer = world
        .start(&forints, "paypal", "1")
        .await
        .expect(StatusCode::BAD_REQUEST);
    assert_eq!(answer.fields(), ["provider"]);

    world.orders.line.set_down(true);
    let answer = world
        .start(&order, "test", "7")
        .await
        .expect(StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.headers.contains_key("retry-after"));
}

#[tokio::test]
async fn a_paid_order_takes_no_second_payment() {
    let world = World::new().await;
    let order = world.order();
    let payment = world.started(&order, "test").await;
    let path = format!("/v1/test-provider/{}", text(&payment["id"]));
    world
        .post(&path, &[], Some(&json!({"outcome": "succeed"})))
        .await
        .expect(StatusCode::OK);
    let answer = world
        .start(&order, "stripe", "2")
        .await
        .expect(StatusCode::CONFLICT);
    assert_eq!(answer.problem(), "/problems/already-paid");
}

#[tokio::test]
async fn what_is_anothers_is_not_there() {
    let world = World::new().await;
    let mut order = world.order();
    let ann = "0193f7d0-0000-7000-8000-00000000000a";
    let (anns, bens) = (
        world.token(ann, &[]),
        world.token("0193f7d0-0000-7000-8000-00000000000b", &[]),
    );
    order.bearer = Some(anns.clone());
    world.orders.put(order.clone());
    let (anns, bens) = (format!("Bearer {anns}"), format!("Bearer {bens}"));
    let body = json!({"order_id": order.id, "provider": "test", "return_url": "/en/"});
    let payment = world
        .post(
            "/v1/payments",
            &[("authorization", &anns), ("idempotency-key", "1")],
            Some(&body),
        )
        .await
        .expect(StatusCode::CREATED)
        .json();
    let stranger = world.order();

    let document = serde_json::to_value(amazoff_payment::openapi()).expect("JSON");
    let paths = document["paths"].as_object().expect("paths");
    let mut tried = 0;
    for (path, methods) in paths.iter().filter(|(path, _)| path.contains('{')) {
        let id = text(&payment["id"]);
        let path = path.replace("{id}", &id).replace("{payment_id}", &id);
        assert!(!path.contains('{'), "{path}: name the parameter id");
        for method in methods.as_object().expect("methods").keys() {
            let method: Method = method.to_uppercase().parse().expect("a method");
            let body = (method == Method::POST).then(|| json!({}));
            for headers in [
                vec![("authorization", bens.as_str())],
                vec![("order-token", stranger.token.as_str())],
            ] {
                let answer = world
                    .send(request(method.clone(), &path, &headers, body.as_ref()))
                    .await;
                // What only staff may do is refused before anything is looked up.
                let for_staff = path.ends_with("/problem") || path.contains("/dead-letters/");
                let expected = match headers[0].0 {
                    "authorization" if for_staff => StatusCode::FORBIDDEN,
                    _ if for_staff => StatusCode::UNAUTHORIZED,
                    _ => StatusCode::NOT_FOUND,
                };
                assert_eq!(answer.status, expected, "{method} {path} {:?}", answer.body);
                tried += 1;
            }
        }
    }
    assert!(tried >= 12, "{tried} ways were tried");

    let path = format!("/v1/payments/{}", text(&payment["id"]));
    world
        .get(&path, &[("authorization", &anns)])
        .await
        .expect(StatusCode::OK);
    // A proof that came later is judged by orders.
    world
        .get(&path, &[("order-token", &order.token)])
        .await
        .expect(StatusCode::OK);
    let staff = format!("Bearer {}", world.token("staff", &["payments:read"]));
    world
        .get(&path, &[("authorization", &staff)])
        .await
        .expect(StatusCode::OK);
    world.get(&path, &[]).await.expect(StatusCode::NOT_FOUND);
    world
        .get("/v1/payments/1", &[])
        .await
        .expect(StatusCode::NOT_FOUND);
    world
        .get(&path, &[("authorization", "Bearer x")])
        .await
        .expect(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn staff_see_payments_page_by_page() {
    let world = World::new().await;
    let order = world.order();
    for _ in 0..3 {
        world.clock.advance(Duration::from_millis(1));
        world.started(&order, "test").await;
    }
    let shopper = format!("Bearer {}", world.token("ann", &[]));
    world
        .get("/v1/payments", &[])
        .await
        .expect(StatusCode::UNAUTHORIZED);
    world
        .get("/v1/payments", &[("authorization", &shopper)])
        .await
        .expect(StatusCode::FORBIDDEN);

    let all = world.staff("").await;
    assert_eq!(all.len(), 3);
    assert!(
        all.iter().all(|payment| payment["action"].is_null()),
        "staff can't pay"
    );
    assert!(
        text(&all[0]["id"]) > text(&all[2]["id"]),
        "the newest first"
    );
    let bearer = format!("Bearer {}", world.token("staff", &["payments:read"]));
    let page = world
        .get("/v1/payments?limit=2", &[("authorization", &bearer)])
        .await
        .json();
    let cursor = text(&page["next_cursor"]);
    let rest = world
        .get(
            &format!("/v1/payments?limit=2&cursor={cursor}"),
            &[("authorization", &bearer)],
        )
        .await
        .json();
    assert_eq!(rest["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(rest["next_cursor"], Value::Null);
    assert_eq!(world.staff("state=action_required").await.len(), 3);
    assert_eq!(world.staff("state=captured").await.len(), 0);
    assert_eq!(world.staff("problem=true").await.len(), 0);
    assert_eq!(
        world.staff(&format!("order_id={}", order.id)).await.len(),
        3
    );
    assert_eq!(
        world
            .staff(&format!("order_id={}", world.clock.uuid()))
            .await
            .len(),
        0
    );
    for (query, field) in [
        ("limit=0", "limit"),
        ("cursor=x", "cursor"),
        ("state=x", "state"),
        ("order_id=x", "order_id"),
    ] {
        let answer = world
            .get(
                &format!("/v1/payments?{query}"),
                &[("authorization", &bearer)],
            )
            .await;
        assert_eq!(answer.expect(StatusCode::BAD_REQUEST).fields(), [field]);
    }
}

#[tokio::test]
async fn beginning_anew_calls_off_what_was_begun_before() {
    let world = World::new().await;
    let order = world.order();
    let card = world.started(&order, "stripe").await;
    world.clock.advance(Duration::from_millis(1));
    let other = world.started(&order, "paypal").await;
    world.sweep().await;
    let card = world.read(&order, &card).await;
    assert_eq!(
        (&card["state"], &card["action"]),
        (&json!("canceled"), &Value::Null)
    );
    assert_eq!(
        world.stripe.intent(&world.stripe.intents()[0])["status"],
        "canceled"
    );
    assert_eq!(world.read(&order, &other).await["state"], "action_required");
    // And what is called off is never taken, though the shopper agrees to it after all.
    world.clock.advance(Duration::from_millis(1));
    world.started(&order, "test").await;
    world.sweep().await;
    world.paypal.approve(&world.paypal.order_ids()[0]);
    world.sync(&order, &other).await.expect(StatusCode::OK);
    world.sweep_after(Duration::from_mins(1)).await;
    assert_eq!(world.read(&order, &other).await["state"], "canceled");
    assert_eq!(world.paypal.captures(), 0);
    assert!(
        world.told_of(order.id).await.is_empty(),
        "the shopper knows"
    );
}

#[tokio::test]
async fn what_is_not_paid_in_time_is_called_off() {
    let world = World::new().await;
    let (order, other) = (world.order(), world.order());
    let card = world.started(&order, "stripe").await;
    let paypal = world.started(&other, "paypal").await;
    world.sweep_after(Duration::from_secs(1801)).await;
    assert_eq!(world.read(&order, &card).await["state"], "expired");
    assert_eq!(world.read(&other, &paypal).await["state"], "expired");
    assert_eq!(
        world.stripe.intent(&world.stripe.intents()[0])["status"],
        "canceled"
    );
}
