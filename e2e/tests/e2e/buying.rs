//! Steps of a purchase, as a shopper takes them, for the journeys that need something bought.

use e2e::{Failure, browser::Browser, shop::Shop, within};
use std::{io::Read as _, time::Duration};

/// An address that nobody has used before: journeys run side by side, and again.
pub(crate) fn new_address(name: &str) -> Result<String, Failure> {
    let mut random = [0; 8];
    std::fs::File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(format!(
        "{name}.{:016x}@example.com",
        u64::from_be_bytes(random)
    ))
}

/// Puts something into the cart from its own page, and goes to the cart.
pub(crate) async fn fill_cart(
    browser: &Browser,
    shop: &Shop,
    language: &str,
    scripts: bool,
) -> Result<(), Failure> {
    let product = shop.something_to_buy(language).await?;
    browser.go(&shop.address(&product)).await?;
    if scripts {
        browser.press("form[data-add] button").await?;
        browser.follow(".toast a[href$='/cart']").await
    } else {
        browser.send("form[data-add] button").await
    }
}

/// What a guest types at the checkout.
pub(crate) async fn fill_address(browser: &Browser) -> Result<(), Failure> {
    for (field, text) in [
        ("#name", "Ada Lovelace"),
        ("#line1", "12 rue des Lilas"),
        ("#postal_code", "69003"),
        ("#city", "Lyon"),
    ] {
        browser.fill(field, text).await?;
    }
    Ok(())
}

/// From the cart to the page that asks to confirm, as a guest.
pub(crate) async fn check_out(browser: &Browser, email: &str) -> Result<(), Failure> {
    browser.follow("#cart a[href$='/checkout']").await?;
    browser.fill("#email", email).await?;
    fill_address(browser).await?;
    choose_delivery_and_payment(browser).await
}

/// From a filled-in address to the page that asks to confirm, with the first way of delivery and money that is only played.
pub(crate) async fn choose_delivery_and_payment(browser: &Browser) -> Result<(), Failure> {
    browser
        .send("form[action$='/checkout/address'] button[type=submit]")
        .await?;
    browser.choose("input[name=method]").await?;
    browser
        .send("form[action$='/checkout/delivery'] button")
        .await?;
    browser.choose("input[name=provider][value=test]").await
}

/// Places the order and pays it on the provider's page.
pub(crate) async fn place_and_pay(browser: &Browser) -> Result<(), Failure> {
    browser
        .send("form[action$='/checkout/order'] button")
        .await?;
    browser.send("button[value=succeed]").await?;
    see_thanks(browser).await
}

/// Waits for the page that says thank you.
pub(crate) async fn see_thanks(browser: &Browser) -> Result<(), Failure> {
    within(
        Duration::from_secs(10),
        "the shop says thank you",
        || async { browser.count(".thanks").await.is_ok_and(|count| count == 1) },
    )
    .await?;
    Ok(())
}

/// An order as its page shows it.
pub(crate) struct Order {
    /// Its id.
    pub(crate) id: String,
    /// What its owner calls it by.
    pub(crate) number: String,
}

/// The order that the page shows.
pub(crate) async fn order_shown(browser: &Browser) -> Result<Order, Failure> {
    let path = browser.path().await?;
    let id = path
        .split(['/', '?'])
        .nth(3)
        .ok_or("an order's path holds its id")?;
    let text = browser.text("main").await?;
    let is_number = |word: &&str| {
        word.len() == 11 && word.as_bytes()[5] == b'-' && !word.contains(char::is_lowercase)
    };
    let number = text
        .split_whitespace()
        .find(is_number)
        .ok_or("an order's page says its number")?;
    Ok(Order {
        id: id.to_owned(),
        number: number.to_owned(),
    })
}

/// A guest's whole purchase, from an empty cart to the page that says thank you.
pub(crate) async fn buy(
    browser: &Browser,
    shop: &Shop,
    language: &str,
    scripts: bool,
    email: &str,
) -> Result<Order, Failure> {
    fill_cart(browser, shop, language, scripts).await?;
    check_out(browser, email).await?;
    place_and_pay(browser).await?;
    order_shown(browser).await
}
