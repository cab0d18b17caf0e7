//! What holds for every page, in both languages.

use crate::{
    html::{all_between, attribute, between, tags, unescape},
    world::{HOSTILE, Mood, ORIGIN, TestShop},
};
use http::{StatusCode, header};
use std::collections::{BTreeSet, VecDeque};

/// Each page in English and in French, and whether search engines keep it.
const PAGES: [(&str, &str, bool); 8] = [
    ("/en/", "/fr/", true),
    ("/en/c/", "/fr/c/", true),
    ("/en/c/grocery", "/fr/c/epicerie", true),
    ("/en/c/grocery/tea", "/fr/c/epicerie/th%C3%A9", true),
    ("/en/p/green-tea-1", "/fr/p/the-vert-1", true),
    ("/en/p/hostile-2", "/fr/p/hostile-2", true),
    ("/en/search?q=tea", "/fr/search?q=th%C3%A9", false),
    ("/en/search?q=nothing", "/fr/search?q=rien", false),
];

#[tokio::test]
async fn every_page_is_complete_in_both_languages() {
    let shop = TestShop::new().await;
    for (english, french, is_indexed) in PAGES {
        for (path, language) in [(english, "en"), (french, "fr")] {
            let answer = shop.get(path).await;
            assert_eq!(answer.status, StatusCode::OK, "{path}");
            let html = answer.text();
            assert!(
                html.contains(&format!("<html lang=\"{language}\">")),
                "{path}"
            );
            assert_eq!(answer.header(header::CONTENT_LANGUAGE), language, "{path}");
            let title = between(html, "<title>", "</title>").expect("a title");
            assert!(
                title.len() > "Amazoff".len() && title.contains("Amazoff"),
                "{path}: {title}"
            );
            assert_eq!(
                all_between(html, "<h1", "</h1>").len(),
                1,
                "{path} has one first heading"
            );
            assert!(!html.contains("{{") && !html.contains("{%"), "{path}");

            let canonical = between(html, "<link rel=\"canonical\" href=\"", "\"");
            assert_eq!(
                canonical.map(str::to_owned),
                is_indexed.then(|| format!("{ORIGIN}{path}")),
                "{path}"
            );
            assert_eq!(
                html.contains("content=\"noindex, follow\""),
                !is_indexed,
                "{path}"
            );
            if is_indexed {
                for (hreflang, target) in [("en", english), ("fr", french), ("x-default", english)]
                {
                    let link = format!(
                        "<link rel=\"alternate\" hreflang=\"{hreflang}\" href=\"{ORIGIN}{target}\">"
                    );
                    assert!(html.contains(&link), "{path} lacks {link}");
                }
            }
            for json in all_between(html, "<script type=\"application/ld+json\">", "</script>") {
                serde_json::from_str::<serde_json::Value>(json)
                    .unwrap_or_else(|error| panic!("{path}: {error}: {json}"));
            }
        }
    }
}

#[tokio::test]
async fn nothing_runs_that_is_not_ours() {
    let shop = TestShop::new().await;
    for (english, french, _) in PAGES
        .into_iter()
        .chain([("/en/nowhere", "/fr/nulle-part", false)])
    {
        for path in [english, french] {
            let answer = shop.get(path).await;
            let policy = answer.header(header::CONTENT_SECURITY_POLICY);
            assert!(
                policy.contains("default-src 'none'") && !policy.contains("unsafe"),
                "{path}: {policy}"
            );
            assert_eq!(answer.header(header::X_CONTENT_TYPE_OPTIONS), "nosniff");
            let html = answer.text();
            for script in tags(html, "script") {
                let is_data = attribute(script, "type") == Some("application/ld+json");
                let is_ours =
                    attribute(script, "src").is_some_and(|src| src.starts_with("/assets/"));
                assert!(is_data || is_ours, "{path}: {script}");
            }
            assert!(
                !html.contains("<style") && !html.contains(" style=\""),
                "{path} has inline styles"
            );
            for tag in all_between(html, "<", ">") {
                for handler in [
                    " onclick=",
                    " onload=",
                    " onerror=",
                    " onchange=",
                    " onsubmit=",
                    "javascript:",
                ] {
                    assert!(!tag.contains(handler), "{path}: {tag}");
                }
            }
        }
    }
}

#[tokio::test]
async fn every_link_leads_somewhere() {
    let shop = TestShop::new().await;
    let mut seen = BTreeSet::from(["/en/".to_owned()]);
    let mut open = VecDeque::from(["/en/".to_owned()]);
    while let Some(path) = open.pop_front() {
        let answer = shop.get(&path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        if !answer.header(header::CONTENT_TYPE).starts_with("text/html") {
            continue;
        }
        let html = answer.text();
        let mut ids: Vec<&str> = all_between(html, " id=\"", "\"");
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{path} has an id twice");
        for href in all_between(html, "href=\"", "\"") {
            let href = unescape(href);
            if let Some(id) = href.strip_prefix('#') {
                assert!(ids.contains(&id), "{path}: {href}");
                continue;
            }
            let target = href
                .strip_prefix(ORIGIN)
                .unwrap_or(&href)
                .split('#')
                .next()
                .unwrap_or_default()
                .to_owned();
            assert!(
                target.starts_with('/') && !target.starts_with("//"),
                "{path}: {href}"
            );
            // Filters can be combined without end; one step into them is enough.
            let is_deep = target.matches('&').count() > 1;
            if !is_deep && seen.insert(target.clone()) {
                open.push_back(target);
            }
        }
    }
    assert!(seen.len() > 60, "the walk saw {} addresses", seen.len());
}

#[tokio::test]
async fn a_hostile_name_is_only_a_name() {
    let shop = TestShop::new().await;
    for path in [
        "/en/p/hostile-2",
        "/en/c/grocery/tea",
        "/en/",
        "/en/search?q=script",
    ] {
        let html = shop.get(path).await.text().to_owned();
        assert!(
            !html.contains("<script>alert") && !html.contains("<b>bold"),
            "{path}"
        );
    }
    let html = shop.get("/en/p/hostile-2").await.text().to_owned();
    let heading = between(&html, "<h1>", "</h1>").expect("a heading");
    assert_eq!(unescape(heading), HOSTILE);
    let query = shop
        .get("/fr/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .await;
    assert!(!query.text().contains("<script>alert"));
}

#[tokio::test]
async fn prices_are_written_as_each_language_does() {
    let shop = TestShop::new().await;
    for (path, price, was, unit) in [
        ("/en/p/green-tea-1", "€3.49", "€4.99", "€34.90 / kg"),
        (
            "/fr/p/the-vert-1",
            "3,49\u{a0}€",
            "4,99\u{a0}€",
            "34,90\u{a0}€ / kg",
        ),
        (
            "/en/p/green-tea-1?variant=1-large",
            "€1,234.56",
            "",
            "€2,721.74 / kg",
        ),
        (
            "/fr/p/the-vert-1?variant=1-large",
            "1\u{202f}234,56\u{a0}€",
            "",
            "2\u{202f}721,74\u{a0}€ / kg",
        ),
    ] {
        let html = shop.get(path).await.text().to_owned();
        let shown = between(&html, "id=\"price\"", "</div>").expect("a price");
        assert!(
            shown.contains(&format!("<span class=\"price-now\">{price}</span>")),
            "{path}: {shown}"
        );
        assert!(
            shown.contains(was) && shown.contains(unit),
            "{path}: {shown}"
        );
    }
    let html = shop.get("/fr/p/the-vert-1").await.text().to_owned();
    assert!(html.contains("454 g (16 oz)"), "sizes are metric first");
    let foreign = shop.get("/en/p/plain-3").await;
    assert!(
        foreign.text().contains("No price at the moment"),
        "a price in another currency is none"
    );
}

#[tokio::test]
async fn a_page_is_kept_and_compressed() {
    let shop = TestShop::new().await;
    let plain = shop.get("/en/p/green-tea-1").await;
    assert_eq!(
        plain.header(header::CACHE_CONTROL),
        "public, max-age=5, stale-while-revalidate=60"
    );
    assert_eq!(plain.header(header::VARY), "accept-encoding");
    let etag = plain.header(header::ETAG).to_owned();
    assert!(etag.starts_with("W/\""), "{etag}");

    let again = shop
        .get_with("/en/p/green-tea-1", &[(header::IF_NONE_MATCH, &etag)])
        .await;
    assert_eq!(
        (again.status, again.bytes.len()),
        (StatusCode::NOT_MODIFIED, 0)
    );
    assert_eq!(again.header(header::ETAG), etag);

    let compressed = shop
        .get_with(
            "/en/p/green-tea-1",
            &[(header::ACCEPT_ENCODING, "br, gzip")],
        )
        .await;
    assert_eq!(compressed.header(header::CONTENT_ENCODING), "gzip");
    assert!(compressed.bytes.len() * 3 < plain.bytes.len());
    let mut text = String::new();
    std::io::Read::read_to_string(
        &mut flate2::read::GzDecoder::new(&compressed.bytes[..]),
        &mut text,
    )
    .expect("gzip");
    assert_eq!(text, plain.text());
}

#[tokio::test]
async fn the_front_door_speaks_the_shoppers_language() {
    let shop = TestShop::new().await;
    for (wanted, location) in [
        ("fr-CA, en;q=0.5", "/fr/"),
        ("en-US", "/en/"),
        ("de", "/en/"),
        ("", "/en/"),
    ] {
        let answer = shop
            .get_with("/", &[(header::ACCEPT_LANGUAGE, wanted)])
            .await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        assert_eq!(answer.header(header::LOCATION), location, "{wanted}");
        assert_eq!(answer.header(header::VARY), "accept-language");
    }
    for path in ["/en", "/fr/c"] {
        assert_eq!(
            shop.get(path).await.header(header::LOCATION),
            format!("{path}/")
        );
    }
}

#[tokio::test]
async fn an_address_in_the_wrong_words_leads_to_the_right_ones() {
    let shop = TestShop::new().await;
    for (path, location) in [
        (
            "/fr/c/grocery/tea?sort=price",
            "/fr/c/epicerie/th%C3%A9?sort=price",
        ),
        ("/en/c/epicerie/th%c3%a9", "/en/c/grocery/tea"),
        ("/en/c/grocery/", "/en/c/grocery"),
        ("/fr/p/green-tea-1", "/fr/p/the-vert-1"),
    ] {
        let answer = shop.get(path).await;
        assert_eq!(answer.status, StatusCode::MOVED_PERMANENTLY, "{path}");
        assert_eq!(answer.header(header::LOCATION), location, "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_says_so_in_the_shoppers_language() {
    let shop = TestShop::new().await;
    for (path, title) in [
        ("/en/p/nothing", "This page isn’t on our shelves"),
        ("/fr/p/rien", "Cette page n’est pas dans nos rayons"),
        ("/fr/c/rien", "Cette page n’est pas dans nos rayons"),
        ("/fr/rien/du/tout", "Cette page n’est pas dans nos rayons"),
        (
            "/en/p/..%2f..%2fcategories",
            "This page isn’t on our shelves",
        ),
        ("/en/p/%2e%2e", "This page isn’t on our shelves"),
        ("/en/c/..%2f..%2f", "This page isn’t on our shelves"),
        ("/assets/..%2fCargo.toml", "This page isn’t on our shelves"),
        ("/de/", "This page isn’t on our shelves"),
        ("/wp-login.php", "This page isn’t on our shelves"),
    ] {
        let answer = shop.get(path).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
        assert!(answer.text().contains(title), "{path}");
        assert!(
            answer.text().contains("role=\"search\""),
            "{path} keeps the search box"
        );
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
    }
    let french = shop
        .get_with("/rien", &[(header::ACCEPT_LANGUAGE, "fr")])
        .await;
    assert!(
        french
            .text()
            .contains("Cette page n’est pas dans nos rayons")
    );
}

#[tokio::test]
async fn nonsense_in_the_address_is_no_failure() {
    let shop = TestShop::new().await;
    let long = format!("/en/search?q={}", "x".repeat(5000));
    for path in [
        long.as_str(),
        "/en/search?q=%00",
        "/en/search?sort=cheapest",
        "/en/search?price_min=abc",
        "/en/search?cursor=%3C%3E",
        "/en/search?cursor=not-one-of-ours",
        "/en/c/grocery?page=-1",
        "/en/c/grocery?attribute.$where=1",
        "/en/suggestions?q=%00",
    ] {
        let answer = shop.get(path).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}");
        assert!(
            answer.text().contains("We couldn’t read that address"),
            "{path}"
        );
    }
    for path in [
        "/en/search?limit=999999&lang=xx&facets=no",
        "/en/p/green-tea-1?variant=%00&x=y",
        "/en/search?q=%ff%fe",
    ] {
        assert_eq!(shop.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_shop_that_is_still_being_filled_counts_nothing_and_shows_its_products_at_once() {
    let shop = TestShop::new().await;
    shop.turn(Mood::Hollow);
    for path in ["/en/", "/fr/", "/en/c/", "/fr/c/", "/en/c/grocery"] {
        let answer = shop.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        let description =
            between(answer.text(), "name=\"description\" content=\"", "\"").expect("a description");
        assert!(!description.contains("0 product"), "{path}: {description}");
        assert!(
            !answer.text().contains("department-count"),
            "{path} counts no department"
        );
    }
    shop.turn(Mood::Well);
    kit::testing::wait_for("the first products to be counted", || async {
        let home = shop.get("/en/").await;
        (home.text().contains("40 products")
            && home.header(header::CACHE_CONTROL).starts_with("public"))
        .then_some(())
    })
    .await;
}
