//! Notifications of the test's own: a database, a mail server, one or more replicas.

use std::sync::Arc;

use amazoff_notifications::{
    App, clients::PostOffice, db::Db, deliver_mails, letter::Shop, router,
};
use axum::{
    Router,
    body::{Body, Bytes},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use kit::{
    auth::ServiceTokens,
    clock::Clock,
    seal::Sealer,
    testing::{FerretDb, TestIssuer},
};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::sink::Sink;

/// Where events are told; whoever shows no permission here is a broker.
const EVENTS: &str = "/internal/v1/events";

/// A shop's mails.
pub(crate) struct World {
    pub(crate) ferretdb: FerretDb,
    pub(crate) sink: Sink,
    pub(crate) clock: Clock,
    issuer: Arc<TestIssuer>,
    broker: ServiceTokens,
    folder: tempfile::TempDir,
}

/// Makes tokens with permissions.
type Token = Arc<dyn Fn(&[&str]) -> String + Send + Sync>;

/// One replica. Nothing is delivered until it is told to.
#[derive(Clone)]
pub(crate) struct Replica {
    pub(crate) app: App,
    router: Router,
    broker: ServiceTokens,
    token: Token,
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
}

impl World {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("key"), STANDARD.encode([7; 32])).expect("written");
        let clock = Clock::fixed(Timestamp::from_second(1_795_000_000).expect("a time"));
        let mut issuer = TestIssuer::new();
        Self {
            ferretdb: FerretDb::start().await,
            sink: Sink::start().await,
            broker: issuer.service(&clock, "broker", &["events:forward"]),
            clock,
            issuer: Arc::new(issuer),
            folder,
        }
    }

    pub(crate) async fn replica(&self) -> Replica {
        let db = Db::open(&self.ferretdb.uri(), "notifications").await;
        let from = "Amazoff <shop@amazoff.example>";
        let app = App {
            clock: self.clock.clone(),
            verifier: self.issuer.verifier(self.clock.clone()),
            db: db.expect("a valid address"),
            sealer: Sealer::from_file(&self.folder.path().join("key")).expect("a key"),
            post_office: PostOffice::new(&self.sink.url(), from).expect("valid addresses"),
            shop: Arc::new(shop()),
            queued: Arc::default(),
        };
        let (issuer, clock) = (self.issuer.clone(), self.clock.clone());
        Replica {
            router: router(app.clone()),
            app,
            broker: self.broker.clone(),
            token: Arc::new(move |permissions| issuer.token(&clock, "staff", permissions)),
        }
    }
}

pub(crate) fn shop() -> Shop {
    Shop {
        name: "Amazoff".to_owned(),
        url: "https://shop.example".to_owned(),
    }
}

impl Replica {
    pub(crate) async fn send(
        &self,
        permissions: Option<&[&str]>,
        method: Method,
        path: &str,
        body: Option<(&str, Value)>,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(permissions) = permissions {
            let token = (self.token)(permissions);
            request = request.header(header::AUTHORIZATION, format!("Bearer {token}"));
        } else if path == EVENTS {
            request = request.header(header::AUTHORIZATION, self.broker.bearer());
        }
        let body = match body {
            Some((kind, json)) => {
                request = request.header(header::CONTENT_TYPE, kind);
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.answer(request.body(body).expect("a request")).await
    }

    async fn answer(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await;
        let (parts, body) = response.expect("infallible").into_parts();
        Answer {
            status: parts.status,
            headers: parts.headers,
            body: body.collect().await.expect("a body").to_bytes(),
        }
    }

    pub(crate) async fn get(&self, permissions: &[&str], path: &str) -> Answer {
        self.send(Some(permissions), Method::GET, path, None).await
    }

    /// A request with headers of its own.
    pub(crate) async fn ask(
        &self,
        permissions: &[&str],
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Answer {
        let token = (self.token)(permissions);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, format!("Bearer {token}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(request.body(Body::empty()).expect("a request"))
            .await
    }

    /// Tells events, as their outbox does.
    pub(crate) async fn tell(&self, events: &[Value]) -> Answer {
        let body = ("application/cloudevents-batch+json", json!(events));
        self.send(None, Method::POST, EVENTS, Some(body)).await
    }

    /// Delivers until nothing is due.
    pub(crate) async fn deliver(&self) {
        while deliver_mails::round(&self.app).await.expect("a round") > 0 {}
    }

    /// What staff see of mails in a state, as `kind attempts`.
    pub(crate) async fn mails(&self, state: &str) -> Vec<String> {
        let path = format!("/v1/mails?state={state}");
        let page = self
            .get(&["mails:read"], &path)
            .await
            .expect(StatusCode::OK)
            .json();
        let items = page["items"].as_array().expect("items");
        items
            .iter()
            .map(|item| {
                format!(
                    "{} {}",
                    item["kind"].as_str().expect("a kind"),
                    item["attempts"]
                )
            })
            .collect()
    }
}

/// The id of the nth event.
pub(crate) fn event_id(n: u32) -> String {
    format!("01890000-0000-7000-8000-{n:012}")
}

/// An event.
pub(crate) fn event(n: u32, kind: &str, subject: &str, data: &Value) -> Value {
    json!({
        "specversion": "1.0", "id": event_id(n), "type": kind, "source": "/test", "subject": subject,
        "time": "2026-11-18T08:26:40Z", "datacontenttype": "application/json", "data": data,
    })
}

/// A person, as events name them.
pub(crate) fn ann(locale: &str) -> Value {
    json!({
        "email": "ann@example.com", "name": "Ann", "locale": locale,
        "verify_url": format!("https://shop.example/{locale}/account/verify?token=V-secret"),
        "reset_url": format!("https://shop.example/{locale}/account/reset?token=R-secret"),
    })
}

/// An order, as orders tells of it.
pub(crate) fn order(locale: &str) -> Value {
    let euro = |amount: i64| json!({"amount": amount, "currency": "EUR"});
    json!({
        "order_id": "01890000-0000-7000-8000-00000000000f", "number": "A-2K7-9QX", "email": "ann@example.com", "name": "Ann", "locale": locale,
        "placed_at": "2026-11-18T08:20:00Z",
        "lines": [
            {"sku": "1", "name": {"en": "Whole milk, 1 gal", "fr": "Lait entier, 3,8 l"}, "quantity": 3, "unit_price": euro(349), "total": euro(1047)},
            {"sku": "2", "name": {"en": "Tea <Earl & Grey>", "fr": "Thé <Earl & Grey>"}, "quantity": 1, "unit_price": euro(129_950), "total": euro(129_950)},
        ],
        "totals": {"subtotal": euro(130_997), "discount_total": euro(1000), "shipping_total": euro(0), "tax_total": euro(21_666), "total": euro(129_997), "tax_included": true},
        "order_url": format!("https://shop.example/{locale}/orders/01890000-0000-7000-8000-00000000000f?token=O-secret"),
        "amount": euro(1047), "carrier": "Colissimo", "tracking": "6A123", "tracking_url": "https://track.example/6A123",
        "at": "2026-11-18T08:26:40Z",
    })
}

/// Every type that gives occasion to a mail, with its data.
pub(crate) fn occasions(locale: &str) -> Vec<(&'static str, Value)> {
    let mut last = ann(locale);
    last.as_object_mut().expect("an object").remove("name");
    vec![
        ("amazoff.person.registered", ann(locale)),
        ("amazoff.person.registration_repeated", ann(locale)),
        ("amazoff.person.password_reset_requested", ann(locale)),
        ("amazoff.person.password_changed", ann(locale)),
        ("amazoff.person.erased", last),
        ("amazoff.order.confirmed", order(locale)),
        ("amazoff.order.canceled", order(locale)),
        ("amazoff.order.shipped", order(locale)),
        ("amazoff.order.return_requested", order(locale)),
        ("amazoff.order.return_received", order(locale)),
        ("amazoff.order.refunded", order(locale)),
        ("amazoff.order.withdrawn", order(locale)),
    ]
}
