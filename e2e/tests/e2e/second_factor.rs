//! What keeps others out who know the password: codes from an app, and passkeys.

use crate::account::{Person, log_in, register};
use e2e::{
    Failure,
    browser::{Browser, Screen},
    shop::Shop,
    totp,
};

#[tokio::test]
async fn codes_are_set_up_used_and_switched_off() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Phone, true).await?;
    use_codes(browser, "en").await
}

#[tokio::test]
async fn codes_are_set_up_used_and_switched_off_without_javascript() -> Result<(), Failure> {
    let browser = Browser::open(Screen::Laptop, false).await?;
    use_codes(browser, "fr").await
}

async fn use_codes(browser: Browser, language: &str) -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let at = |path: &str| shop.address(&format!("/{language}/{path}"));
    let person = register(&browser, &shop, language).await?;
    browser.follow("a[href$='/account/totp']").await?;
    browser.inspect("codes, asking for the password").await?;
    browser.fill("#password", "not it").await?;
    browser.send("main form.fields button").await?;
    browser.inspect("codes, wrong password").await?;
    browser.fill("#password", person.password).await?;
    browser.send("main form.fields button").await?;
    browser.inspect("codes, scanning").await?;
    assert_eq!(browser.count("svg.qr").await?, 1);
    let secret = browser.text("#secret").await?;
    browser.fill("#code", "000000").await?;
    browser.send("main form.fields button").await?;
    browser.inspect("codes, wrong first code").await?;
    assert_eq!(
        browser.text("#secret").await?,
        secret,
        "the key is still there"
    );
    browser.fill("#code", &totp::code(&secret, 0)?).await?;
    browser.send("main form.fields button").await?;
    browser.inspect("recovery codes").await?;
    let codes = browser.text(".recovery-codes").await?;
    let recovery: Vec<&str> = codes.split_whitespace().collect();
    browser.follow("main a[href$='/account']").await?;
    browser.inspect("an account with codes").await?;

    // A code of the moment after: that of this one was used.
    log_in_with_code(&browser, &at("account"), &person, &totp::code(&secret, 1)?).await?;
    log_in_with_code(&browser, &at("account"), &person, recovery[0]).await?;

    browser.go(&at("account/totp")).await?;
    browser.inspect("codes, switching off").await?;
    for (code, is_taken) in [(recovery[0], false), (recovery[1], true)] {
        browser.fill("#password", person.password).await?;
        browser.fill("#code", code).await?;
        browser.send("main form.fields button").await?;
        assert_eq!(
            browser.path().await?.ends_with("?done=totp-removed"),
            is_taken,
            "each recovery code works once"
        );
        browser.inspect("codes, switching off with a code").await?;
    }
    browser
        .send("form[action$='/account/logout'] button")
        .await?;
    log_in(&browser, &person.email, person.password).await?;
    assert!(
        browser.path().await?.ends_with("/account"),
        "no code is asked for"
    );
    browser.close().await
}

/// Logs out and in again, with a second step.
async fn log_in_with_code(
    browser: &Browser,
    account: &str,
    person: &Person,
    code: &str,
) -> Result<(), Failure> {
    browser.go(account).await?;
    browser
        .send("form[action$='/account/logout'] button")
        .await?;
    log_in(browser, &person.email, person.password).await?;
    assert_eq!(
        browser.count("#code").await?,
        1,
        "a second step is asked for"
    );
    browser.inspect("login, asking for the code").await?;
    browser.fill("#password", person.password).await?;
    browser.fill("#code", code).await?;
    browser
        .send("form[action$='/account/login'] button")
        .await?;
    assert!(browser.path().await?.ends_with("/account"));
    Ok(())
}

#[tokio::test]
async fn a_passkey_logs_in_until_it_is_removed() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Phone, true).await?;
    let authenticator = browser.add_authenticator().await?;
    let person = register(&browser, &shop, "en").await?;
    browser.follow("a[href$='/account/passkeys']").await?;
    browser.inspect("no passkeys").await?;
    browser.fill("#name", "My phone").await?;
    browser.fill("#password", "not it").await?;
    browser.press("[data-passkey] button").await?;
    browser.text("[data-passkey-said]:not([hidden])").await?;
    browser.inspect("a passkey, wrong password").await?;
    browser.fill("#password", person.password).await?;
    browser.send("[data-passkey] button").await?;
    assert!(browser.path().await?.ends_with("?done=added"));
    browser.inspect("a passkey").await?;
    assert_eq!(browser.passkeys(&authenticator).await?, 1);
    assert!(browser.text(".order-rows").await?.contains("My phone"));

    browser.go(&shop.address("/en/account")).await?;
    browser
        .send("form[action$='/account/logout'] button")
        .await?;
    browser.inspect("login, with passkeys").await?;
    // A finger that the phone does not know.
    browser.recognizes(&authenticator, false).await?;
    browser.press("[data-passkey] button").await?;
    browser.text("[data-passkey-said]:not([hidden])").await?;
    browser
        .inspect("login, a passkey that was not given")
        .await?;
    browser.recognizes(&authenticator, true).await?;
    browser.send("[data-passkey] button").await?;
    assert!(browser.path().await?.ends_with("/account"));
    assert!(browser.text("h1").await?.contains("Ada Lovelace"));

    browser.go(&shop.address("/en/account/passkeys")).await?;
    browser
        .send("form[action$='/passkeys/remove'] button")
        .await?;
    assert!(browser.path().await?.ends_with("?done=removed"));
    browser.go(&shop.address("/en/account")).await?;
    browser
        .send("form[action$='/account/logout'] button")
        .await?;
    // The phone still has it; the shop does not.
    browser.send("[data-passkey] button").await?;
    assert!(browser.path().await?.contains("problem=passkey"));
    browser.inspect("login, a passkey that was removed").await?;
    browser.close().await
}

#[tokio::test]
async fn without_javascript_there_are_codes_and_no_passkeys() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Laptop, false).await?;
    register(&browser, &shop, "fr").await?;
    browser.go(&shop.address("/fr/account/passkeys")).await?;
    assert!(!browser.text("#passkey-none").await?.is_empty());
    assert_eq!(browser.count("[data-passkey]:not([hidden])").await?, 0);
    browser.close().await
}
