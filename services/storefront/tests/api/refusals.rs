//! What must not happen: forms of other sites, totals that moved, things that are gone, services that are away.

use crate::{browser::DETAILS, neighbors::EMAIL, trade::Trade};
use http::{Method, StatusCode, header};

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.take_tea("1").await;
    ada.log_in().await;
    let before = trade.neighbors.known().changes.len();
    for path in [
        "/en/cart/lines",
        "/en/cart/quantity",
        "/en/cart/coupon",
        "/en/checkout/address",
        "/en/checkout/delivery",
        "/en/checkout/saved-address",
        "/en/checkout/order",
        "/en/orders/track",
        "/en/orders/0190bbbb-0000-7000-8000-000000000001/pay",
        "/en/orders/0190bbbb-0000-7000-8000-000000000001/cancel",
        "/en/orders/0190bbbb-0000-7000-8000-000000000001/return",
        "/en/orders/0190bbbb-0000-7000-8000-000000000001/withdrawal",
        "/en/account/login",
        "/en/account/logout",
        "/en/account/register",
        "/en/account/verify",
        "/en/account/forgot",
        "/en/account/reset",
        "/en/account/addresses/new",
        "/en/account/addresses/1/remove",
        "/en/account/profile",
        "/en/account/password",
        "/en/account/sessions/end",
        "/en/account/export",
        "/en/account/delete",
    ] {
        let body = "sku=1-small&quantity=2&email=eve%40example.com&password=evil+words+of+eve";
        for headers in [
            &[
                ("sec-fetch-site", "cross-site"),
                ("origin", "https://evil.example"),
            ][..],
            &[("origin", "https://evil.example")],
            &[
                ("sec-fetch-site", "same-site"),
                ("origin", "https://blog.example"),
            ],
            &[("origin", "null")],
        ] {
            let answer = ada
                .request(Method::POST, path, Some(body.to_owned()), headers)
                .await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path} {headers:?}");
            assert!(answer.text().contains("This form is out of date"), "{path}");
        }
        // From our own origin, but without the token of this browser: only a page that is the same for everyone may.
        if path != "/en/cart/lines" {
            let ours = [("sec-fetch-site", "same-origin")];
            let with_token = format!("{body}&token=AAAAAAAAAAAAAAAAAAAAAAAA");
            for body in [body, &with_token] {
                let answer = ada
                    .request(Method::POST, path, Some(body.to_owned()), &ours)
                    .await;
                assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
            }
        }
    }
    assert_eq!(trade.neighbors.known().changes.len(), before);
}

#[tokio::test]
async fn a_token_is_good_in_its_own_browser_only() {
    let trade = Trade::new().await;
    let (mut ada, mut eve) = (trade.browser(), trade.browser());
    ada.take_tea("1").await;
    eve.take_tea("1").await;
    let page = eve.open("/en/cart").await;
    let answer = ada.send(&page, "/en/cart/quantity", &[("set", "9")]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert_eq!(
        eve.send(&page, "/en/cart/quantity", &[("set", "9")])
            .await
            .status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn a_browser_that_does_not_say_where_a_form_is_from_is_asked() {
    let trade = Trade::new().await;
    let mut old = trade.browser();
    let body = Some("sku=1-small&quantity=2".to_owned());
    let page = old.request(Method::POST, "/en/cart/lines", body, &[]).await;
    assert!(page.text().contains("Please confirm that it was you"));
    assert!(trade.neighbors.known().carts.is_empty());
    let page = old.send(&page, "/en/cart/lines", &[]).await;
    assert!(page.text().contains("Added to your cart"));
}

#[tokio::test]
async fn a_total_that_moved_is_shown_before_anything_is_ordered() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let review = guest.reach_review().await;
    trade.neighbors.known().price = 399;
    let page = guest.send(&review, "/en/checkout/order", &[]).await;
    assert!(page.text().contains("The total has changed"));
    assert!(page.text().contains("It was €8.39 and is now €8.89"));
    assert!(page.text().contains("Order and pay €8.89"));
    assert!(trade.neighbors.known().orders.is_empty());
    let cart = guest.open("/en/cart").await;
    assert!(cart.text().contains("It was €3.49 when you chose it"));
    let page = guest.open("/en/checkout?step=review").await;
    guest.send(&page, "/en/checkout/order", &[]).await;
    assert_eq!(trade.neighbors.known().orders.len(), 1);
}

#[tokio::test]
async fn what_is_gone_is_named_and_nothing_is_ordered() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("4").await;
    let review = guest.reach_review().await;
    trade.neighbors.known().left = 2;
    let page = guest.send(&review, "/en/checkout/order", &[]).await;
    assert_eq!(guest.path, "/en/cart?short=1-small");
    assert!(
        page.text()
            .contains("Some things are not in stock in that number")
    );
    assert!(page.text().contains("We don’t have that many"));
    assert!(trade.neighbors.known().orders.is_empty());
    let product = guest.open("/en/p/green-tea-1").await;
    assert!(product.text().contains("Only 2 left"));
    trade.neighbors.known().left = 0;
    let product = guest.open("/fr/p/the-vert-1").await;
    assert!(product.text().contains("Épuisé pour le moment"));
    assert!(!product.text().contains("Ajouter au panier"));
}

#[tokio::test]
async fn a_service_that_is_away_costs_its_part_only() {
    for (away, path, status, said) in [
        ("cart", "/en/p/green-tea-1", StatusCode::OK, "Add to cart"),
        (
            "cart",
            "/en/cart",
            StatusCode::SERVICE_UNAVAILABLE,
            "This counter is closed",
        ),
        ("cart", "/en/header", StatusCode::OK, ""),
        ("orders", "/en/p/green-tea-1", StatusCode::OK, "Add to cart"),
        ("orders", "/en/cart", StatusCode::OK, "Green tea"),
        (
            "orders",
            "/en/checkout",
            StatusCode::SERVICE_UNAVAILABLE,
            "This counter is closed",
        ),
        (
            "orders",
            "/en/orders/track",
            StatusCode::OK,
            "Show the order",
        ),
        (
            "payment",
            "/en/checkout?step=review",
            StatusCode::OK,
            "Paying is not possible for a moment",
        ),
        ("users", "/en/cart", StatusCode::OK, "Green tea"),
        ("users", "/en/checkout", StatusCode::OK, "Order and pay"),
        ("users", "/en/account/login", StatusCode::OK, "Log in"),
    ] {
        let trade = Trade::new().await;
        let mut guest = trade.browser();
        guest.take_tea("1").await;
        guest.reach_review().await;
        trade.neighbors.known().away.insert(away);
        let answer = guest.open(path).await;
        assert_eq!(answer.status, status, "{away} {path}");
        assert!(
            answer.text().contains(said),
            "{away} {path}: {}",
            answer.text()
        );
        if path.contains("/p/") && away == "orders" {
            assert!(!answer.text().contains("In stock"));
            assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
        }
    }
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_not_placed_twice() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let review = guest.reach_review().await;
    trade.neighbors.known().away.insert("orders");
    let answer = guest.send_only(&review, "/en/checkout/order", &[]).await;
    let location = answer.header(header::LOCATION).to_owned();
    assert!(
        location.starts_with("/en/checkout?step=review&problem=later&key="),
        "{location}"
    );
    trade.neighbors.known().away.clear();
    let page = guest.open(&location).await;
    assert!(
        page.text()
            .contains("We couldn’t place your order just now")
    );
    let key = location.rsplit('=').next().expect("a key");
    assert!(
        page.text()
            .contains(&format!("name=\"key\" value=\"{key}\""))
    );
    guest.send(&page, "/en/checkout/order", &[]).await;
    assert_eq!(trade.neighbors.known().orders.len(), 1);
}

#[tokio::test]
async fn a_payment_that_cannot_begin_keeps_the_order() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let review = guest.reach_review().await;
    trade.neighbors.known().away.insert("payment");
    let page = guest.send(&review, "/en/checkout/order", &[]).await;
    assert!(guest.path.ends_with("/pay?problem=later"), "{}", guest.path);
    assert!(page.text().contains("Paying is not possible for a moment"));
    trade.neighbors.known().away.clear();
    let (router, cookies, path) = (
        trade.router.clone(),
        guest.cookies.clone(),
        guest.path.clone(),
    );
    kit::testing::wait_for("payment to be asked again", || {
        let mut again = crate::browser::Browser::new(router.clone());
        again.cookies.clone_from(&cookies);
        let path = path.clone();
        async move {
            again
                .open(&path)
                .await
                .text()
                .contains("Pay €8.39")
                .then_some(())
        }
    })
    .await;
}

#[tokio::test]
async fn another_shoppers_order_does_not_exist() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let review = guest.reach_review().await;
    guest.send(&review, "/en/checkout/order", &[]).await;
    let order = trade
        .neighbors
        .known()
        .orders
        .keys()
        .next()
        .cloned()
        .expect("an order");
    let mut eve = trade.browser();
    eve.log_in().await;
    for rest in [
        "",
        "/pay",
        "/paid",
        "/pay/card",
        "/cancel",
        "/return",
        "/withdrawal",
        "/withdrawal/confirm",
        "/withdrawal/done",
        "/invoice.pdf",
        "/refunds/019ad2a0-0000-7000-8000-000000000001/credit-note.pdf",
    ] {
        let page = eve.open(&format!("/en/orders/{order}{rest}")).await;
        assert_eq!(
            eve.path,
            format!("/en/orders/track?problem=not-yours&order={order}"),
            "{rest}"
        );
        assert!(!page.text().contains("guest@example.com"), "{rest}");
    }
}

#[tokio::test]
async fn no_page_takes_a_card_number() {
    let trade = Trade::new().await;
    trade.neighbors.known().provider = "stripe";
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let review = guest.reach_review().await;
    let page = guest.send(&review, "/en/checkout/order", &[]).await;
    assert!(guest.path.ends_with("/pay/card"), "{}", guest.path);
    let policy = page.header(header::CONTENT_SECURITY_POLICY);
    assert!(
        policy.contains("script-src 'self' https://js.stripe.com;") && !policy.contains("unsafe"),
        "{policy}"
    );
    assert!(
        page.text().contains("https://checkout.stripe.com/c/1"),
        "a way without a script"
    );
    assert!(!page.text().contains("<input id=\"card") && !page.text().contains("cc-number"));
    assert!(page.text().contains("data-secret=\"pi_1_secret_2\""));
    for path in ["/en/cart", "/en/checkout?step=review", "/en/p/green-tea-1"] {
        let other = guest.open(path).await;
        assert!(
            !other
                .header(header::CONTENT_SECURITY_POLICY)
                .contains("script-src 'self' https"),
            "{path}"
        );
        assert!(!other.text().contains("cc-number"), "{path}");
    }
}

#[tokio::test]
async fn nowhere_to_deliver_is_said_before_anything_else() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let page = guest.open("/en/checkout").await;
    let mut typed = DETAILS.to_vec();
    typed[5] = ("country", "US");
    let page = guest.send(&page, "/en/checkout/address", &typed).await;
    assert!(page.text().contains("We don’t deliver to this country yet"));
}

#[tokio::test]
async fn nobody_is_sent_to_another_site_after_logging_in() {
    let trade = Trade::new().await;
    for next in [
        "https://evil.example",
        "//evil.example",
        "/\\evil",
        "orders/../../x",
        "javascript:alert(1)",
    ] {
        let mut ada = trade.browser();
        let page = ada.open("/en/account/login").await;
        let typed = [
            ("email", EMAIL),
            ("password", crate::neighbors::PASSWORD),
            ("next", next),
        ];
        let answer = ada.send_only(&page, "/en/account/login", &typed).await;
        assert_eq!(answer.header(header::LOCATION), "/en/account", "{next}");
    }
}
