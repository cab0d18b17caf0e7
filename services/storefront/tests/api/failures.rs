//! A catalog that is down costs its part of the page, never the shop.

use crate::world::{Mood, SOON, TestShop};
use http::{StatusCode, header};

const PAGES: [(&str, &str); 5] = [
    ("/en/", "The shelves are out of reach for a moment"),
    ("/fr/", "Les rayons sont hors de portée un instant"),
    (
        "/fr/c/epicerie",
        "Les rayons sont hors de portée un instant",
    ),
    (
        "/en/search?q=tea",
        "The shelves are out of reach for a moment",
    ),
    (
        "/fr/p/the-vert-1",
        "Les rayons sont hors de portée un instant",
    ),
];

#[tokio::test]
async fn a_shop_whose_catalog_never_came_says_so() {
    let shop = TestShop::without_catalog();
    for (path, title) in PAGES {
        let answer = shop.get(path).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.header(header::CACHE_CONTROL), "no-store", "{path}");
        assert_eq!(answer.header(header::RETRY_AFTER), "5", "{path}");
        let html = answer.text();
        assert!(html.contains(title), "{path}");
        assert!(
            html.contains("role=\"search\""),
            "{path} keeps the search box"
        );
        assert!(
            html.contains(&format!("<a class=\"button\" href=\"{path}\">")),
            "{path} can be tried again"
        );
    }
    assert_eq!(shop.get("/robots.txt").await.status, StatusCode::OK);
    assert_eq!(shop.get("/en/c/").await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_departments_outlive_the_catalog() {
    for mood in [Mood::Down, Mood::Mad] {
        let shop = TestShop::new().await;
        assert_eq!(shop.get("/en/").await.status, StatusCode::OK);
        shop.turn(mood);
        let home = shop.get("/en/").await;
        assert_eq!(home.status, StatusCode::OK, "{mood:?}");
        assert_eq!(
            home.header(header::CACHE_CONTROL),
            "no-store",
            "nobody keeps a page with holes"
        );
        assert!(
            home.text().contains("/en/c/grocery") && home.text().contains("Try again"),
            "{mood:?}"
        );
        for (path, _) in &PAGES[2..] {
            let answer = shop.get(path).await;
            assert_eq!(
                answer.status,
                StatusCode::SERVICE_UNAVAILABLE,
                "{mood:?} {path}"
            );
            assert!(
                answer.text().contains("/c/"),
                "{mood:?} {path} keeps the departments"
            );
        }
        assert_eq!(
            shop.get("/en/suggestions?q=te").await.status,
            StatusCode::OK,
            "{mood:?}"
        );
    }
}

#[tokio::test]
async fn a_catalog_that_comes_back_is_shown_again() {
    let shop = TestShop::new().await;
    shop.turn(Mood::Down);
    assert_eq!(
        shop.get("/en/p/green-tea-1").await.status,
        StatusCode::SERVICE_UNAVAILABLE
    );
    shop.turn(Mood::Well);
    kit::testing::wait_for("the product", || async {
        let answer = shop.get("/en/p/green-tea-1").await;
        (answer.status == StatusCode::OK && answer.text().contains("Green tea")).then_some(())
    })
    .await;
}

#[tokio::test]
async fn nobody_waits_for_a_catalog_that_hangs() {
    let shop = TestShop::new().await;
    assert_eq!(shop.get("/en/").await.status, StatusCode::OK);
    shop.turn(Mood::Slow);
    let home = tokio::time::timeout(SOON, shop.get("/en/"))
        .await
        .expect("an answer in time");
    assert_eq!(home.status, StatusCode::OK);
    assert!(home.text().contains("/en/c/grocery"));
}
