//! Files that browsers fetch once and keep.

use crate::{html::between, world::TestShop};
use http::{StatusCode, header};

#[tokio::test]
async fn a_page_names_files_that_never_change() {
    let shop = TestShop::new().await;
    let html = shop.get("/en/").await.text().to_owned();
    let style = between(&html, "<link rel=\"stylesheet\" href=\"", "\"").expect("a style sheet");
    let script = between(&html, "<script type=\"module\" src=\"", "\"").expect("a script");
    let sprite = between(&html, "<use href=\"", "#").expect("a drawing");
    for path in [style, script, sprite] {
        let plain = shop.get(path).await;
        assert_eq!(
            plain.header(header::CACHE_CONTROL),
            "public, max-age=31536000, immutable",
            "{path}"
        );
        for (accepted, coding) in [
            ("gzip, br", "br"),
            ("gzip", "gzip"),
            ("identity", ""),
            ("br;q=0, gzip", "gzip"),
        ] {
            let answer = shop
                .get_with(path, &[(header::ACCEPT_ENCODING, accepted)])
                .await;
            assert_eq!(answer.header(header::CONTENT_ENCODING), coding, "{path}");
            assert!(
                coding.is_empty() || answer.bytes.len() < plain.bytes.len(),
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn a_file_of_another_version_is_lent_but_not_kept() {
    let shop = TestShop::new().await;
    let answer = shop.get("/assets/style.000000000000.css").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header(header::CACHE_CONTROL), "no-store");
    assert_eq!(
        shop.get("/assets/nothing.000000000000.css").await.status,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn browsers_find_the_icon_and_the_manifest() {
    let shop = TestShop::new().await;
    let icon = shop.get("/favicon.ico").await;
    assert_eq!(icon.status, StatusCode::PERMANENT_REDIRECT);
    assert_eq!(
        shop.get(icon.header(header::LOCATION))
            .await
            .header(header::CONTENT_TYPE),
        "image/svg+xml"
    );
    let manifest: serde_json::Value =
        serde_json::from_slice(&shop.get("/manifest.webmanifest").await.bytes).expect("JSON");
    assert_eq!(manifest["name"], "Amazoff");
}
