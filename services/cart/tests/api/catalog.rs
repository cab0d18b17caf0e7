//! A catalog that knows what it is told, counts the questions and goes away when it is told to. It speaks real HTTP.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use axum::{Json, Router, extract::State, response::IntoResponse, routing::get};
use http::{StatusCode, Uri};
use serde_json::{Value, json};
use url::Url;

/// The catalog of a test.
#[derive(Clone, Default)]
pub(crate) struct Catalog {
    variants: Arc<Mutex<BTreeMap<String, Value>>>,
    questions: Arc<AtomicUsize>,
    is_away: Arc<AtomicBool>,
}

impl Catalog {
    /// One at an address of its own.
    pub(crate) async fn start() -> (Self, Url) {
        let catalog = Self::default();
        let router = Router::new()
            .route("/v1/variants", get(answer))
            .with_state(catalog.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(async move { axum::serve(listener, router).await });
        let url = Url::parse(&format!("http://{address}")).expect("an address");
        (catalog, url)
    }

    /// Something for sale, at a price in cents.
    pub(crate) fn sells(&self, sku: &str, cents: i64) {
        self.knows(variant(sku, cents));
    }

    pub(crate) fn knows(&self, variant: Value) {
        let sku = variant["sku"].as_str().expect("a SKU").to_owned();
        self.variants.lock().expect("whole").insert(sku, variant);
    }

    pub(crate) fn forgets(&self, sku: &str) {
        self.variants.lock().expect("whole").remove(sku);
    }

    pub(crate) fn go_away(&self, is_away: bool) {
        self.is_away.store(is_away, Ordering::SeqCst);
    }

    pub(crate) fn questions(&self) -> usize {
        self.questions.load(Ordering::SeqCst)
    }
}

/// A variant as the catalog tells it.
pub(crate) fn variant(sku: &str, cents: i64) -> Value {
    json!({
        "sku": sku, "product_id": "01890000-0000-7000-8000-000000000001",
        "name": {"en": format!("Tea {sku}"), "fr": format!("Thé {sku}")}, "slug": {"en": format!("tea-{sku}"), "fr": format!("the-{sku}")},
        "category": "grocery/tea", "illustration": "cup", "options": {"size": "100 g"},
        "prices": [{"amount": cents, "currency": "EUR"}, {"amount": cents + 1, "currency": "USD"}], "published": true,
    })
}

async fn answer(State(catalog): State<Catalog>, uri: Uri) -> axum::response::Response {
    if catalog.is_away.load(Ordering::SeqCst) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    catalog.questions.fetch_add(1, Ordering::SeqCst);
    let skus = uri.query().and_then(|query| query.strip_prefix("sku="));
    let variants = catalog.variants.lock().expect("whole");
    let items: Vec<&Value> = skus
        .unwrap_or_default()
        .split(',')
        .filter_map(|sku| variants.get(sku))
        .collect();
    Json(json!({"items": items})).into_response()
}
