//! A catalog of the test's own: a database, one or more replicas, staff.

use std::{sync::Arc, time::Duration};

use amazoff_catalog::{
    App,
    db::{Db, journal::Patience},
    refresh, router,
};
use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kit::{
    Health,
    clock::Clock,
    testing::{FerretDb, TestIssuer, wait_for},
};
use serde_json::{Value, json};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;

pub(crate) const REFRESH: Duration = Duration::from_millis(20);

/// A shop's catalog.
pub(crate) struct World {
    pub(crate) ferretdb: FerretDb,
    pub(crate) clock: Clock,
    issuer: Arc<TestIssuer>,
    database: String,
    patience: Patience,
}

/// One replica.
pub(crate) struct Replica {
    pub(crate) app: App,
    pub(crate) health: Health,
    router: Router,
    token: String,
    follower: JoinHandle<()>,
}

impl Drop for Replica {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

/// An answer, read to its end.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn lines(&self) -> Vec<Value> {
        let lines = self
            .body
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty());
        lines
            .map(|line| serde_json::from_slice(line).expect("a JSON line"))
            .collect()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }

    /// The fields that the problem names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().expect("a field").to_owned())
            .collect()
    }

    pub(crate) fn etag(&self) -> String {
        self.headers[header::ETAG]
            .to_str()
            .expect("text")
            .to_owned()
    }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_patience(Patience::default()).await
    }

    pub(crate) async fn with_patience(patience: Patience) -> Self {
        Self {
            ferretdb: FerretDb::start().await,
            clock: Clock::fixed(Timestamp::from_second(1_700_000_000).expect("a time")),
            issuer: Arc::new(TestIssuer::new()),
            database: "catalog".to_owned(),
            patience,
        }
    }

    pub(crate) async fn db(&self) -> Db {
        Db::open(&self.ferretdb.uri(), &self.database)
            .await
            .expect("a valid address")
    }

    /// A replica that is not ready yet.
    pub(crate) async fn starting_replica(&self) -> Replica {
        let app = App::with_patience(
            self.db().await,
            self.issuer.verifier(self.clock.clone()),
            self.clock.clone(),
            self.patience,
        )
        .expect("an index");
        let health = app.health();
        Replica {
            router: router(app.clone()),
            token: self.issuer.token(&self.clock, "staff", &["catalog:write"]),
            follower: tokio::spawn(refresh::run(app.clone(), health.clone(), REFRESH)),
            app,
            health,
        }
    }

    /// A replica whose read model is built.
    pub(crate) async fn replica(&self) -> Replica {
        let replica = self.starting_replica().await;
        replica.ready().await;
        replica
    }

    /// A replica with a few categories.
    pub(crate) async fn stocked(&self) -> Replica {
        let replica = self.replica().await;
        let categories = [
            ("grocery", "Grocery", "Épicerie"),
            ("grocery/dairy", "Dairy", "Crèmerie"),
            ("grocery/dairy/milk", "Milk", "Lait"),
            ("grocery/snacks", "Snacks", "Goûters"),
            ("home", "Home", "Maison"),
        ];
        let rows: Vec<Value> = categories.iter().map(|(key, en, fr)| json!({"key": key, "name": {"en": en, "fr": fr}, "illustration": (*key == "grocery").then_some("basket")})).collect();
        let report = replica.import("categories", &rows).await;
        assert_eq!(
            report.last().expect("a report")["accepted"],
            5,
            "{report:?}"
        );
        replica
            .eventually(
                "the categories",
                |list| {
                    list["items"]
                        .as_array()
                        .is_some_and(|items| items.len() == 5)
                },
                "/v1/categories",
            )
            .await;
        replica
    }

    pub(crate) fn token(&self, permissions: &[&str]) -> String {
        self.issuer.token(&self.clock, "someone", permissions)
    }
}

impl Replica {
    pub(crate) async fn ready(&self) {
        wait_for("the read model", async || {
            self.health.is_ready().then_some(())
        })
        .await;
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        let response = self
            .router
            .clone()
            .oneshot(request)
            .await
            .expect("infallible");
        let (parts, body) = response.into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path).body(Body::empty()).expect("a request"))
            .await
    }

    pub(crate) async fn staff(
        &self,
        method: Method,
        path: &str,
        if_match: Option<&str>,
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        if let Some(tag) = if_match {
            request = request.header(header::IF_MATCH, tag);
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).expect("a request")).await
    }

    pub(crate) async fn create(&self, product: &Value) -> Value {
        let answer = self
            .staff(Method::POST, "/v1/products", None, Some(product.clone()))
            .await;
        answer.expect(StatusCode::CREATED).json()
    }

    pub(crate) async fn import(&self, kind: &str, rows: &[Value]) -> Vec<Value> {
        let text = rows
            .iter()
            .map(Value::to_string)
            .collect::<Vec<_>>()
            .join("\n");
        self.import_body(&format!("/v1/imports/{kind}"), text.into())
            .await
            .expect(StatusCode::OK)
            .lines()
    }

    pub(crate) async fn import_body(&self, path: &str, body: Body) -> Answer {
        let request = Request::post(path)
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::CONTENT_TYPE, "application/x-ndjson")
            .body(body)
            .expect("a request");
        self.send(request).await
    }

    /// Waits until the answer at `path` is as wanted.
    pub(crate) async fn eventually(
        &self,
        what: &str,
        is_so: impl Fn(&Value) -> bool,
        path: &str,
    ) -> Value {
        wait_for(what, async || {
            let answer = self.get(path).await;
            let found = answer.status == StatusCode::OK && is_so(&answer.json());
            found.then(|| answer.json())
        })
        .await
    }

    /// Imports products and waits until they are listed.
    pub(crate) async fn stock(&self, rows: &[Value]) {
        let report = self.import("products", rows).await;
        assert_eq!(
            report.last().expect("a report")["rejected"],
            0,
            "{report:?}"
        );
        let total = report.last().expect("a report")["accepted"].clone();
        self.eventually(
            "the products",
            |list| list["total"] == total,
            "/v1/products",
        )
        .await;
    }
}

/// A product row that is for sale.
pub(crate) fn product(key: &str, en: &str, fr: &str) -> Value {
    json!({
        "key": key, "status": "published", "name": {"en": en, "fr": fr}, "category": "grocery/dairy/milk",
        "variants": [{"sku": format!("sku-{key}"), "prices": [{"amount": 100, "currency": "EUR"}]}],
    })
}

/// Changes fields of a row, named by JSON pointers; the last part may be new.
pub(crate) fn with(mut row: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, value) in changes {
        let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
        let parent = row.pointer_mut(parent).expect("the pointer fits");
        match parent {
            Value::Array(items) => items[field.parse::<usize>().expect("an index")] = value.clone(),
            parent => parent[field] = value.clone(),
        }
    }
    row
}

/// The names in a list.
pub(crate) fn names(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().expect("items");
    items
        .iter()
        .map(|item| item["name"].as_str().expect("a name").to_owned())
        .collect()
}

/// A facet as pairs.
pub(crate) fn counts(values: &Value) -> Vec<(String, u64)> {
    let values = values.as_array().cloned().unwrap_or_default();
    let pair = |value: &Value| {
        let name = value
            .get("value")
            .or_else(|| value.get("key"))
            .and_then(Value::as_str)
            .expect("a value");
        (name.to_owned(), value["count"].as_u64().expect("a count"))
    };
    values.iter().map(pair).collect()
}
