//! A shop of the test's own: a database, neighbors, shoppers, staff.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use amazoff_orders::{
    App, Parts,
    clients::Neighbors,
    db::MIGRATIONS,
    expire_orders, router,
    terms::{DEFAULT, Terms},
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Path, Query, State},
    routing::get,
};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::SignedDuration;
use kit::{
    auth::ServiceTokens,
    clock::Clock,
    mariadb::{self, MySqlPool},
    seal::Sealer,
    testing::{MariaDb, Sink, TestIssuer},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

/// What an unpaid order holds its stock for.
pub(crate) const RESERVATION: Duration = Duration::from_mins(30);

/// A shop.
pub(crate) struct World {
    pub(crate) mariadb: MariaDb,
    pub(crate) clock: Clock,
    pub(crate) app: App,
    pub(crate) neighbors: Arc<Fakes>,
    pub(crate) cart: Sink,
    pub(crate) payment: Sink,
    pub(crate) notifications: Sink,
    issuer: TestIssuer,
    payment_tokens: ServiceTokens,
    address: String,
    key: std::path::PathBuf,
    router: Router,
    _folder: tempfile::TempDir,
}

/// What the neighbors know.
#[derive(Default)]
pub(crate) struct Fakes {
    carts: Mutex<HashMap<Uuid, (String, Value)>>,
    variants: Mutex<BTreeMap<String, Value>>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }

    /// The kind of the problem, such as `out-of-stock`.
    pub(crate) fn problem(&self) -> String {
        let kind = self.json()["type"].as_str().unwrap_or_default().to_owned();
        kind.trim_start_matches("/problems/").to_owned()
    }

    /// The fields that the problem names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().expect("a field").to_owned())
            .collect()
    }
}

/// Somebody who shops.
#[derive(Debug, Clone)]
pub(crate) struct Buyer {
    pub(crate) cart: Uuid,
    pub(crate) token: String,
    pub(crate) email: String,
}

/// An order as a guest has it.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) id: Uuid,
    pub(crate) token: String,
    pub(crate) total: i64,
    pub(crate) json: Value,
}

impl World {
    pub(crate) async fn new() -> Self {
        let mariadb = MariaDb::start().await;
        let pool = mariadb.pool(MIGRATIONS).await;
        let clock = Clock::fixed("2026-11-02T09:00:00Z".parse().expect("a time"));
        let neighbors = Arc::new(Fakes::default());
        let address = serve(Arc::clone(&neighbors)).await;
        let (cart, payment, notifications) = (
            Sink::start().await,
            Sink::start().await,
            Sink::start().await,
        );
        let mut issuer = TestIssuer::new();
        let payment_tokens = issuer.service(&clock, "payment", &["events:send", "orders:pay"]);
        let tokens = issuer.service(&clock, "orders", &["events:send"]);
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("master");
        std::fs::write(&key, "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").expect("written");
        let sinks = format!(
            "cart={} payment={} notifications={}",
            cart.url(),
            payment.url(),
            notifications.url()
        );
        let app = app(pool, &clock, &issuer, tokens, &sinks, &address, &key);
        Self {
            router: router(app.clone()),
            mariadb,
            clock,
            app,
            neighbors,
            cart,
            payment,
            notifications,
            issuer,
            payment_tokens,
            address,
            key,
            _folder: folder,
        }
    }

    /// Another replica with a pool of its own, whose events nobody hears until it delivers.
    pub(crate) fn replica(&mut self) -> App {
        let pool = mariadb::open(&self.mariadb.url(), 10).expect("an address");
        let tokens = self.issuer.service(&self.clock, "orders", &["events:send"]);
        let sinks = format!(
            "cart={} payment={} notifications={}",
            self.cart.url(),
            self.payment.url(),
            self.notifications.url()
        );
        app(
            pool,
            &self.clock,
            &self.issuer,
            tokens,
            &sinks,
            &self.address,
            &self.key,
        )
    }

    /// A variant with a price in euros, in a category, and units on the shelf.
    pub(crate) async fn stocked(&self, sku: &str, category: &str, amount: i64, on_hand: i64) {
        self.neighbors.sell(sku, category, amount);
        if on_hand > 0 {
            self.move_stock(sku, on_hand)
                .await
                .expect(StatusCode::CREATED);
        }
    }

    pub(crate) async fn move_stock(&self, sku: &str, delta: i64) -> Answer {
        let token = self.staff(&["stock:write"]);
        let body = json!({"sku": sku, "delta": delta, "reason": "counted"});
        let key = self.clock.uuid().to_string();
        self.send(
            Method::POST,
            "/v1/stock-movements",
            &[("authorization", &token), ("idempotency-key", &key)],
            Some(&body),
        )
        .await
    }

    /// A guest with these things in the cart.
    pub(crate) fn guest(&self, lines: &[(&str, u32)]) -> Buyer {
        self.guest_with(lines, None)
    }

    /// A guest with a coupon.
    pub(crate) fn guest_with(&self, lines: &[(&str, u32)], coupon: Option<&str>) -> Buyer {
        let id = self.clock.uuid();
        let buyer = Buyer {
            cart: id,
            token: format!("token-{id}"),
            email: format!("{id}@example.fr"),
        };
        let lines: Vec<Value> = lines.iter().map(|(sku, quantity)| json!({"sku": sku, "quantity": quantity, "unit_price": {"amount": 1, "currency": "EUR"}})).collect();
        let cart =
            json!({"id": id, "revision": 7, "currency": "EUR", "lines": lines, "coupon": coupon});
        self.neighbors
            .carts
            .lock()
            .expect("whole")
            .insert(id, (buyer.token.clone(), cart));
        buyer
    }

    /// What a guest sends to order.
    pub(crate) fn wish(buyer: &Buyer) -> Value {
        json!({
            "cart": {"id": buyer.cart}, "email": buyer.email, "locale": "fr", "shipping_method": "standard",
            "shipping_address": {"name": "Camille Martin", "line1": "12 rue des Lilas", "postal_code": "69003", "city": "Lyon", "country": "FR"},
        })
    }

    pub(crate) async fn place(&self, buyer: &Buyer, key: &str, wish: &Value) -> Answer {
        self.send(
            Method::POST,
            "/v1/orders",
            &[("cart-token", &buyer.token), ("idempotency-key", key)],
            Some(wish),
        )
        .await
    }

    /// The order of a guest with these things in the cart.
    pub(crate) async fn placed(&self, lines: &[(&str, u32)]) -> Placed {
        let buyer = self.guest(lines);
        self.placed_by(&buyer).await
    }

    pub(crate) async fn placed_by(&self, buyer: &Buyer) -> Placed {
        let answer = self
            .place(buyer, &self.clock.uuid().to_string(), &Self::wish(buyer))
            .await
            .expect(StatusCode::CREATED);
        let json = answer.json();
        Placed {
            id: json["id"].as_str().expect("an id").parse().expect("an id"),
            token: json["access_token"].as_str().unwrap_or_default().to_owned(),
            total: json["totals"]["total"]["amount"]
                .as_i64()
                .expect("an amount"),
            json,
        }
    }

    /// A paid order.
    pub(crate) async fn paid(&self, lines: &[(&str, u32)]) -> Placed {
        let placed = self.placed(lines).await;
        self.pay(&placed).await;
        placed
    }

    /// Pays an order; says with which payment.
    pub(crate) async fn pay(&self, order: &Placed) -> Uuid {
        let payment = self.clock.uuid();
        self.hear(&[self.captured(order.id, payment, order.total)])
            .await
            .expect(StatusCode::NO_CONTENT);
        payment
    }

    pub(crate) fn captured(&self, order: Uuid, payment: Uuid, amount: i64) -> Value {
        let data = json!({"payment_id": payment, "order_id": order, "amount": {"amount": amount, "currency": "EUR"}});
        self.event("amazoff.payment.captured", payment, &data)
    }

    pub(crate) fn event(&self, kind: &str, subject: Uuid, data: &Value) -> Value {
        json!({"specversion": "1.0", "id": self.clock.uuid(), "source": "/payment", "type": kind, "subject": subject, "time": self.clock.now(), "data": data})
    }

    /// What payment says.
    pub(crate) async fn hear(&self, events: &[Value]) -> Answer {
        let bearer = self.payment_tokens.bearer();
        let request = Request::post("/internal/v1/events")
            .header(header::AUTHORIZATION, bearer)
            .header(header::CONTENT_TYPE, "application/cloudevents-batch+json")
            .body(Body::from(serde_json::to_vec(events).expect("JSON")))
            .expect("a request");
        self.answer(request).await
    }

    /// Confirms the refunds that payment was asked for and has not answered; says how many.
    pub(crate) async fn refund_all(&self) -> usize {
        self.deliver().await;
        let asked: Vec<Value> = self
            .payment
            .events()
            .into_iter()
            .filter(|event| event.kind == "amazoff.order.refund_requested")
            .map(|event| event.data)
            .collect();
        for data in &asked {
            let data = json!({"refund_id": data["refund_id"], "order_id": data["order_id"], "amount": data["amount"]});
            let event = self.event("amazoff.payment.refunded", self.clock.uuid(), &data);
            self.hear(&[event]).await.expect(StatusCode::NO_CONTENT);
        }
        asked.len()
    }

    /// Delivers what the outbox holds.
    pub(crate) async fn deliver(&self) -> usize {
        self.app.relay.run_once().await.expect("delivered")
    }

    /// Moves the clock past the time to pay, and expires.
    pub(crate) async fn expire(&self) -> usize {
        self.clock.advance(RESERVATION);
        expire_orders::sweep(&self.app).await.expect("swept")
    }

    /// A bearer header of staff who may do this.
    pub(crate) fn staff(&self, permissions: &[&str]) -> String {
        self.person(&self.clock.uuid().to_string(), permissions)
    }

    /// A bearer header of somebody.
    pub(crate) fn person(&self, subject: &str, permissions: &[&str]) -> String {
        format!(
            "Bearer {}",
            self.issuer.token(&self.clock, subject, permissions)
        )
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(json) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.answer(request.body(body).expect("a request")).await
    }

    pub(crate) async fn answer(&self, request: Request<Body>) -> Answer {
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

    /// An order as its guest sees it.
    pub(crate) async fn read(&self, order: &Placed) -> Value {
        let answer = self
            .send(
                Method::GET,
                &format!("/v1/orders/{}", order.id),
                &[("order-token", &order.token)],
                None,
            )
            .await;
        answer.expect(StatusCode::OK).json()
    }

    /// What a guest does to an order.
    pub(crate) async fn act(&self, order: &Placed, what: &str, body: Option<&Value>) -> Answer {
        self.send(
            Method::POST,
            &format!("/v1/orders/{}/{what}", order.id),
            &[("order-token", &order.token)],
            body,
        )
        .await
    }

    /// What staff do to an order.
    pub(crate) async fn work(&self, order: &Placed, what: &str, body: Option<&Value>) -> Answer {
        let (token, key) = (
            self.staff(&["orders:write", "orders:read"]),
            self.clock.uuid().to_string(),
        );
        self.send(
            Method::POST,
            &format!("/v1/orders/{}/{what}", order.id),
            &[("authorization", &token), ("idempotency-key", &key)],
            body,
        )
        .await
    }

    /// The sums of everything, which must add up.
    pub(crate) async fn ledger(&self) -> Value {
        let token = self.staff(&["ledger:read"]);
        let ledger = self
            .send(
                Method::GET,
                "/v1/ledger",
                &[("authorization", &token)],
                None,
            )
            .await
            .expect(StatusCode::OK)
            .json();
        assert_eq!(ledger["balanced"], true, "{ledger}");
        ledger
    }

    /// What is there of a variant, and what of it is promised.
    pub(crate) async fn level(&self, sku: &str) -> (i64, i64) {
        let mut connection = self.app.pool.acquire().await.expect("a connection");
        let levels = amazoff_orders::db::stock::levels(&mut connection, &[sku])
            .await
            .expect("read");
        levels
            .first()
            .map_or((0, 0), |(_, on_hand, reserved)| (*on_hand, *reserved))
    }
}

fn app(
    pool: MySqlPool,
    clock: &Clock,
    issuer: &TestIssuer,
    tokens: ServiceTokens,
    sinks: &str,
    neighbors: &str,
    key: &std::path::Path,
) -> App {
    let url = |path: &str| format!("{neighbors}{path}").parse().expect("an address");
    App::new(Parts {
        clock: clock.clone(),
        verifier: issuer.verifier(clock.clone()),
        pool,
        neighbors: Neighbors::new(url("/"), url("/"), url("/")).expect("clients"),
        sealer: Sealer::from_file(key).expect("a key"),
        tokens,
        sinks: sinks.parse().expect("sinks"),
        terms: Terms::parse(DEFAULT).expect("terms"),
        public_url: "https://shop.example/".to_owned(),
        reservation: SignedDuration::try_from(RESERVATION).expect("short"),
    })
    .expect("an app")
}

impl Fakes {
    /// From now on the catalog sells this.
    pub(crate) fn sell(&self, sku: &str, category: &str, amount: i64) {
        let variant = json!({
            "sku": sku, "product_id": Uuid::from_u128(1), "name": {"en": format!("The {sku}"), "fr": format!("Le {sku}")}, "slug": {"en": sku, "fr": sku},
            "category": category, "options": {"size": "1 l"}, "prices": [{"amount": amount, "currency": "EUR"}], "published": true,
        });
        self.variants
            .lock()
            .expect("whole")
            .insert(sku.to_owned(), variant);
    }

    /// From now on it does not.
    pub(crate) fn withdraw(&self, sku: &str) {
        self.variants.lock().expect("whole").remove(sku);
    }
}

/// Serves the neighbors for as long as the test lasts.
async fn serve(fakes: Arc<Fakes>) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let router = Router::new()
        .route("/v1/carts/{id}", get(read_cart))
        .route("/v1/variants", get(list_variants))
        .route(
            "/v1/me",
            get(async || axum::Json(json!({"email": "member@example.fr"}))),
        )
        .with_state(fakes);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn read_cart(
    State(fakes): State<Arc<Fakes>>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
) -> Result<axum::Json<Value>, StatusCode> {
    let carts = fakes.carts.lock().expect("whole");
    let (token, cart) = carts.get(&id).ok_or(StatusCode::NOT_FOUND)?;
    let sent = headers
        .get("cart-token")
        .and_then(|value| value.to_str().ok());
    if sent == Some(token) || headers.contains_key(header::AUTHORIZATION) {
        Ok(axum::Json(cart.clone()))
    } else {
        Err(StatusCode::NOT_FOUND)
    }
}

async fn list_variants(
    State(fakes): State<Arc<Fakes>>,
    Query(query): Query<HashMap<String, String>>,
) -> axum::Json<Value> {
    assert_eq!(
        query.get("live").map(String::as_str),
        Some("true"),
        "money is taken at the prices of now"
    );
    let variants = fakes.variants.lock().expect("whole");
    let items: Vec<&Value> = query["sku"]
        .split(',')
        .filter_map(|sku| variants.get(sku))
        .collect();
    axum::Json(json!({"items": items}))
}
