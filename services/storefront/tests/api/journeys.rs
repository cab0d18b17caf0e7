//! Whole purchases, without a script: forms, redirects and cookies.

use crate::{
    browser::DETAILS,
    html::{between, unescape},
    neighbors::{EMAIL, REFUND},
    trade::Trade,
};
use http::{Method, StatusCode, header};

#[tokio::test]
async fn a_guest_buys_and_follows_the_order() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    let cart = guest.take_tea("2").await;
    assert_eq!(guest.path, "/en/cart?added=1-small");
    assert!(cart.text().contains("Added to your cart: Green tea."));
    assert!(cart.text().contains("€6.98") && cart.text().contains("€3.49 each"));

    let page = guest.open("/en/checkout").await;
    assert!(page.text().contains("You order as a guest"));
    let page = guest.send(&page, "/en/checkout/address", &DETAILS).await;
    assert!(
        page.text().contains("guest@example.com"),
        "the done step is folded"
    );
    let page = guest
        .send(&page, "/en/checkout/delivery", &[("method", "standard")])
        .await;
    for said in [
        "Order and pay €11.88",
        "€4.90",
        "including €0.80 tax",
        "1 rue de la Paix",
        "Standard delivery",
        "Test payment",
    ] {
        assert!(page.text().contains(said), "{said} before paying");
    }
    assert!(
        !page.text().contains("shells"),
        "no way to pay that nobody knows"
    );

    guest.send(&page, "/en/checkout/order", &[]).await;
    assert!(
        guest.path.starts_with("/v1/test-provider/"),
        "on to the provider: {}",
        guest.path
    );
    let order = trade
        .neighbors
        .known()
        .orders
        .keys()
        .next()
        .cloned()
        .expect("an order");
    let page = guest.open(&format!("/en/orders/{order}/paid")).await;
    assert_eq!(guest.path, format!("/en/orders/{order}?thanks=1"));
    for said in [
        "Thank you, your order is placed and paid",
        "guest@example.com",
        "4K7QH-2MXVP",
        "Confirmed",
        "Create an account",
        "Invoice (PDF)",
    ] {
        assert!(page.text().contains(said), "{said}");
    }
    assert!(
        !guest.cookies.contains_key("__Host-draft"),
        "the checkout is forgotten afterwards"
    );
    assert!(
        guest
            .open("/en/cart")
            .await
            .text()
            .contains("Your cart is empty")
    );

    let page = guest
        .open(&format!("/en/account/register?order={order}"))
        .await;
    assert!(
        page.text().contains("value=\"Grace Hopper\"")
            && page.text().contains("value=\"guest@example.com\"")
    );
    let invoice = guest.open(&format!("/en/orders/{order}/invoice.pdf")).await;
    assert_eq!(invoice.header(header::CONTENT_TYPE), "application/pdf");

    // On another device, by what stands in the mail.
    let mut elsewhere = trade.browser();
    let page = elsewhere.open(&format!("/en/orders/{order}")).await;
    assert_eq!(
        elsewhere.path,
        format!("/en/orders/track?problem=not-yours&order={order}")
    );
    assert!(
        page.text()
            .contains(&format!("/en/account/login?next=orders/{order}")),
        "whoever has an account logs in and comes back"
    );
    let page = elsewhere
        .send(
            &page,
            "/en/orders/track",
            &[("number", "4K7QH-2MXVP"), ("email", "other@example.com")],
        )
        .await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text().contains("value=\"other@example.com\""),
        "nothing typed is lost"
    );
    let page = elsewhere
        .send(&page, "/en/orders/track", &[("email", "guest@example.com")])
        .await;
    assert!(
        page.text().contains("Order 4K7QH-2MXVP"),
        "{}",
        elsewhere.path
    );

    let mut by_link = trade.browser();
    let token = trade.neighbors.known().orders[&order]
        .token
        .clone()
        .expect("a token");
    by_link
        .open(&format!("/fr/orders/{order}?token={token}"))
        .await;
    assert_eq!(
        by_link.path,
        format!("/fr/orders/{order}"),
        "the token leaves the address"
    );
}

#[tokio::test]
async fn an_order_in_french_from_shelf_to_door() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    let page = guest.open("/fr/p/the-vert-1").await;
    assert!(page.text().contains("Ajouter au panier") && page.text().contains("En stock"));
    let page = guest.send(&page, "/fr/cart/lines", &[]).await;
    assert!(
        page.text()
            .contains("Ajouté à votre panier\u{a0}: Thé vert.")
    );
    let page = guest.open("/fr/checkout").await;
    let page = guest.send(&page, "/fr/checkout/address", &DETAILS).await;
    let page = guest.send(&page, "/fr/checkout/delivery", &[]).await;
    assert!(
        page.text().contains("Commander et payer 8,39\u{a0}€"),
        "{}",
        page.text()
    );
    guest.send(&page, "/fr/checkout/order", &[]).await;
    let order = trade
        .neighbors
        .known()
        .orders
        .keys()
        .next()
        .cloned()
        .expect("an order");
    assert_eq!(trade.neighbors.known().orders[&order].body["locale"], "fr");
    let page = guest.open(&format!("/fr/orders/{order}/paid")).await;
    assert!(
        page.text()
            .contains("Merci, votre commande est enregistrée et payée")
    );
}

#[tokio::test]
async fn a_refused_payment_is_tried_again_and_the_order_is_kept() {
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

    trade.neighbors.known().outcome = "declined";
    let page = guest.open(&format!("/en/orders/{order}/paid")).await;
    assert_eq!(
        guest.path,
        format!("/en/orders/{order}/pay?problem=declined")
    );
    assert!(page.text().contains("The payment was refused") && page.text().contains("Pay €8.39"));
    assert!(page.text().contains("until 12:30 UTC"));

    trade.neighbors.known().outcome = "captured";
    let action = format!("/en/orders/{order}/pay");
    guest.send(&page, &action, &[("provider", "paypal")]).await;
    assert!(
        guest.path.starts_with("/v1/test-provider/"),
        "{}",
        guest.path
    );
    let page = guest.open(&format!("/en/orders/{order}/paid")).await;
    assert!(page.text().contains("Thank you"));
    assert_eq!(
        trade.neighbors.known().orders.len(),
        1,
        "the order was kept"
    );
    assert_eq!(trade.neighbors.known().payments.len(), 2);

    let page = guest.open(&format!("/en/orders/{order}/pay")).await;
    assert_eq!(
        guest.path,
        format!("/en/orders/{order}"),
        "nobody pays twice"
    );
    assert!(!page.text().contains("Pay now"));
}

#[tokio::test]
async fn a_payment_that_nobody_knows_of_yet_is_waited_for() {
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
    trade.neighbors.known().outcome = "action_required";
    let path = format!("/en/orders/{order}/paid");
    let page = guest.open(&path).await;
    assert!(page.text().contains("We are waiting for your payment"));
    assert_eq!(page.headers["refresh"], format!("2;url={path}?look=1"));
    let page = guest.open(&format!("{path}?look=20")).await;
    assert!(!page.headers.contains_key("refresh"), "not for ever");
    trade.neighbors.known().away.insert("payment");
    assert_eq!(guest.open(&path).await.status, StatusCode::OK);
}

#[tokio::test]
async fn who_has_paid_is_never_asked_again_while_the_order_has_not_heard_of_it() {
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
    trade.neighbors.known().is_deaf = true;
    let page = guest.open(&format!("/en/orders/{order}/paid")).await;
    assert!(
        page.text()
            .contains("Your payment has arrived; the order is being confirmed.")
    );
    assert!(!page.text().contains("Not paid yet") && !page.text().contains("Pay now"));
}

#[tokio::test]
async fn two_clicks_place_one_order() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let review = guest.reach_review().await;
    let first = guest.send_only(&review, "/en/checkout/order", &[]).await;
    let second = guest.send_only(&review, "/en/checkout/order", &[]).await;
    assert_eq!(first.status, StatusCode::SEE_OTHER);
    assert_eq!(
        first.header(header::LOCATION),
        second.header(header::LOCATION)
    );
    assert_eq!(trade.neighbors.known().orders.len(), 1);
    assert_eq!(trade.neighbors.known().payments.len(), 1);
}

#[tokio::test]
async fn a_customer_finds_cart_address_and_orders_again() {
    let trade = Trade::new().await;
    let mut ada = trade.browser();
    ada.take_tea("1").await;
    let page = ada.log_in().await;
    assert_eq!(ada.path, "/en/account");
    assert!(
        page.text().contains("Hello Ada Lovelace")
            && page.text().contains("You have not ordered anything yet")
    );
    assert_eq!(trade.neighbors.count(&Method::POST, "/v1/me/cart/merge"), 1);
    assert!(
        ada.open("/en/cart").await.text().contains("Green tea"),
        "the cart came along"
    );

    let page = ada.open("/en/account/addresses/new").await;
    let page = ada.send(&page, "/en/account/addresses/new", &DETAILS).await;
    assert!(page.text().contains("1 rue de la Paix"));

    let page = ada.open("/en/checkout").await;
    assert!(
        !page.text().contains("name=\"email\""),
        "known from the account, not asked again"
    );
    let page = ada.send(&page, "/en/checkout/saved-address", &[]).await;
    let page = ada.send(&page, "/en/checkout/delivery", &[]).await;
    ada.send(&page, "/en/checkout/order", &[]).await;
    let order = trade
        .neighbors
        .known()
        .orders
        .keys()
        .next()
        .cloned()
        .expect("an order");
    assert_eq!(trade.neighbors.known().orders[&order].body["email"], EMAIL);
    assert!(trade.neighbors.known().orders[&order].token.is_none());
    let page = ada.open(&format!("/en/orders/{order}/paid")).await;
    assert!(page.text().contains("Thank you") && !page.text().contains("Create an account"));
    let page = ada.open("/en/account/orders").await;
    assert!(page.text().contains("Order 4K7QH-2MXVP") && page.text().contains("€8.39"));
}

#[tokio::test]
async fn quantities_steps_and_coupons_need_no_script() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    let page = guest.take_tea("2").await;
    let page = guest
        .send(&page, "/en/cart/quantity", &[("set", "3")])
        .await;
    assert!(page.text().contains("Your cart has been updated") && page.text().contains("€10.47"));
    let page = guest
        .send(&page, "/en/cart/quantity", &[("quantity", "5")])
        .await;
    assert!(page.text().contains("€17.45"));
    let page = guest
        .send(&page, "/en/cart/quantity", &[("quantity", "many")])
        .await;
    assert!(
        page.text().contains("Choose a quantity from 1 to 99") && page.text().contains("€17.45")
    );
    let page = guest.send(&page, "/en/cart/coupon", &[]).await;
    assert!(page.text().contains("Enter a code first"));
    let page = guest
        .send(&page, "/en/cart/coupon", &[("code", "BAD")])
        .await;
    assert!(page.text().contains("Coupon BAD"));
    guest.open("/en/checkout").await;
    let page = guest.open("/en/checkout").await;
    let page = guest.send(&page, "/en/checkout/address", &DETAILS).await;
    let page = guest.send(&page, "/en/checkout/delivery", &[]).await;
    assert_eq!(guest.path, "/en/cart?coupon=refused");
    assert!(page.text().contains("This coupon can’t be used"));
    let page = guest.send(&page, "/en/cart/coupon", &[]).await;
    assert!(!page.text().contains("Coupon BAD"), "removed");
    let page = guest
        .send(&page, "/en/cart/quantity", &[("set", "0")])
        .await;
    assert!(
        page.text().contains("Removed from your cart")
            && page.text().contains("Your cart is empty")
    );
}

#[tokio::test]
async fn a_script_adds_without_leaving_the_page() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    let ours = [
        ("sec-fetch-site", "same-origin"),
        ("accept", "text/x-fragment"),
    ];
    let body = Some("sku=1-small&quantity=2".to_owned());
    let answer = guest
        .request(Method::POST, "/fr/cart/lines", body, &ours)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(answer.text().contains("data-count=\"2\"") && answer.text().contains("Thé vert"));
    assert_eq!(answer.header(header::CACHE_CONTROL), "private, no-store");
    let body = Some("sku=1-small&quantity=98".to_owned());
    let answer = guest
        .request(Method::POST, "/fr/cart/lines", body, &ours)
        .await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.text().contains("Votre panier est plein"));
    let header = guest.open("/fr/header").await;
    assert!(
        header.text().contains("2\u{a0}articles dans votre panier"),
        "{}",
        header.text()
    );
    assert!(guest.cookies.contains_key("__Host-known"));
}

#[tokio::test]
async fn the_invoice_can_go_to_another_address() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("1").await;
    let page = guest.open("/en/checkout").await;
    let mut typed = DETAILS.to_vec();
    typed.extend([
        ("billing_differs", "1"),
        ("billing_name", "ACME"),
        ("billing_line1", "2 Strand"),
        ("billing_city", "London"),
    ]);
    let page = guest.send(&page, "/en/checkout/address", &typed).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        page.text().contains("href=\"#billing_postal_code\"")
            && page.text().contains("1 thing needs another look")
    );
    assert!(
        page.text().contains("value=\"ACME\"") && page.text().contains("value=\"Grace Hopper\""),
        "nothing is wiped"
    );
    typed.push(("billing_postal_code", "wc2r 0ez"));
    typed.push(("billing_country", "GB"));
    let page = guest.send(&page, "/en/checkout/address", &typed).await;
    let page = guest.send(&page, "/en/checkout/delivery", &[]).await;
    guest.send(&page, "/en/checkout/order", &[]).await;
    let known = trade.neighbors.known();
    let order = known.orders.values().next().expect("an order");
    assert_eq!(order.body["billing_address"]["postal_code"], "WC2R 0EZ");
    assert_eq!(order.body["shipping_address"]["city"], "Paris");
}

#[tokio::test]
async fn a_guest_withdraws_in_two_steps_from_the_foot_of_any_page() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("3").await;
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
    guest.open(&format!("/en/orders/{order}/paid")).await;
    trade
        .neighbors
        .known()
        .orders
        .get_mut(&order)
        .expect("it")
        .fulfillment = "delivered";

    let mut elsewhere = trade.browser();
    let home = elsewhere.open("/en/").await;
    assert!(
        home.text()
            .contains("<a href=\"/en/withdrawal\">Withdraw from a contract here</a>")
    );
    let page = elsewhere.open("/en/withdrawal").await;
    let found = [("number", "4K7QH-2MXVP"), ("email", "guest@example.com")];
    let page = elsewhere.send(&page, "/en/orders/track", &found).await;
    let here = format!("/en/orders/{order}/withdrawal");
    assert_eq!(elsewhere.path, here);
    assert!(page.text().contains("Possible until 11 December 2026"));
    let confirm = format!("{here}/confirm");
    let nothing = elsewhere.send(&page, &confirm, &[("which", "some")]).await;
    assert!(nothing.text().contains("at least one thing"));
    let page = elsewhere
        .send(&page, &confirm, &[("which", "some"), ("line-1-small", "2")])
        .await;
    let statement = unescape(
        between(page.text(), "<div class=\"panel statement\">", "</div>").expect("the declaration"),
    );
    assert!(
        statement.contains("I, Grace Hopper, hereby withdraw")
            && statement.contains("2 × Green tea"),
        "{statement}"
    );
    assert!(
        page.text().contains("Confirm withdrawal") && page.text().contains("guest@example.com")
    );
    let page = elsewhere.send(&page, &here, &[]).await;
    assert_eq!(elsewhere.path, format!("{here}/done"));
    assert!(
        page.text().contains("27 November 2026 at 09:30 UTC")
            || page.text().contains("27 November 2026 at 9:30 UTC")
    );
    let known = trade.neighbors.known();
    let back = &known.orders[&order].returns[0];
    assert_eq!(back["kind"], "withdrawal");
    assert_eq!(back["lines"][0]["quantity"], 2);
}

#[tokio::test]
async fn things_are_sent_back_and_orders_called_off() {
    let trade = Trade::new().await;
    let mut guest = trade.browser();
    guest.take_tea("3").await;
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
    let here = format!("/en/orders/{order}");
    let page = guest.open(&format!("{here}/return")).await;
    assert!(page.text().contains("There is nothing to send back"));

    trade
        .neighbors
        .known()
        .orders
        .get_mut(&order)
        .expect("it")
        .fulfillment = "delivered";
    let page = guest.open(&format!("{here}/return")).await;
    let action = format!("{here}/return");
    let page = guest.send(&page, &action, &[("reason", "damaged")]).await;
    assert_eq!(page.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = guest
        .send(
            &page,
            &action,
            &[("line-1-small", "99"), ("reason", "damaged")],
        )
        .await;
    assert!(page.text().contains("Your return is announced") && page.text().contains("La Poste"));
    assert_eq!(
        trade.neighbors.known().orders[&order].returns[0]["lines"][0]["quantity"],
        3,
        "never more than there is"
    );

    {
        let mut known = trade.neighbors.known();
        let order = known.orders.get_mut(&order).expect("it");
        (order.standing, order.payment, order.fulfillment) = ("confirmed", "paid", "unfulfilled");
    }
    let page = guest.open(&format!("{here}/cancel")).await;
    assert!(page.text().contains("Cancel order 4K7QH-2MXVP?"));
    let page = guest.send(&page, &format!("{here}/cancel"), &[]).await;
    assert!(page.text().contains("The order is canceled."));
    let credit_note = format!("{here}/refunds/{REFUND}/credit-note.pdf");
    assert!(page.text().contains(&credit_note), "{}", page.text());
    let paper = guest.open(&credit_note).await;
    assert_eq!(paper.header(header::CONTENT_TYPE), "application/pdf");
}
