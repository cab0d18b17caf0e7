//! What a shopper does, in a real browser.

use e2e::{
    Failure,
    browser::{Browser, Screen},
    shop::Shop,
};

#[tokio::test]
async fn a_shopper_finds_a_product_by_department_and_by_search() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Phone, true).await?;
    browser.go(&shop.address("/en/")).await?;
    browse_and_search(&browser, "milk").await?;
    browser.close().await
}

#[tokio::test]
async fn a_shopper_without_javascript_does_the_same() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Laptop, false).await?;
    browser.go(&shop.address("/fr/")).await?;
    browse_and_search(&browser, "lait").await?;
    browser.close().await
}

async fn browse_and_search(browser: &Browser, word: &str) -> Result<(), Failure> {
    browser.follow("main a[href*='/c/']").await?;
    assert!(
        browser.path().await?.contains("/c/"),
        "a department was opened"
    );
    assert!(
        browser.count("main a[href*='/p/']").await? > 0,
        "it shows products"
    );
    browser.follow("main a[href*='/p/']").await?;
    assert!(
        browser.path().await?.contains("/p/"),
        "a product was opened"
    );
    assert!(!browser.text("h1").await?.is_empty());

    browser
        .type_into("input[name=q]", &format!("{word}\n"))
        .await?;
    let found = e2e::within(
        std::time::Duration::from_secs(5),
        "the search page is shown",
        || async {
            browser
                .path()
                .await
                .is_ok_and(|path| path.contains("search?"))
        },
    );
    found.await?;
    let results = browser.text("main").await?.to_lowercase();
    assert!(results.contains(word), "results for {word}: {results}");
    Ok(())
}

#[tokio::test]
async fn a_misspelt_word_still_finds_it() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    for (query, language, expected) in [("chese", "en", "cheese"), ("fromge", "fr", "fromage")] {
        let found = shop
            .json(&format!(
                "/v1/products?q={query}&lang={language}&currency=EUR&limit=5"
            ))
            .await?;
        let names = found["items"].to_string().to_lowercase();
        assert!(
            names.contains(expected),
            "{query} finds {expected}: {names}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_stranger_can_change_nothing() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let body = "{}";
    for (method, path) in [
        ("POST", "/v1/products"),
        ("POST", "/v1/imports/products"),
        ("PUT", "/v1/categories/grocery"),
    ] {
        let response = shop
            .request(method.parse()?, path)
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await?;
        assert_eq!(response.status(), 401, "{method} {path}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{method} {path}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_processes_behind_are_not_reachable_through_the_entry_point() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    for path in ["/metrics", "/health", "/health/ready", "/openapi.json"] {
        let response = shop.get(path).await?;
        assert_eq!(response.status(), 404, "{path}");
    }
    Ok(())
}
