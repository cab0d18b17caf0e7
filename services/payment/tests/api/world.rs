//! A payment service of the test's own: a database, its neighbours, the providers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use amazoff_payment::{
    App,
    clients::{Providers, https::Https, paypal::Paypal, stripe::Stripe, test::TestProvider},
    db::MIGRATIONS,
    router, sweep_payments,
};
use axum::{
    Router,
    body::{Body, Bytes},
};
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kit::{
    auth::ServiceTokens,
    client::{Client, Limits},
    clock::Clock,
    inbox::Event,
    outbox::{Relay, Sinks},
    testing::{MariaDb, Sink, TestIssuer},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use crate::fakes::{
    orders::{FakeOrders, Order},
    paypal::{Authority, FakePaypal, WEBHOOK_ID},
    stripe::{self, FakeStripe, SECRET_KEY, WEBHOOK_SECRET},
};

pub(crate) const TEST_SECRET: &str = "test-provider-secret";
pub(crate) const LATE: Duration = Duration::from_mins(1);

/// Everything around one replica.
pub(crate) struct World {
    pub(crate) mariadb: MariaDb,
    pub(crate) orders: FakeOrders,
    pub(crate) stripe: FakeStripe,
    pub(crate) paypal: FakePaypal,
    pub(crate) sink: Sink,
    pub(crate) clock: Clock,
    pub(crate) app: App,
    pub(crate) orders_tokens: ServiceTokens,
    pub(crate) users_tokens: ServiceTokens,
    issuer: TestIssuer,
    router: Router,
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
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("text")
    }

    #[track_caller]
    pub(crate) fn expect(self, status: StatusCode) -> Self {
        assert_eq!(self.status, status, "{:?}", self.body);
        self
    }

    /// Stable name of the problem.
    pub(crate) fn problem(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }

    /// The fields that the problem names.
    pub(crate) fn fields(&self) -> Vec<String> {
        let problem = self.json();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let fields = errors.iter().filter_map(|error| error["field"].as_str());
        fields.map(str::to_owned).collect()
    }
}

impl World {
    /// A shop that offers all three providers.
    pub(crate) async fn new() -> Self {
        Self::with_authorities(&[]).await
    }

    /// The same, which believes these about `PayPal`.
    pub(crate) async fn with_authorities(authorities: &[&Authority]) -> Self {
        let (mariadb, orders, stripe, paypal, sink) = tokio::join!(
            MariaDb::start(),
            FakeOrders::start(),
            FakeStripe::start(),
            FakePaypal::start(),
            Sink::start(),
        );
        // Certificates that are made now are valid now.
        let clock = Clock::fixed(Clock::system().now());
        let pool = mariadb.pool(MIGRATIONS).await;
        let mut issuer = TestIssuer::new();
        let tokens = issuer.service(&clock, "payment", &["orders:pay", "events:send"]);
        let orders_tokens = issuer.service(&clock, "orders", &["events:send"]);
        let users_tokens = issuer.service(&clock, "users", &["people:export", "people:erase"]);
        let sinks: Sinks = format!("orders={}", sink.url()).parse().expect("a sink");
        let relay =
            Relay::new(pool.clone(), sinks, tokens.clone(), clock.clone()).expect("a relay");
        let limits = Limits {
            deadline: Duration::from_secs(5),
            retries: 0,
        };
        let url = |url: &str| url.parse().expect("an address");
        let providers = Providers {
            test: Some(TestProvider {
                webhook_secret: TEST_SECRET.to_owned(),
                late_seconds: u32::try_from(LATE.as_secs()).expect("short"),
            }),
            stripe: Some(Stripe {
                https: Https::new().expect("authorities"),
                api: url(&stripe.url),
                secret_key: SECRET_KEY.to_owned(),
                publishable_key: "pk_test_fake".to_owned(),
                webhook_secret: WEBHOOK_SECRET.to_owned(),
            }),
            paypal: Some(Paypal {
                https: Https::new().expect("authorities"),
                api: url(&paypal.url),
                client_id: "client".to_owned(),
                client_secret: "secret".to_owned(),
                webhook_id: WEBHOOK_ID.to_owned(),
                certificates_from: url(&paypal.url),
                authorities: authorities
                    .iter()
                    .map(|authority| authority.root())
                    .collect(),
                public_url: url("https://shop.example/"),
                clock: clock.clone(),
                token: tokio::sync::Mutex::default(),
                certificates: Mutex::default(),
            }),
        };
        let app = App {
            clock: clock.clone(),
            verifier: issuer.verifier(clock.clone()),
            pool,
            relay,
            providers: Arc::new(providers),
            orders: Arc::new(Client::new("orders", url(&orders.url), limits).expect("a client")),
            tokens,
            public_url: "https://shop.example".into(),
            sweep: Arc::default(),
        };
        Self {
            router: router(app.clone()),
            mariadb,
            orders,
            stripe,
            paypal,
            sink,
            clock,
            app,
            orders_tokens,
            users_tokens,
            issuer,
        }
    }

    /// An order of a guest that waits for 10.99 €.
    pub(crate) fn order(&self) -> Order {
        self.order_of("ann@example.org", |_| {})
    }

    /// The same, of this address and with changes.
    pub(crate) fn order_of(&self, email: &str, change: impl FnOnce(&mut Value)) -> Order {
        let id = self.clock.uuid();
        let expires_at = self.clock.now() + Duration::from_mins(30);
        let mut payable = json!({
            "order_id": id, "number": "A-1001", "amount": {"amount": 1099, "currency": "EUR"}, "state": "placed", "email": email, "locale": "fr",
            "expires_at": expires_at,
        });
        change(&mut payable);
        let order = Order {
            id,
            token: format!("token-{id}"),
            bearer: None,
            payable,
        };
        self.orders.put(order.clone());
        order
    }

    /// A token of a person.
    pub(crate) fn token(&self, subject: &str, permissions: &[&str]) -> String {
        self.issuer.token(&self.clock, subject, permissions)
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        send(self.router.clone(), request).await
    }

    /// A way to ask that outlives the borrow: for requests at the same time.
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    pub(crate) async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(request(Method::GET, path, headers, None)).await
    }

    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        self.send(request(Method::POST, path, headers, body)).await
    }

    /// Begins to pay an order.
    pub(crate) async fn start(&self, order: &Order, provider: &str, key: &str) -> Answer {
        self.send(start(order, provider, key)).await
    }

    /// Begins to pay an order, and is told what to do.
    pub(crate) async fn started(&self, order: &Order, provider: &str) -> Value {
        let key = self.clock.uuid().to_string();
        let answer = self.start(order, provider, &key).await;
        answer.expect(StatusCode::CREATED).json()
    }

    pub(crate) async fn read(&self, order: &Order, payment: &Value) -> Value {
        let path = format!("/v1/payments/{}", text(&payment["id"]));
        let answer = self.get(&path, &[("order-token", &order.token)]).await;
        answer.expect(StatusCode::OK).json()
    }

    pub(crate) async fn sync(&self, order: &Order, payment: &Value) -> Answer {
        let path = format!("/v1/payments/{}/sync", text(&payment["id"]));
        self.post(&path, &[("order-token", &order.token)], None)
            .await
    }

    /// Stripe says something.
    pub(crate) async fn stripe_says(&self, event: &str, kind: &str, object: &Value) -> Answer {
        self.send(self.stripe_webhook(event, kind, object)).await
    }

    pub(crate) fn stripe_webhook(&self, event: &str, kind: &str, object: &Value) -> Request<Body> {
        let body = stripe::event(event, kind, object);
        let signature = stripe::signature(&body, self.clock.now());
        Request::post("/v1/webhooks/stripe")
            .header("stripe-signature", signature)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body))
            .expect("a request")
    }

    /// `PayPal` says something.
    pub(crate) async fn paypal_says(
        &self,
        authority: &Authority,
        event: &str,
        kind: &str,
        resource: &Value,
    ) -> Answer {
        let body = crate::fakes::paypal::event(event, kind, resource);
        let headers = self.paypal.headers(authority, &body, self.clock.now());
        self.send(paypal_webhook(&headers, body)).await
    }

    /// Orders says something.
    pub(crate) async fn orders_say(&self, kind: &str, data: &Value) -> Answer {
        let event = self.event(kind, data);
        self.orders_send(&[event]).await
    }

    pub(crate) fn event(&self, kind: &str, data: &Value) -> Value {
        json!({
            "specversion": "1.0", "id": self.clock.uuid(), "source": "/orders", "type": kind, "subject": data["order_id"],
            "time": self.clock.now(), "data": data,
        })
    }

    pub(crate) async fn orders_send(&self, events: &[Value]) -> Answer {
        let request = Request::post("/internal/v1/events")
            .header(header::AUTHORIZATION, self.orders_tokens.bearer())
            .header(header::CONTENT_TYPE, "application/cloudevents-batch+json")
            .body(Body::from(json!(events).to_string()))
            .expect("a request");
        self.send(request).await
    }

    /// Time passes, and the sweeper comes by.
    pub(crate) async fn sweep_after(&self, by: Duration) {
        self.clock.advance(by);
        self.sweep().await;
    }

    pub(crate) async fn sweep(&self) {
        sweep_payments::run_once(&self.app).await.expect("swept");
    }

    /// All that orders was told, in order.
    pub(crate) async fn told(&self) -> Vec<Event> {
        self.app.relay.run_once().await.expect("delivered");
        self.sink.events()
    }

    /// The types of all that orders was told of this order, in order.
    pub(crate) async fn told_of(&self, order: Uuid) -> Vec<String> {
        let told = self.told().await;
        let of_order = told
            .into_iter()
            .filter(|event| event.subject == order.to_string());
        of_order
            .map(|event| event.kind.trim_start_matches("amazoff.payment.").to_owned())
            .collect()
    }

    /// What staff see.
    pub(crate) async fn staff(&self, query: &str) -> Vec<Value> {
        let token = self.token("staff", &["payments:read"]);
        let bearer = format!("Bearer {token}");
        let answer = self
            .get(
                &format!("/v1/payments?{query}"),
                &[("authorization", &bearer)],
            )
            .await;
        let page = answer.expect(StatusCode::OK).json();
        page["items"].as_array().expect("rows").clone()
    }
}

pub(crate) async fn send(router: Router, request: Request<Body>) -> Answer {
    let response = router.oneshot(request).await.expect("infallible");
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.expect("a body").to_bytes(),
    }
}

pub(crate) fn request(
    method: Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&Value>,
) -> Request<Body> {
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
    request.body(body).expect("a request")
}

pub(crate) fn start(order: &Order, provider: &str, key: &str) -> Request<Body> {
    let body = json!({"order_id": order.id, "provider": provider, "return_url": "/fr/orders/1"});
    request(
        Method::POST,
        "/v1/payments",
        &[("order-token", &order.token), ("idempotency-key", key)],
        Some(&body),
    )
}

pub(crate) fn paypal_webhook(headers: &[(&str, String)], body: String) -> Request<Body> {
    let mut request = Request::post("/v1/webhooks/paypal");
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    request.body(Body::from(body)).expect("a request")
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("text").to_owned()
}
