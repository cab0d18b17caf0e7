//! What pages of other sites can make a shopper's browser do here: nothing.

use crate::buying::fill_cart;
use e2e::{
    Failure,
    browser::{Browser, Screen},
    shop::Shop,
};

const FORMS: [&str; 19] = [
    "/en/cart/lines",
    "/en/cart/quantity",
    "/en/cart/coupon",
    "/en/checkout/address",
    "/en/checkout/saved-address",
    "/en/checkout/delivery",
    "/en/checkout/order",
    "/en/orders/track",
    "/en/orders/01890000-0000-7000-8000-000000000000/pay",
    "/en/orders/01890000-0000-7000-8000-000000000000/cancel",
    "/en/orders/01890000-0000-7000-8000-000000000000/return",
    "/en/orders/01890000-0000-7000-8000-000000000000/withdrawal",
    "/en/account/login",
    "/en/account/logout",
    "/en/account/register",
    "/en/account/password",
    "/en/account/sessions/end",
    "/en/account/export",
    "/en/account/delete",
];

#[tokio::test]
async fn no_form_is_taken_from_another_site() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    for path in FORMS {
        for (header, value) in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("origin", "null"),
        ] {
            let answer = shop
                .request("POST".parse()?, path)
                .header(header, value)
                .header("content-type", "application/x-www-form-urlencoded")
                .body("sku=x&quantity=1&email=a@example.com&password=x&token=x")
                .send()
                .await?;
            assert_eq!(answer.status(), 403, "{path} with {header}: {value}");
            assert!(
                !answer.headers().contains_key("location"),
                "{path} with {header}: {value}"
            );
        }
    }
    Ok(())
}

#[tokio::test]
async fn no_form_is_taken_that_was_made_for_somebody_else() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    // Whatever comes from the shared pages of products is let in by the browser's word alone.
    for path in FORMS.iter().filter(|path| **path != "/en/cart/lines") {
        let answer = shop
            .request("POST".parse()?, path)
            .header("sec-fetch-site", "same-origin")
            .header("cookie", "visit=AAAAAAAAAAAAAAAAAAAAAA")
            .header("content-type", "application/x-www-form-urlencoded")
            .body("token=BBBBBBBBBBBBBBBBBBBBBBBB")
            .send()
            .await?;
        assert_eq!(answer.status(), 403, "{path}");
    }
    Ok(())
}

#[tokio::test]
async fn a_page_elsewhere_can_not_fill_or_empty_a_cart() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Laptop, true).await?;
    fill_cart(&browser, &shop, "en", true).await?;
    let sku = browser.attribute("#cart input[name=sku]", "value").await?;
    for (form, field) in [("lines", "quantity"), ("quantity", "set")] {
        let action = shop.address(&format!("/en/cart/{form}"));
        let page = format!(
            "data:text/html,<form method=post action={action}><input name=sku value={sku}><input name={field} value=9><button>win</button></form>"
        );
        browser.go(&page).await?;
        browser.send("button").await?;
        browser.inspect("a form of another site").await?;
    }
    browser.go(&shop.address("/en/cart")).await?;
    assert_eq!(
        browser
            .attribute("#cart input[name=quantity]", "value")
            .await?,
        "1"
    );
    browser.close().await
}
