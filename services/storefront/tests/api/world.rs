//! A shop in a test: a router, and a small catalog behind it that can be slow, mad or gone.

use amazoff_storefront::{App, config::Config, router};
use axum::{
    Json, Router,
    extract::{Path, Query, State},
    response::{IntoResponse as _, Response},
    routing::get,
};
use clap::Parser as _;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kit::clock::Clock;
use serde_json::{Value, json};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tower::ServiceExt as _;

/// Where the shop believes that shoppers reach it.
pub(crate) const ORIGIN: &str = "https://shop.example";
/// The name that tries everything at once.
pub(crate) const HOSTILE: &str = "</script><script>alert('x')</script> \"quoted\" & <b>bold</b>";

/// How the catalog behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    Well,
    /// Has its categories, and no products yet.
    Hollow,
    /// Answers 503.
    Down,
    /// Answers something that is not what was agreed.
    Mad,
    /// Never answers.
    Slow,
}

pub(crate) struct TestShop {
    router: Router,
    mood: Arc<Mutex<Mood>>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.bytes).expect("text")
    }

    pub(crate) fn header(&self, name: header::HeaderName) -> &str {
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("ASCII"))
            .unwrap_or_default()
    }
}

impl TestShop {
    pub(crate) async fn new() -> Self {
        let mood = Arc::new(Mutex::new(Mood::Well));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let catalog = catalog(mood.clone());
        tokio::spawn(async move { axum::serve(listener, catalog).await });
        Self {
            router: shop(&format!("http://{address}"), &[]),
            mood,
        }
    }

    /// A shop whose catalog nobody ever started.
    pub(crate) fn without_catalog() -> Self {
        let port = kit::testing::free_port();
        Self {
            router: shop(&format!("http://127.0.0.1:{port}"), &[]),
            mood: Arc::new(Mutex::new(Mood::Well)),
        }
    }

    pub(crate) fn turn(&self, mood: Mood) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = mood;
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(
        &self,
        path: &str,
        headers: &[(header::HeaderName, &str)],
    ) -> Answer {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(name, *value);
        }
        let request = request.body(axum::body::Body::empty()).expect("a request");
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("an answer");
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            bytes: body.collect().await.expect("a body").to_bytes().to_vec(),
        }
    }
}

/// The shop over a catalog, and over the neighbors that more arguments name.
pub(crate) fn shop(catalog_url: &str, more: &[&str]) -> Router {
    let arguments = [
        "storefront",
        "--catalog-url",
        catalog_url,
        "--public-url",
        ORIGIN,
    ];
    let arguments = arguments.iter().chain(more);
    let config = Config::try_parse_from(arguments).expect("a configuration");
    router(App::new(&config, Clock::system()).expect("an application"))
}

pub(crate) fn catalog(mood: Arc<Mutex<Mood>>) -> Router {
    Router::new()
        .route(
            "/v1/categories",
            get(|| async { Json(json!({ "items": categories() })) }),
        )
        .route("/v1/products", get(list))
        .route("/v1/products/by-slug/{language}/{slug}", get(by_slug))
        .route("/v1/suggestions", get(suggest))
        .layer(axum::middleware::from_fn_with_state(mood, be_in_a_mood))
}

async fn be_in_a_mood(
    State(mood): State<Arc<Mutex<Mood>>>,
    request: axum::extract::Request,
    next: axum::middleware::Next,
) -> Response {
    let mood = *mood.lock().unwrap_or_else(PoisonError::into_inner);
    match mood {
        Mood::Well => next.run(request).await,
        Mood::Hollow if request.uri().path() == "/v1/categories" => {
            let mut categories = categories();
            for category in categories.as_array_mut().into_iter().flatten() {
                category["product_count"] = 0.into();
            }
            Json(json!({ "items": categories })).into_response()
        }
        Mood::Hollow => {
            Json(json!({ "items": [], "next_cursor": null, "total": 0 })).into_response()
        }
        Mood::Down => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Mad => Json(json!({ "items": "none of your business" })).into_response(),
        Mood::Slow => std::future::pending().await,
    }
}

async fn list(Query(query): Query<Vec<(String, String)>>) -> Response {
    let value = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let language = value("lang").unwrap_or("en");
    if value("cursor").is_some_and(|cursor| cursor.parse::<usize>().is_err()) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let words = value("q").unwrap_or_default();
    let corrected = (words == "teh").then_some("tea");
    let words = corrected.unwrap_or(words).to_lowercase();
    let matches = |product: &Value| {
        let name = product["name"][language]
            .as_str()
            .unwrap_or_default()
            .to_lowercase();
        let category = product["category"].as_str().unwrap_or_default();
        let brand = product["brand"].as_str();
        name.contains(&words)
            && value("category").is_none_or(|wanted| {
                category == wanted || category.starts_with(&format!("{wanted}/"))
            })
            && value("brand").is_none_or(|wanted| brand == Some(wanted))
    };
    let found: Vec<Value> = products().into_iter().filter(matches).collect();
    let limit: usize = value("limit")
        .and_then(|limit| limit.parse().ok())
        .unwrap_or(24);
    let start: usize = value("cursor")
        .and_then(|cursor| cursor.parse().ok())
        .unwrap_or(0);
    let items: Vec<Value> = found
        .iter()
        .skip(start)
        .take(limit)
        .map(|product| summary(product, language))
        .collect();
    let facets = json!({
        "categories": [{ "key": "grocery/tea", "name": "Tea", "count": 2 }],
        "brands": [{ "value": "Leaf & Co", "count": 2 }],
        "attributes": { "brand_type": [{ "value": "national", "count": 2 }] },
        "price": { "min": { "amount": 89, "currency": "EUR" }, "max": { "amount": 123_456, "currency": "EUR" } },
    });
    let next = (start + limit < found.len()).then(|| (start + limit).to_string());
    Json(json!({
        "items": items, "next_cursor": next, "total": found.len(), "corrected_query": corrected,
        "facets": value("facets").map(|_| facets),
    }))
    .into_response()
}

async fn by_slug(Path((language, slug)): Path<(String, String)>) -> Response {
    let found = products()
        .into_iter()
        .find(|product| product["slug"][&language] == slug.as_str());
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |product| Json(product).into_response(),
    )
}

async fn suggest(Query(query): Query<HashMap<String, String>>) -> Json<Value> {
    let tea = summary(&products()[0], &query["lang"]);
    Json(
        json!({ "queries": ["tea", "tea & <biscuits>"], "products": [tea], "categories": [{ "key": "grocery/tea", "name": "Tea" }] }),
    )
}

fn summary(product: &Value, language: &str) -> Value {
    json!({
        "id": product["id"], "key": product["key"], "name": product["name"][language], "slug": product["slug"][language],
        "category": product["category"], "brand": product["brand"], "variant_count": product["variants"].as_array().map(Vec::len),
        "price": { "from": product["variants"][0]["prices"][0], "to": product["variants"].as_array().and_then(|all| all.last()).map(|last| &last["prices"][0]) },
        "compare_at": product["variants"][0]["compare_at"].get(0), "image": null, "illustration": "tea",
    })
}

fn categories() -> Value {
    json!([
        { "key": "grocery", "parent": null, "name": { "en": "Grocery", "fr": "Épicerie" }, "slug": { "en": "grocery", "fr": "epicerie" }, "position": 1, "illustration": "basket", "product_count": 40 },
        { "key": "grocery/tea", "parent": "grocery", "name": { "en": "Tea", "fr": "Thé" }, "slug": { "en": "tea", "fr": "thé" }, "position": 1, "illustration": "tea", "product_count": 38 },
        { "key": "garden", "parent": null, "name": { "en": "Garden", "fr": "Jardin" }, "slug": { "en": "garden", "fr": "jardin" }, "position": 2, "illustration": null, "product_count": 0 },
    ])
}

/// Two products with something special, and enough plain ones for a second page.
fn products() -> Vec<Value> {
    let euros = |amount: i64| json!({ "amount": amount, "currency": "EUR" });
    let product = |number: usize, name: Value, slug: Value, variants: Value| {
        json!({
            "id": format!("0190aaaa-0000-7000-8000-{number:012}"), "key": format!("k-{number}"), "revision": 1, "status": "published",
            "name": name, "slug": slug, "description": { "en": "", "fr": "" }, "category": "grocery/tea", "brand": "Leaf & Co",
            "attributes": { "brand_type": "national" }, "options": ["size"], "variants": variants, "images": [],
            "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z",
        })
    };
    let mut products = vec![
        product(
            1,
            json!({ "en": "Green tea", "fr": "Thé vert" }),
            json!({ "en": "green-tea-1", "fr": "the-vert-1" }),
            json!([
                { "sku": "1-small", "options": { "size": "100 g" }, "prices": [euros(349)], "compare_at": [euros(499)] },
                { "sku": "1-large", "options": { "size": "16 oz (454 g)" }, "prices": [euros(123_456)], "compare_at": [] },
            ]),
        ),
        product(
            2,
            json!({ "en": HOSTILE, "fr": HOSTILE }),
            json!({ "en": "hostile-2", "fr": "hostile-2" }),
            json!([{ "sku": "2", "options": {}, "prices": [euros(89)], "compare_at": [] }]),
        ),
    ];
    products[0]["description"] = json!({ "en": "Picked in spring.\n\nKeep it dry.", "fr": "Cueilli au printemps.\n\nÀ garder au sec." });
    for number in 3..=40 {
        let variants = json!([{ "sku": number.to_string(), "options": {}, "prices": [{ "amount": 100, "currency": "USD" }], "compare_at": [] }]);
        let mut plain = product(
            number,
            json!({ "en": format!("Plain {number}"), "fr": format!("Simple {number}") }),
            json!({ "en": format!("plain-{number}"), "fr": format!("simple-{number}") }),
            variants,
        );
        plain["brand"] = Value::Null;
        products.push(plain);
    }
    products
}

/// A deadline that is far from what any page takes.
pub(crate) const SOON: Duration = Duration::from_secs(4);
