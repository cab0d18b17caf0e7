//! A cart service of the test's own: a database, a catalog, one or more replicas, shoppers.

use std::sync::Arc;

use amazoff_cart::{App, db::Db, router};
use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kit::{
    auth::ServiceTokens,
    clock::Clock,
    money::Currency,
    testing::{FerretDb, TestIssuer},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use url::Url;

use crate::catalog::Catalog;

/// A shop's carts.
pub(crate) struct World {
    pub(crate) ferretdb: FerretDb,
    pub(crate) catalog: Catalog,
    pub(crate) clock: Clock,
    catalog_url: Url,
    issuer: Arc<TestIssuer>,
    orders: ServiceTokens,
}

/// One replica.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) app: App,
    router: Router,
}

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shopper {
    pub(crate) bearer: Option<String>,
    pub(crate) cart_token: Option<String>,
}

/// A guest's cart, and who may open it.
pub(crate) struct Opened {
    pub(crate) id: String,
    pub(crate) shopper: Shopper,
}

impl Opened {
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/carts/{}{rest}", self.id)
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

    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
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
        let (catalog, catalog_url) = Catalog::start().await;
        let clock = Clock::fixed(Timestamp::from_second(1_700_000_000).expect("a time"));
        let mut issuer = TestIssuer::new();
        Self {
            ferretdb: FerretDb::start().await,
            catalog,
            catalog_url,
            orders: issuer.service(&clock, "orders", &["events:send"]),
            issuer: Arc::new(issuer),
            clock,
        }
    }

    pub(crate) async fn replica(&self) -> Replica {
        let db = Db::open(&self.ferretdb.uri(), "cart")
            .await
            .expect("a valid address");
        let verifier = self.issuer.verifier(self.clock.clone());
        let catalog = self.catalog_url.clone();
        let app = App::new(db, verifier, self.clock.clone(), catalog, Currency::EUR).expect("TLS");
        Replica {
            router: router(app.clone()),
            app,
        }
    }

    /// A person, logged in.
    pub(crate) fn person(&self, subject: &str) -> Shopper {
        Shopper {
            bearer: Some(self.token(subject, &[])),
            cart_token: None,
        }
    }

    /// Someone who may do more than shoppers.
    pub(crate) fn caller(&self, permissions: &[&str]) -> Shopper {
        Shopper {
            bearer: Some(self.token("staff", permissions)),
            cart_token: None,
        }
    }

    /// The service that tells of orders.
    pub(crate) fn orders(&self) -> Shopper {
        let bearer = self.orders.bearer();
        let token = bearer.to_str().expect("text").strip_prefix("Bearer ");
        Shopper {
            bearer: token.map(str::to_owned),
            cart_token: None,
        }
    }

    fn token(&self, subject: &str, permissions: &[&str]) -> String {
        self.issuer.token(&self.clock, subject, permissions)
    }
}

impl Replica {
    pub(crate) async fn send(
        &self,
        shopper: &Shopper,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &shopper.bearer {
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        if let Some(token) = &shopper.cart_token {
            request = request.header("Cart-Token", token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                if !headers.iter().any(|(name, _)| *name == "content-type") {
                    request = request.header(header::CONTENT_TYPE, "application/json");
                }
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).expect("a request");
        let response = self.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("infallible").into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }

    pub(crate) async fn get(&self, shopper: &Shopper, path: &str) -> Answer {
        self.send(shopper, Method::GET, path, &[], None).await
    }

    pub(crate) async fn post(&self, shopper: &Shopper, path: &str, body: Value) -> Answer {
        self.send(shopper, Method::POST, path, &[], Some(body))
            .await
    }

    pub(crate) async fn put(&self, shopper: &Shopper, path: &str, body: Value) -> Answer {
        self.send(shopper, Method::PUT, path, &[], Some(body)).await
    }

    pub(crate) async fn delete(&self, shopper: &Shopper, path: &str) -> Answer {
        self.send(shopper, Method::DELETE, path, &[], None).await
    }

    /// A new guest's cart.
    pub(crate) async fn guest(&self) -> Opened {
        let answer = self
            .post(&Shopper::default(), "/v1/carts", json!({}))
            .await
            .expect(StatusCode::CREATED)
            .json();
        let text = |field: &str| answer[field].as_str().expect("text").to_owned();
        Opened {
            id: text("id"),
            shopper: Shopper {
                bearer: None,
                cart_token: Some(text("token")),
            },
        }
    }

    /// The personal cart of a person.
    pub(crate) async fn personal(&self, shopper: &Shopper) -> Opened {
        let answer = self
            .get(shopper, "/v1/me/cart")
            .await
            .expect(StatusCode::OK);
        Opened {
            id: answer.json()["id"].as_str().expect("an id").to_owned(),
            shopper: shopper.clone(),
        }
    }

    pub(crate) async fn add(&self, cart: &Opened, sku: &str, quantity: u32) -> Answer {
        let body = json!({"sku": sku, "quantity": quantity});
        self.post(&cart.shopper, &cart.path("/lines"), body).await
    }

    pub(crate) async fn set(&self, cart: &Opened, sku: &str, quantity: u32) -> Answer {
        let body = json!({"quantity": quantity});
        self.put(&cart.shopper, &cart.path(&format!("/lines/{sku}")), body)
            .await
    }

    pub(crate) async fn read(&self, cart: &Opened) -> Value {
        let answer = self.get(&cart.shopper, &cart.path("")).await;
        answer.expect(StatusCode::OK).json()
    }
}

/// What is in a cart, and how many of each.
pub(crate) fn lines(cart: &Value) -> Vec<(String, u64)> {
    let lines = cart["lines"].as_array().expect("lines");
    lines
        .iter()
        .map(|line| {
            let sku = line["sku"].as_str().expect("a SKU").to_owned();
            (sku, line["quantity"].as_u64().expect("a quantity"))
        })
        .collect()
}

/// The same, written briefly: `a×2 b×1`.
pub(crate) fn brief(cart: &Value) -> String {
    let lines = lines(cart);
    let words: Vec<String> = lines
        .iter()
        .map(|(sku, quantity)| format!("{sku}×{quantity}"))
        .collect();
    words.join(" ")
}
