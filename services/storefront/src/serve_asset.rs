//! Files: what the pages refer to, and the few that browsers and crawlers ask for by name.

use crate::{
    App,
    answer_page::accepts,
    assets::{self, Asset, ICON},
    show_error::not_found,
};
use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Redirect, Response},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};

const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// `GET /assets/{file}`
pub(crate) async fn serve_asset(State(app): State<App>, request: Request) -> Response {
    let path = request.uri().path();
    if let Some(asset) = assets::find(path) {
        return answer(asset, request.headers(), FOREVER);
    }
    // While a new version rolls out, a page of one version may ask the other for its style: the nearest one is better
    // than none, as long as nobody keeps it under the wrong name.
    match assets::find_other_version(path) {
        Some(asset) => answer(
            asset,
            request.headers(),
            HeaderValue::from_static("no-store"),
        ),
        None => not_found(State(app), request).await,
    }
}

/// `GET /favicon.ico`, for those who ask without reading the page.
pub(crate) async fn favicon() -> Redirect {
    Redirect::permanent(ICON.path)
}

/// `GET /robots.txt`
pub(crate) async fn robots(State(app): State<App>) -> Response {
    let text = format!(
        "User-agent: *\nDisallow: /en/search\nDisallow: /fr/search\nDisallow: /en/suggestions\nDisallow: /fr/suggestions\nSitemap: {}/sitemap.xml\n",
        app.origin
    );
    ([(header::CACHE_CONTROL, "public, max-age=3600")], text).into_response()
}

/// `GET /manifest.webmanifest`
pub(crate) async fn manifest() -> Response {
    let manifest = serde_json::json!({
        "name": "Amazoff",
        "short_name": "Amazoff",
        "start_url": "/",
        "display": "browser",
        "background_color": "#fbf7ef",
        "theme_color": "#123f2d",
        "icons": [{ "src": ICON.path, "type": ICON.content_type, "sizes": "any" }],
    });
    let headers = [
        (header::CONTENT_TYPE, "application/manifest+json"),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (headers, manifest.to_string()).into_response()
}

fn answer(asset: &'static Asset, accepted: &HeaderMap, cache: HeaderValue) -> Response {
    let (coding, content) = if accepts(accepted, "br") {
        (Some("br"), asset.brotli)
    } else if accepts(accepted, "gzip") {
        (Some("gzip"), asset.gzip)
    } else {
        (None, asset.plain)
    };
    let mut response = Bytes::from_static(content).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(asset.content_type),
    );
    headers.insert(header::CACHE_CONTROL, cache);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}
