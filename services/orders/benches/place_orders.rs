//! How fast orders are placed and paid: `cargo bench -p amazoff-orders -- [seconds] [lines per order] [orders/s]`.
//!
//! The service alone, against a `MariaDB` on the local disk that syncs each commit; the cart, the catalog and whoever hears events are stubs that answer
//! at once. First as fast as it goes with some numbers of shoppers, then at a fixed rate, whose latencies count from when each order was due.
#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]
#![expect(
    clippy::expect_used,
    reason = "a bench that can't go on says why and ends"
)]

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use amazoff_orders::{
    App, Parts,
    clients::Neighbors,
    db::MIGRATIONS,
    router,
    terms::{DEFAULT, Terms},
};
use axum::{
    Router,
    body::Body,
    extract::{Path, Query},
    http::{Request, StatusCode, header},
    routing::{get, post},
};
use http_body_util::BodyExt as _;
use kit::{
    auth::ServiceTokens,
    clock::Clock,
    mariadb,
    seal::Sealer,
    testing::{MariaDb, TestIssuer},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt as _;

/// Variants that shoppers buy: the first of them every third time.
const VARIANTS: u64 = 2000;

struct Shop {
    router: Router,
    clock: Clock,
    issuer: TestIssuer,
    payment: ServiceTokens,
    lines: u64,
    orders: AtomicU64,
}

fn main() {
    let mut numbers = std::env::args()
        .skip(1)
        .filter_map(|argument| argument.parse::<u64>().ok());
    let seconds = numbers.next().unwrap_or(10);
    let lines = numbers.next().unwrap_or(3);
    let rate = numbers.next().unwrap_or(60);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(Duration::from_secs(seconds), lines, rate));
}

async fn run(lasting: Duration, lines: u64, rate: u64) {
    let mariadb = MariaDb::start().await;
    let shop = Arc::new(open(&mariadb, lines).await);
    println!(
        "{lines} lines an order, one of {VARIANTS} variants every third time; each order is placed, then paid"
    );
    for shoppers in [1, 8, 32] {
        let (took, latencies) = closed_loop(&shop, shoppers, lasting).await;
        report(&format!("{shoppers} shoppers"), took, latencies);
    }
    let (took, latencies) = open_loop(&shop, rate, lasting).await;
    report(&format!("{rate} orders/s asked for"), took, latencies);
    let token = format!(
        "Bearer {}",
        shop.issuer.token(&shop.clock, "staff", &["ledger:read"])
    );
    let request = Request::get("/v1/ledger")
        .header(header::AUTHORIZATION, token)
        .body(Body::empty())
        .expect("a request");
    let (_, ledger) = send(&shop, request).await;
    assert_eq!(ledger["balanced"], true, "{ledger}");
    println!("ledger balanced: {}", ledger["units"]);
}

async fn open(mariadb: &MariaDb, lines: u64) -> Shop {
    drop(mariadb.pool(MIGRATIONS).await);
    let clock = Clock::system();
    let mut issuer = TestIssuer::new();
    let payment = issuer.service(&clock, "payment", &["events:send"]);
    let tokens = issuer.service(&clock, "orders", &["events:send"]);
    let stubs = stubs(lines).await;
    let url = |path: &str| format!("{stubs}{path}").parse().expect("an address");
    let sinks = ["cart", "payment", "notifications"]
        .map(|name| format!("{name}={stubs}/internal/v1/events"));
    let app = App::new(Parts {
        verifier: issuer.verifier(clock.clone()),
        pool: mariadb::open(&mariadb.url(), 16).expect("an address"),
        neighbors: Neighbors::new(url("/"), url("/"), url("/")).expect("clients"),
        sealer: Sealer::from_base64("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=").expect("a key"),
        tokens,
        sinks: sinks.join(" ").parse().expect("sinks"),
        terms: Terms::parse(DEFAULT).expect("terms"),
        public_url: "https://shop.example".to_owned(),
        reservation: jiff::SignedDuration::from_mins(30),
        clock: clock.clone(),
    })
    .expect("an app");
    tokio::spawn(app.relay.clone().run());
    let shop = Shop {
        router: router(app),
        issuer,
        payment,
        clock,
        lines,
        orders: AtomicU64::new(0),
    };
    let stock: Vec<String> = (0..VARIANTS)
        .map(|sku| format!("{{\"sku\":\"{sku}\",\"on_hand\":1000000}}"))
        .collect();
    let token = format!(
        "Bearer {}",
        shop.issuer.token(&shop.clock, "staff", &["stock:write"])
    );
    let request = Request::post("/v1/stock/imports")
        .header(header::AUTHORIZATION, token)
        .header(header::CONTENT_TYPE, "application/x-ndjson")
        .body(Body::from(stock.join("\n")))
        .expect("a request");
    let (status, report) = send(&shop, request).await;
    assert_eq!(
        (status, &report["accepted"]),
        (StatusCode::OK, &json!(VARIANTS))
    );
    shop
}

/// Neighbors that answer at once: a cart's id says what is in it.
async fn stubs(lines: u64) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    let cart = move |Path(id): Path<uuid::Uuid>| async move {
        let seed = u64::from_le_bytes(id.as_bytes()[8..].try_into().expect("eight bytes"));
        let line = |index: u64| {
            let sku = if index == 0 && seed.is_multiple_of(3) {
                0
            } else {
                (seed / 7 + index * 131) % VARIANTS
            };
            json!({"sku": sku.to_string(), "quantity": 1})
        };
        let lines: Vec<Value> = (0..lines).map(line).collect();
        axum::Json(json!({"id": id, "revision": 1, "currency": "EUR", "lines": lines}))
    };
    let variants = |Query(query): Query<HashMap<String, String>>| async move {
        let variant = |sku: &str| {
            json!({
                "sku": sku, "product_id": uuid::Uuid::nil(), "name": {"en": "Whole milk", "fr": "Lait entier"}, "slug": {"en": "milk", "fr": "lait"},
                "category": "dairy/milk", "options": {}, "prices": [{"amount": 129, "currency": "EUR"}], "published": true,
            })
        };
        let items: Vec<Value> = query["sku"].split(',').map(variant).collect();
        axum::Json(json!({"items": items}))
    };
    let router = Router::new()
        .route("/v1/carts/{id}", get(cart))
        .route("/v1/variants", get(variants))
        .route(
            "/internal/v1/events",
            post(|| async { StatusCode::NO_CONTENT }),
        );
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn send(shop: &Shop, request: Request<Body>) -> (StatusCode, Value) {
    let response = shop
        .router
        .clone()
        .oneshot(request)
        .await
        .expect("infallible");
    let status = response.status();
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body")
        .to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// Places an order and pays it; says how long placing took.
async fn buy(shop: &Shop) -> Duration {
    let number = shop.orders.fetch_add(1, Ordering::Relaxed);
    let cart = shop.clock.uuid();
    let order = json!({
        "cart": {"id": cart}, "email": format!("shopper-{number}@example.fr"), "locale": "fr", "shipping_method": "standard",
        "shipping_address": {"name": "Camille Martin", "line1": "12 rue des Lilas", "postal_code": "69003", "city": "Lyon", "country": "FR"},
    });
    let request = Request::post("/v1/orders")
        .header("cart-token", "anything")
        .header("idempotency-key", cart.to_string())
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(order.to_string()))
        .expect("a request");
    let started = Instant::now();
    let (status, placed) = send(shop, request).await;
    let took = started.elapsed();
    assert_eq!(status, StatusCode::CREATED, "{placed}");
    assert_eq!(
        placed["lines"].as_array().map(Vec::len),
        usize::try_from(shop.lines).ok()
    );
    let data = json!({"payment_id": shop.clock.uuid(), "order_id": placed["id"], "amount": placed["totals"]["total"]});
    let event = json!([{"specversion": "1.0", "id": shop.clock.uuid(), "source": "/payment", "type": "amazoff.payment.captured", "time": shop.clock.now(), "data": data}]);
    let request = Request::post("/internal/v1/events")
        .header(header::AUTHORIZATION, shop.payment.bearer())
        .header(header::CONTENT_TYPE, "application/cloudevents-batch+json")
        .body(Body::from(event.to_string()))
        .expect("a request");
    let (status, problem) = send(shop, request).await;
    assert_eq!(status, StatusCode::NO_CONTENT, "{problem}");
    took
}

async fn closed_loop(
    shop: &Arc<Shop>,
    shoppers: usize,
    lasting: Duration,
) -> (Duration, Vec<Duration>) {
    let started = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..shoppers {
        let shop = Arc::clone(shop);
        running.spawn(async move {
            let mut latencies = Vec::new();
            while started.elapsed() < lasting {
                latencies.push(buy(&shop).await);
            }
            latencies
        });
    }
    let latencies = running.join_all().await.concat();
    (started.elapsed(), latencies)
}

async fn open_loop(shop: &Arc<Shop>, rate: u64, lasting: Duration) -> (Duration, Vec<Duration>) {
    let started = Instant::now();
    let mut running = JoinSet::new();
    let count = rate * lasting.as_secs();
    for number in 0..count {
        let due = started + Duration::from_micros(number * 1_000_000 / rate);
        tokio::time::sleep_until(due.into()).await;
        let shop = Arc::clone(shop);
        running.spawn(async move {
            let late = due.elapsed();
            late + buy(&shop).await
        });
    }
    let latencies = running.join_all().await;
    (started.elapsed(), latencies)
}

fn report(what: &str, took: Duration, mut latencies: Vec<Duration>) {
    latencies.sort_unstable();
    let at = |thousandth: usize| {
        latencies
            .get(latencies.len() * thousandth / 1000)
            .or_else(|| latencies.last())
            .copied()
            .unwrap_or_default()
    };
    let count = u128::try_from(latencies.len()).unwrap_or(0);
    let rate = count * 1000 / took.as_millis().max(1);
    println!(
        "{what}: {rate} orders/s placed and paid, placing p50 {:?} p95 {:?} p99 {:?}",
        at(500),
        at(950),
        at(990)
    );
}
