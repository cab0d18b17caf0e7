//! Buying as a guest, and what comes after: refused payments, tracking, returns and withdrawals.

use crate::buying::{
    buy, check_out, choose_delivery_and_payment, fill_address, fill_cart, new_address, order_shown,
    see_thanks,
};
use e2e::{
    Failure,
    browser::{Browser, Screen},
    mails::Mails,
    shop::Shop,
};
use serde_json::json;

#[tokio::test]
async fn a_guest_buys_in_english() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Phone, true).await?;
    buy_with_every_obstacle(browser, "en", true).await
}

#[tokio::test]
async fn a_guest_buys_in_french() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Laptop, true).await?;
    buy_with_every_obstacle(browser, "fr", true).await
}

#[tokio::test]
async fn a_guest_buys_without_javascript() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Laptop, false).await?;
    buy_with_every_obstacle(browser, "en", false).await
}

/// An empty cart, a coupon that does not exist, fields left empty, a payment that is refused and another that is broken off: the order
/// survives all of it.
async fn buy_with_every_obstacle(
    browser: Browser,
    language: &str,
    scripts: bool,
) -> Result<(), Failure> {
    let (shop, mails) = (Shop::from_env()?, Mails::from_env()?);
    let email = new_address("guest")?;

    browser
        .go(&shop.address(&format!("/{language}/cart")))
        .await?;
    browser.inspect("an empty cart").await?;
    fill_cart(&browser, &shop, language, scripts).await?;
    browser.inspect("a cart").await?;
    add_one_more(&browser, scripts).await?;

    browser.follow("#cart a[href$='/checkout']").await?;
    browser.inspect("checkout, address").await?;
    browser
        .send("form[action$='/checkout/address'] button[type=submit]")
        .await?;
    assert!(browser.count("#mistakes a[href='#email']").await? == 1);
    browser.inspect("checkout, address with mistakes").await?;
    browser.fill("#email", &email).await?;
    fill_address(&browser).await?;
    browser
        .send("form[action$='/checkout/address'] button[type=submit]")
        .await?;
    browser.inspect("checkout, delivery").await?;
    browser.choose("input[name=method]").await?;
    browser
        .send("form[action$='/checkout/delivery'] button")
        .await?;
    browser.inspect("checkout, review").await?;
    use_a_wrong_coupon(&browser, &shop, language, scripts).await?;
    browser.choose("input[name=provider][value=test]").await?;

    browser
        .send("form[action$='/checkout/order'] button")
        .await?;
    browser.inspect("the provider's page").await?;
    browser.send("button[value=decline]").await?;
    assert!(browser.path().await?.ends_with("/pay?problem=declined"));
    browser.inspect("a refused payment").await?;
    browser.choose("input[name=provider][value=test]").await?;
    browser.send("main form[action$='/pay'] button").await?;
    // The bank wants to know more, and is told no.
    browser.send("button[value=action]").await?;
    browser.inspect("the bank's page").await?;
    browser.send("button[value=decline]").await?;
    assert!(browser.path().await?.ends_with("/pay?problem=declined"));
    browser.choose("input[name=provider][value=test]").await?;
    browser.send("main form[action$='/pay'] button").await?;
    browser.send("button[value=succeed]").await?;
    see_thanks(&browser).await?;
    browser.inspect("thanks").await?;
    let order = order_shown(&browser).await?;

    browser
        .go(&shop.address(&format!("/{language}/cart")))
        .await?;
    assert_eq!(
        browser.count("#cart .line").await?,
        0,
        "the cart is empty again"
    );

    // The mail opens the order in a browser that knows nothing of it.
    let mail = mails.wait_for(&email, &order.number).await?;
    browser.forget().await?;
    browser.go(&mail.link("/orders/")?).await?;
    assert_eq!(
        browser.path().await?,
        format!("/{language}/orders/{}", order.id),
        "nothing in the address opens the order"
    );
    assert_eq!(order_shown(&browser).await?.number, order.number);
    browser.inspect("an order").await?;
    browser.close().await
}

async fn add_one_more(browser: &Browser, scripts: bool) -> Result<(), Failure> {
    press(browser, ".stepper button[value='2']", scripts).await?;
    browser.text(".stepper input[value='2']").await?;
    Ok(())
}

/// A coupon that does not exist is found out before anything is ordered, and the rest of what was filled in stays.
async fn use_a_wrong_coupon(
    browser: &Browser,
    shop: &Shop,
    language: &str,
    scripts: bool,
) -> Result<(), Failure> {
    browser
        .go(&shop.address(&format!("/{language}/cart")))
        .await?;
    browser.press("details.coupon summary").await?;
    browser.fill("#code", "NO-SUCH-COUPON").await?;
    press(browser, "details.coupon button[type=submit]", scripts).await?;
    browser.text(".coupon-kept").await?;
    browser.inspect("a cart with a coupon").await?;
    browser.follow("#cart a[href$='/checkout']").await?;
    assert!(browser.path().await?.contains("/cart?coupon=refused"));
    browser.inspect("a cart with a wrong coupon").await?;
    press(browser, ".coupon-kept button", scripts).await?;
    browser.text("details.coupon").await?;
    browser.follow("#cart a[href$='/checkout']").await
}

/// Presses a button of the cart, which a script answers in place.
async fn press(browser: &Browser, selector: &str, scripts: bool) -> Result<(), Failure> {
    if scripts {
        browser.press(selector).await
    } else {
        browser.send(selector).await
    }
}

#[tokio::test]
async fn an_order_is_found_by_its_number_and_mail_address() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let email = new_address("tracked")?;
    let browser = Browser::open(Screen::Phone, true).await?;
    let order = buy(&browser, &shop, "fr", true, &email).await?;
    browser.forget().await?;

    browser
        .go(&shop.address(&format!("/fr/orders/{}", order.id)))
        .await?;
    assert!(browser.path().await?.contains("/orders/track"));
    browser.inspect("an order of somebody else").await?;
    browser.go(&shop.address("/fr/orders/track")).await?;
    browser.inspect("tracking").await?;
    browser.fill("#number", &order.number).await?;
    browser.fill("#email", "someone.else@example.com").await?;
    browser.send("form[action$='/track'] button").await?;
    assert_eq!(browser.count("#number-error").await?, 1);
    browser.inspect("tracking, not found").await?;
    browser.fill("#email", &email).await?;
    browser.send("form[action$='/track'] button").await?;
    assert_eq!(order_shown(&browser).await?.id, order.id);
    browser.go(&shop.address("/fr/orders/track")).await?;
    assert_eq!(
        browser.count(".order-rows li").await?,
        1,
        "it is remembered"
    );
    browser.close().await
}

#[tokio::test]
async fn a_guest_sends_back_what_was_delivered() -> Result<(), Failure> {
    let (shop, mails) = (Shop::from_env()?, Mails::from_env()?);
    let email = new_address("returns")?;
    let browser = Browser::open(Screen::Laptop, true).await?;
    let order = buy(&browser, &shop, "en", true, &email).await?;
    let parcel = json!({"carrier": "Colissimo", "tracking": "6A12345678901"});
    let sent = shop
        .as_staff(&format!("/v1/orders/{}/shipments", order.id), &parcel)
        .await?;
    let shipment = sent["shipments"][0]["id"]
        .as_str()
        .ok_or("a parcel has an id")?;
    shop.as_staff(
        &format!("/v1/orders/{}/shipments/{shipment}/deliver", order.id),
        &json!({}),
    )
    .await?;

    browser
        .go(&shop.address(&format!("/en/orders/{}", order.id)))
        .await?;
    browser.inspect("a delivered order").await?;
    browser.follow("a[href$='/return']").await?;
    browser.inspect("a return").await?;
    browser.send("form[action$='/return'] button").await?;
    assert_eq!(browser.count("main .alert").await?, 1, "nothing was chosen");
    browser.inspect("a return of nothing").await?;
    browser.select("#choice-1", "1").await?;
    browser.send("form[action$='/return'] button").await?;
    assert!(browser.path().await?.ends_with("?done=returned"));
    browser.inspect("a returned order").await?;
    mails.wait_for(&email, &order.number).await?;
    browser.close().await
}

#[tokio::test]
async fn a_guest_withdraws_without_javascript() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Phone, false).await?;
    withdraw(browser, "fr", false).await
}

#[tokio::test]
async fn a_guest_withdraws_from_any_page() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Laptop, true).await?;
    withdraw(browser, "en", true).await
}

/// From the foot of any page, by number and address, in two steps, with a receipt by mail.
async fn withdraw(browser: Browser, language: &str, scripts: bool) -> Result<(), Failure> {
    let (shop, mails) = (Shop::from_env()?, Mails::from_env()?);
    let email = new_address("withdraws")?;
    let order = buy(&browser, &shop, language, scripts, &email).await?;
    browser.forget().await?;
    browser.go(&shop.address(&format!("/{language}/"))).await?;
    browser.follow("footer a[href$='/withdrawal']").await?;
    browser.inspect("withdrawal, looking for the order").await?;
    browser.fill("#number", &order.number).await?;
    browser.fill("#email", &email).await?;
    browser.send("form[action$='/track'] button").await?;
    browser.inspect("withdrawal, choosing").await?;
    browser.send("form.withdraw button").await?;
    browser.inspect("withdrawal, confirming").await?;
    browser.send("form[action$='/withdrawal'] button").await?;
    assert!(browser.path().await?.ends_with("/withdrawal/done"));
    browser.inspect("withdrawn").await?;
    let word = if language == "fr" {
        "rétract"
    } else {
        "withdr"
    };
    mails.wait_for(&email, word).await?;
    browser.close().await
}

#[tokio::test]
async fn two_clicks_place_one_order() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Laptop, true).await?;
    let email = new_address("twice")?;
    fill_cart(&browser, &shop, "en", true).await?;
    check_out(&browser, &email).await?;
    // Two requests at once, as a script-less double click makes them.
    let script = "const form = document.querySelector(\"form[action$='/checkout/order']\"); const send = () => fetch(form.action, {method: 'POST', body: new URLSearchParams(new FormData(form)), redirect: 'manual'}); const done = arguments[arguments.length - 1]; Promise.all([send(), send()]).then(() => done(true), error => done(String(error)));";
    assert_eq!(browser.run_to_end(script).await?, json!(true));
    browser.go(&shop.address("/en/orders/track")).await?;
    assert_eq!(browser.count(".order-rows li").await?, 1);
    browser.close().await
}

#[tokio::test]
async fn what_was_filled_in_survives_going_back() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Phone, false).await?;
    let email = new_address("back")?;
    fill_cart(&browser, &shop, "fr", false).await?;
    browser.follow("#cart a[href$='/checkout']").await?;
    browser.fill("#email", &email).await?;
    fill_address(&browser).await?;
    choose_delivery_and_payment(&browser).await?;
    browser
        .go(&shop.address("/fr/checkout?step=address"))
        .await?;
    assert_eq!(browser.attribute("#email", "value").await?, email);
    assert_eq!(browser.attribute("#city", "value").await?, "Lyon");
    browser.close().await
}
