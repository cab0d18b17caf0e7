//! What search engines are told.

use crate::{
    html::all_between,
    world::{Mood, ORIGIN, TestShop},
};
use http::{StatusCode, header};
use std::collections::BTreeSet;

#[tokio::test]
async fn sitemaps_list_every_page_in_both_languages() {
    let shop = TestShop::new().await;
    let robots = shop.get("/robots.txt").await.text().to_owned();
    assert!(
        robots.contains(&format!("Sitemap: {ORIGIN}/sitemap.xml")),
        "{robots}"
    );
    let index = shop.get("/sitemap.xml").await;
    assert!(
        index
            .header(header::CONTENT_TYPE)
            .starts_with("application/xml")
    );

    let mut pages = BTreeSet::new();
    for sitemap in all_between(index.text(), "<loc>", "</loc>") {
        let sitemap = sitemap.strip_prefix(ORIGIN).expect("our own");
        let text = shop.get(sitemap).await.text().to_owned();
        assert!(
            text.starts_with("<?xml") && text.trim_end().ends_with("</urlset>"),
            "{sitemap}"
        );
        let urls = all_between(&text, "<url>", "</url>");
        assert!(urls.len() <= 50_000);
        for url in urls {
            let page = all_between(url, "<loc>", "</loc>")[0];
            assert!(pages.insert(page.to_owned()), "{page} is listed twice");
            assert_eq!(all_between(url, "hreflang=\"", "\"").len(), 2, "{page}");
        }
    }
    // Home and departments, two categories with products, forty products; all twice.
    assert_eq!(pages.len(), 2 * (2 + 2 + 40));
    for page in pages {
        let path = page.strip_prefix(ORIGIN).expect("our own");
        assert_eq!(shop.get(path).await.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn a_sitemap_is_never_half_told() {
    let shop = TestShop::new().await;
    assert_eq!(shop.get("/sitemap.xml").await.status, StatusCode::OK);
    shop.turn(Mood::Down);
    assert_eq!(
        shop.get("/sitemaps/all/grocery.xml").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    shop.turn(Mood::Well);
    for path in [
        "/sitemaps/all/nothing.xml",
        "/sitemaps/grocery.xml",
        "/sitemaps/all/..%2fx.xml",
    ] {
        assert_eq!(shop.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}
