//! What holds for every page that is for one shopper alone, in both languages.

use crate::{
    browser::Browser,
    html::{all_between, attribute, between, tags, unescape},
    trade::Trade,
};
use http::{StatusCode, header};
use std::collections::BTreeSet;

/// A browser with something in the cart, a delivered order, and somebody logged in; and the paths of every page.
async fn somebody(trade: &Trade) -> (Browser, Vec<String>) {
    let mut browser = trade.browser();
    browser.take_tea("2").await;
    let review = browser.reach_review().await;
    browser.send(&review, "/en/checkout/order", &[]).await;
    let order = trade
        .neighbors
        .known()
        .orders
        .keys()
        .next()
        .cloned()
        .expect("an order");
    browser.take_tea("1").await;
    browser.reach_review().await;
    let mut paths: Vec<String> = [
        "cart",
        "cart?added=1-small",
        "cart?problem=full",
        "cart?coupon=missing",
        "checkout?step=address",
        "checkout?step=delivery",
        "checkout?step=review",
        "orders/track",
        "withdrawal",
        "account/login",
        "account/register",
        "account/registered",
        "account/verify?token=x",
        "account/forgot",
        "account/forgot/done",
        "account/reset?token=x",
        "account/deleted",
    ]
    .map(str::to_owned)
    .to_vec();
    for rest in [
        "",
        "/pay",
        "/pay?problem=declined",
        "/cancel",
        "/return",
        "/withdrawal",
        "/withdrawal/confirm?which=all",
    ] {
        paths.push(format!("orders/{order}{rest}"));
    }
    (browser, paths)
}

/// Opens every page, before and after logging in, in both languages.
async fn each_page(trade: &Trade) -> Vec<(String, crate::world::Answer)> {
    let (mut browser, paths) = somebody(trade).await;
    let mut pages = Vec::new();
    let order = trade
        .neighbors
        .known()
        .orders
        .keys()
        .next()
        .cloned()
        .expect("an order");
    for language in ["en", "fr"] {
        for path in &paths {
            // Withdrawal and cancellation need a paid order, paying an unpaid one.
            let is_paid = path.contains("withdrawal") || path.contains("return");
            {
                let mut known = trade.neighbors.known();
                let order = known.orders.get_mut(&order).expect("it");
                (order.standing, order.payment, order.fulfillment) = if is_paid {
                    ("confirmed", "paid", "delivered")
                } else {
                    ("placed", "awaiting", "unfulfilled")
                };
            }
            let path = format!("/{language}/{path}");
            let answer = browser.open(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            pages.push((path, answer));
        }
    }
    browser.log_in().await;
    let page = browser.open("/en/account/addresses/new").await;
    browser
        .send(&page, "/en/account/addresses/new", &crate::browser::DETAILS)
        .await;
    for language in ["en", "fr"] {
        for path in [
            "account",
            "account/orders",
            "account/addresses/new",
            "account/profile",
            "account/password",
            "account/delete",
            "checkout?step=address",
        ] {
            let path = format!("/{language}/{path}");
            let answer = browser.open(&path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            pages.push((path, answer));
        }
    }
    pages
}

#[tokio::test]
async fn nobody_keeps_a_page_that_is_for_one_shopper() {
    let trade = Trade::new().await;
    for (path, page) in each_page(&trade).await {
        assert_eq!(
            page.header(header::CACHE_CONTROL),
            "private, no-store",
            "{path}"
        );
        assert_eq!(page.header(header::ETAG), "", "{path}");
        assert!(page.text().contains("noindex"), "{path}");
    }
    // And what everyone shares stays so, whoever asks.
    let (mut browser, _) = somebody(&trade).await;
    for path in ["/en/", "/fr/p/the-vert-1", "/en/c/grocery"] {
        let page = browser.open(path).await;
        assert!(
            page.header(header::CACHE_CONTROL).starts_with("public"),
            "{path}"
        );
        assert_eq!(page.header(header::SET_COOKIE), "", "{path}");
        assert!(!page.text().contains("name=\"token\""), "{path}");
    }
}

#[tokio::test]
async fn every_own_page_is_complete_in_both_languages() {
    let trade = Trade::new().await;
    for (path, page) in each_page(&trade).await {
        let html = page.text();
        let language = &path[1..3];
        assert!(
            html.contains(&format!("<html lang=\"{language}\">")),
            "{path}"
        );
        assert_eq!(
            all_between(html, "<h1", "</h1>").len(),
            1,
            "{path} has one first heading"
        );
        let title = between(html, "<title>", "</title>").expect("a title");
        assert!(title.len() > 15, "{path}: {title}");
        assert!(!html.contains("{{") && !html.contains("{%"), "{path}");
        assert!(
            !html.contains(" style=\"") && !html.contains("<style"),
            "{path}"
        );
        let policy = page.header(header::CONTENT_SECURITY_POLICY);
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{path}"
        );
        let foreign = if language == "fr" {
            ["Your ", "Back to", "Continue "]
        } else {
            ["Votre ", "Retour à", "Continuer"]
        };
        let main = between(html, "<main", "</main>").expect("the content");
        for word in foreign {
            assert!(!main.contains(word), "{path} says {word:?}: {main}");
        }
    }
}

#[tokio::test]
async fn every_field_has_a_label_and_says_how_it_is_filled_in() {
    let trade = Trade::new().await;
    for (path, page) in each_page(&trade).await {
        let html = page.text();
        let main = between(html, "<main", "</main>").expect("the content");
        let mut ids = all_between(html, " id=\"", "\"");
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{path} has an id twice");
        for tag in tags(main, "input").into_iter().chain(tags(main, "select")) {
            let kind = attribute(tag, "type").unwrap_or("text");
            let is_for_programs = attribute(tag, "aria-hidden").is_some();
            if is_for_programs || matches!(kind, "hidden" | "radio" | "checkbox") {
                continue;
            }
            let id = attribute(tag, "id");
            let is_labelled = attribute(tag, "aria-label").is_some()
                || id.is_some_and(|id| html.contains(&format!("for=\"{id}\"")));
            assert!(is_labelled, "{path}: {tag}");
            let is_choice = id.is_some_and(|id| id.starts_with("choice-") || id == "reason");
            assert!(
                is_choice || attribute(tag, "autocomplete").is_some(),
                "{path}: {tag}"
            );
        }
        for ids in all_between(html, "aria-describedby=\"", "\"") {
            for id in ids.split(' ') {
                assert!(
                    html.contains(&format!(" id=\"{id}\"")),
                    "{path}: nothing is called {id}"
                );
            }
        }
        // Whatever changes something is a form with a token, bound to this browser.
        for form in all_between(main, "<form ", "</form>") {
            let head = form.split('>').next().unwrap_or_default();
            if attribute(head, "method") == Some("post") {
                assert!(form.contains("name=\"token\""), "{path}: {head}");
            }
        }
    }
}

#[tokio::test]
async fn every_link_of_an_own_page_leads_somewhere() {
    let trade = Trade::new().await;
    let (mut browser, paths) = somebody(&trade).await;
    let mut seen = BTreeSet::new();
    for path in paths {
        let page = browser.open(&format!("/fr/{path}")).await;
        for href in all_between(page.text(), "href=\"", "\"") {
            let href = unescape(href);
            if href.starts_with('/') && seen.insert(href.clone()) {
                let answer = browser.open(&href).await;
                assert_eq!(answer.status, StatusCode::OK, "{path}: {href}");
            }
        }
    }
    assert!(seen.len() > 30, "{}", seen.len());
}
