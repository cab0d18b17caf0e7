//! Having an account: from registering to being forgotten.

use crate::buying::{
    choose_delivery_and_payment, fill_address, fill_cart, new_address, order_shown, place_and_pay,
};
use e2e::{
    Failure,
    browser::{Browser, Screen},
    mails::Mails,
    shop::Shop,
    within,
};
use std::time::Duration;

/// What somebody logs in with.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) password: &'static str,
}

const PASSWORD: &str = "teapot ladder cloud seven";
const OTHER_PASSWORD: &str = "window river candle nine";

/// Registers somebody new, who is then logged in.
pub(crate) async fn register(
    browser: &Browser,
    shop: &Shop,
    language: &str,
) -> Result<Person, Failure> {
    let mails = Mails::from_env()?;
    let email = new_address("person")?;
    browser
        .go(&shop.address(&format!("/{language}/account/register")))
        .await?;
    for (field, text) in [
        ("#name", "Ada Lovelace"),
        ("#email", &email),
        ("#password", PASSWORD),
    ] {
        browser.fill(field, text).await?;
    }
    browser
        .send("form[action$='/account/register'] button")
        .await?;
    browser.inspect("registered").await?;
    let mail = mails.wait_for(&email, "/account/verify").await?;
    browser.go(&mail.link("/account/verify")?).await?;
    browser.inspect("finishing the registration").await?;
    browser
        .send("form[action$='/account/verify'] button")
        .await?;
    assert!(browser.path().await?.ends_with("/account"));
    Ok(Person {
        email,
        password: PASSWORD,
    })
}

/// Fills in and sends the form of the login page that is shown.
pub(crate) async fn log_in(browser: &Browser, email: &str, password: &str) -> Result<(), Failure> {
    browser.fill("#email", email).await?;
    browser.fill("#password", password).await?;
    browser.send("form[action$='/account/login'] button").await
}

#[tokio::test]
async fn an_account_lives_and_ends_in_english() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Phone, true).await?;
    live(browser, "en", true).await
}

#[tokio::test]
async fn an_account_lives_and_ends_in_french() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Laptop, true).await?;
    live(browser, "fr", true).await
}

#[tokio::test]
async fn an_account_lives_and_ends_without_javascript() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Laptop, false).await?;
    live(browser, "fr", false).await
}

/// Registers, buys, keeps addresses, changes the password, takes the data along and leaves.
async fn live(browser: Browser, language: &str, scripts: bool) -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let at = |path: &str| shop.address(&format!("/{language}/{path}"));
    try_to_register_badly(&browser, &at("account/register")).await?;
    let person = register(&browser, &shop, language).await?;
    browser.inspect("an empty account").await?;

    browser.go(&at("account/addresses/new")).await?;
    browser.inspect("a new address").await?;
    browser.send("main form.fields button").await?;
    browser.inspect("an address with mistakes").await?;
    fill_address(&browser).await?;
    browser.send("main form.fields button").await?;
    browser.inspect("an account with an address").await?;

    fill_cart(&browser, &shop, language, scripts).await?;
    browser.follow("#cart a[href$='/checkout']").await?;
    browser.inspect("checkout, with addresses").await?;
    fill_address(&browser).await?;
    choose_delivery_and_payment(&browser).await?;
    place_and_pay(&browser).await?;
    let order = order_shown(&browser).await?;
    browser.go(&at("account/orders")).await?;
    browser.inspect("orders").await?;
    assert!(browser.text(".order-rows").await?.contains(&order.number));

    browser.go(&at("account/profile")).await?;
    browser.inspect("profile").await?;
    browser.fill("#name", "Ada King").await?;
    browser.send("main form.fields button").await?;
    assert!(browser.text("h1").await?.contains("Ada King"));
    browser.inspect("an account").await?;

    change_password(&browser, &at("account/password"), &person).await?;
    browser.go(&at("account")).await?;
    browser
        .send("form[action$='/account/logout'] button")
        .await?;
    browser.inspect("logged out").await?;
    log_in(&browser, &person.email, person.password).await?;
    browser.inspect("a wrong login").await?;
    assert_eq!(browser.count("#email-error").await?, 1);
    reset_password(&browser, &at("account/forgot"), &person).await?;

    browser.go(&at("account")).await?;
    browser.send("form[action$='/remove'] button").await?;
    assert_eq!(browser.count(".saved-address").await?, 0);
    let data = data_of(&browser, &at("account"), &shop).await?;
    for known in [&person.email, "Ada King", &order.number, "69003"] {
        assert!(data.contains(known), "{known} in {data}");
    }
    leave(&browser, &at("account/delete"), &person).await?;
    browser.close().await
}

async fn try_to_register_badly(browser: &Browser, address: &str) -> Result<(), Failure> {
    browser.go(address).await?;
    browser.inspect("registering").await?;
    browser.fill("#email", "no address").await?;
    browser.fill("#password", "short").await?;
    browser
        .send("form[action$='/account/register'] button")
        .await?;
    assert_eq!(browser.count("#mistakes a").await?, 3);
    browser.inspect("registering with mistakes").await
}

async fn change_password(browser: &Browser, address: &str, person: &Person) -> Result<(), Failure> {
    browser.go(address).await?;
    browser.inspect("changing the password").await?;
    browser.fill("#current", "not it").await?;
    browser.fill("#password", OTHER_PASSWORD).await?;
    browser.send("main form.fields button").await?;
    browser.inspect("a wrong current password").await?;
    assert_eq!(browser.count("#current-error").await?, 1);
    browser.fill("#current", person.password).await?;
    browser.fill("#password", OTHER_PASSWORD).await?;
    browser.send("main form.fields button").await?;
    assert!(browser.path().await?.ends_with("?done=password"));
    Ok(())
}

/// Has a mail sent, sets the first password again, and logs in with it.
async fn reset_password(browser: &Browser, address: &str, person: &Person) -> Result<(), Failure> {
    let mails = Mails::from_env()?;
    browser.go(address).await?;
    browser.inspect("a forgotten password").await?;
    browser.fill("#email", &person.email).await?;
    browser.send("main form.fields button").await?;
    browser.inspect("a mail was sent").await?;
    let link = mails
        .wait_for(&person.email, "/account/reset")
        .await?
        .link("/account/reset")?;
    browser.go(&link).await?;
    browser.inspect("a new password").await?;
    browser.fill("#password", "password1").await?;
    browser.send("main form.fields button").await?;
    browser.inspect("a weak password").await?;
    browser.fill("#password", PASSWORD).await?;
    browser.send("main form.fields button").await?;
    log_in(browser, &person.email, PASSWORD).await?;
    assert!(browser.path().await?.ends_with("/account"));
    // The link has done its work.
    browser.go(&link).await?;
    browser.fill("#password", OTHER_PASSWORD).await?;
    browser.send("main form.fields button").await?;
    browser.inspect("a link that was used").await
}

/// What the button gives that downloads all data, asked for in the browser's name.
async fn data_of(browser: &Browser, address: &str, shop: &Shop) -> Result<String, Failure> {
    browser.go(address).await?;
    let token = browser
        .attribute("form[action$='/export'] input[name=token]", "value")
        .await?;
    let action = browser
        .attribute("form[action$='/export']", "action")
        .await?;
    let answer = shop
        .request("POST".parse()?, &action)
        .header("cookie", browser.cookies().await?)
        .header("sec-fetch-site", "same-origin")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("token={token}"))
        .send()
        .await?;
    let disposition = answer.headers().get("content-disposition");
    assert!(disposition.is_some(), "it is a file: {answer:?}");
    Ok(answer.text().await?)
}

/// Deletes the account; afterwards nobody can log in to it.
async fn leave(browser: &Browser, address: &str, person: &Person) -> Result<(), Failure> {
    let mails = Mails::from_env()?;
    browser.go(address).await?;
    browser.inspect("leaving").await?;
    browser.fill("#password", "not it").await?;
    browser.send("main form.fields button").await?;
    browser.inspect("leaving with a wrong password").await?;
    browser.fill("#password", person.password).await?;
    browser.send("main form.fields button").await?;
    browser.inspect("gone").await?;
    assert!(browser.path().await?.ends_with("/account/deleted"));
    let login = address.replace("/delete", "/login");
    browser.go(&login).await?;
    log_in(browser, &person.email, person.password).await?;
    assert_eq!(browser.count("#email-error").await?, 1);
    // Every service has forgotten by the time the last mail is sent.
    within(Duration::from_secs(30), "a mail says so", || async {
        mails.to(&person.email).await.is_ok_and(|mails| {
            mails
                .first()
                .is_some_and(|mail| !mail.text.contains("/account/"))
        })
    })
    .await?;
    Ok(())
}

#[tokio::test]
async fn a_guests_cart_comes_along_when_they_log_in() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Phone, false).await?;
    let person = register(&browser, &shop, "en").await?;
    browser
        .send("form[action$='/account/logout'] button")
        .await?;
    fill_cart(&browser, &shop, "en", false).await?;
    browser.follow("#cart a[href$='/checkout']").await?;
    browser.follow("main a[href*='/account/login']").await?;
    log_in(&browser, &person.email, person.password).await?;
    assert!(browser.path().await?.contains("/checkout"));
    browser.go(&shop.address("/en/cart")).await?;
    assert_eq!(browser.count("#cart .line").await?, 1);
    browser.close().await
}

#[tokio::test]
async fn whether_there_is_an_account_is_told_to_nobody() -> Result<(), Failure> {
    let (shop, mails) = (Shop::from_env()?, Mails::from_env()?);
    let browser = Browser::open(Screen::Laptop, false).await?;
    let person = register(&browser, &shop, "en").await?;
    browser.forget().await?;
    let mut seen = Vec::new();
    for email in [person.email.clone(), new_address("nobody")?] {
        browser.go(&shop.address("/en/account/register")).await?;
        browser.fill("#name", "Eve").await?;
        browser.fill("#email", &email).await?;
        browser.fill("#password", OTHER_PASSWORD).await?;
        browser
            .send("form[action$='/account/register'] button")
            .await?;
        let registered = (browser.path().await?, browser.text("main").await?);
        browser.go(&shop.address("/en/account/login")).await?;
        log_in(&browser, &email, "a guess of no worth").await?;
        let refused = browser.text("#mistakes").await?;
        browser.go(&shop.address("/en/account/forgot")).await?;
        browser.fill("#email", &email).await?;
        browser.send("main form.fields button").await?;
        let forgotten = (browser.path().await?, browser.text("main").await?);
        seen.push((registered, refused, forgotten));
    }
    assert_eq!(seen[0], seen[1]);
    // Its owner hears of it.
    mails.wait_for(&person.email, "/account/reset").await?;
    browser.close().await
}
