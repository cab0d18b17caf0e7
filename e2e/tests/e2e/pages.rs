//! What every page must be: accessible, light, and in the language asked for.

use crate::{
    account::register,
    buying::{choose_delivery_and_payment, fill_address, fill_cart, place_and_pay},
};
use e2e::{
    Failure,
    browser::{Browser, Screen},
    shop::Shop,
};

/// One page of each kind, found as a shopper would find it.
async fn pages(shop: &Shop, language: &str) -> Result<Vec<String>, Failure> {
    let word = if language == "fr" { "pain" } else { "bread" };
    let listed = shop
        .json(&format!(
            "/v1/products?lang={language}&currency=EUR&limit=1"
        ))
        .await?;
    let product = listed["items"][0]["slug"]
        .as_str()
        .ok_or("a product has a slug")?;
    let home = shop.get(&format!("/{language}/")).await?.text().await?;
    let category = home
        .split('"')
        .find(|part| part.contains(&format!("/{language}/c/")))
        .ok_or("the home page links to a department")?;
    let category = category
        .find(&format!("/{language}/c/"))
        .map_or(category, |at| &category[at..]);
    Ok(vec![
        format!("/{language}/"),
        category.to_owned(),
        format!("/{language}/p/{product}"),
        format!("/{language}/search?q={word}"),
        format!("/{language}/search?q=xqzw"),
        format!("/{language}/no-such-page"),
    ])
}

#[tokio::test]
async fn axe_finds_nothing() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    let mut faults = Vec::new();
    for screen in [Screen::Phone, Screen::Laptop] {
        let browser = Browser::open(screen, true).await?;
        for language in ["en", "fr"] {
            for page in pages(&shop, language).await? {
                browser.go(&shop.address(&page)).await?;
                faults.extend(
                    browser
                        .accessibility_faults()
                        .await?
                        .into_iter()
                        .map(|fault| format!("{screen:?} {page}: {fault}")),
                );
            }
        }
        browser.close().await?;
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
    Ok(())
}

#[tokio::test]
async fn the_first_view_of_the_home_page_is_light() -> Result<(), Failure> {
    const MOST_BYTES: u64 = 150_000;
    const MOST_SCRIPT_BYTES: u64 = 20_000;
    let shop = Shop::from_env()?;
    let browser = Browser::open(Screen::Phone, true).await?;
    browser.go(&shop.address("/en/")).await?;
    let script = "const all = [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]; return all.map(entry => [entry.name, entry.transferSize]);";
    let loaded = browser.run(script).await?;
    let entries = loaded
        .as_array()
        .ok_or("the browser lists what it loaded")?;
    let bytes = |wanted: &str| -> u64 {
        let of_kind = entries
            .iter()
            .filter(|entry| entry[0].as_str().is_some_and(|name| name.contains(wanted)));
        of_kind.filter_map(|entry| entry[1].as_u64()).sum()
    };
    assert!(
        bytes("") > 0 && bytes("") <= MOST_BYTES,
        "{} bytes: {loaded}",
        bytes("")
    );
    assert!(
        bytes(".js") <= MOST_SCRIPT_BYTES,
        "{} bytes of JavaScript",
        bytes(".js")
    );
    let foreign = entries
        .iter()
        .filter_map(|entry| entry[0].as_str())
        .find(|name| !name.starts_with(&shop.address("/")));
    assert_eq!(foreign, None, "nothing is loaded from elsewhere");
    browser.close().await
}

/// Keeps the pictures in the documentation current: `make screenshots` names the folder.
#[tokio::test]
async fn pages_can_be_photographed() -> Result<(), Failure> {
    let shop = Shop::from_env()?;
    for (screen, size) in [(Screen::Phone, "phone"), (Screen::Laptop, "laptop")] {
        let browser = Browser::open(screen, true).await?;
        for (page, name) in pages(&shop, "en").await?.iter().zip([
            "home",
            "department",
            "product",
            "search",
            "search-empty",
            "not-found",
        ]) {
            browser.go(&shop.address(page)).await?;
            photograph(&browser, name, size).await?;
        }
        photograph_a_purchase(&browser, &shop, size).await?;
        browser.close().await?;
    }
    Ok(())
}

/// What a shopper with an account sees on the way from the cart to the account.
async fn photograph_a_purchase(browser: &Browser, shop: &Shop, size: &str) -> Result<(), Failure> {
    register(browser, shop, "en").await?;
    fill_cart(browser, shop, "en", true).await?;
    for product in shop.things_to_buy("en", 3).await?.iter().skip(1) {
        browser.go(&shop.address(product)).await?;
        browser.press("form[data-add] button").await?;
        browser.follow(".toast a[href$='/cart']").await?;
    }
    photograph(browser, "cart", size).await?;
    browser.follow("#cart a[href$='/checkout']").await?;
    fill_address(browser).await?;
    photograph(browser, "checkout", size).await?;
    choose_delivery_and_payment(browser).await?;
    photograph(browser, "payment", size).await?;
    place_and_pay(browser).await?;
    photograph(browser, "confirmation", size).await?;
    browser.go(&shop.address("/en/account")).await?;
    photograph(browser, "account", size).await
}

async fn photograph(browser: &Browser, name: &str, size: &str) -> Result<(), Failure> {
    browser.run("scrollTo(0, 0)").await?;
    let picture = browser.picture().await?;
    assert!(picture.starts_with(b"\x89PNG"), "{name}");
    if let Ok(folder) = std::env::var("E2E_SCREENSHOTS") {
        tokio::fs::write(format!("{folder}/{name}-{size}.png"), picture).await?;
    }
    Ok(())
}
