//! The shop's addresses at a glance.

use crate::{
    App,
    choose_language::{add_slash, choose_language},
    serve_asset::{favicon, manifest, robots, serve_asset},
    show_category::show_category,
    show_departments::show_departments,
    show_error::not_found,
    show_home::show_home,
    show_product::show_product,
    show_search::{show_search, suggest},
    write_sitemap,
};
use axum::{Router, routing::get};

/// Every address of the shop.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(choose_language))
        .route("/{language}", get(add_slash))
        .route("/{language}/", get(show_home))
        .route("/{language}/c", get(add_slash))
        .route("/{language}/c/", get(show_departments))
        .route("/{language}/c/{*path}", get(show_category))
        .route("/{language}/p/{slug}", get(show_product))
        .route("/{language}/search", get(show_search))
        .route("/{language}/suggestions", get(suggest))
        .route("/assets/{file}", get(serve_asset))
        .route("/favicon.ico", get(favicon))
        .route("/manifest.webmanifest", get(manifest))
        .route("/robots.txt", get(robots))
        .route("/sitemap.xml", get(write_sitemap::index))
        .route("/sitemaps/pages.xml", get(write_sitemap::pages))
        .route("/sitemaps/{*chunk}", get(write_sitemap::products))
        .fallback(not_found)
        .with_state(app)
}
