//! A `PayPal` that keeps state: orders, captures, refunds, request ids, and a certificate that signs its webhooks.

use std::{
    collections::{BTreeMap, HashMap},
    io::Write as _,
    path::Path as FilePath,
    process::{Command, Stdio},
    sync::{Arc, Mutex, MutexGuard},
};

use amazoff_payment::paypal::signed_text;
use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use serde_json::{Value, json};

use super::{Line, serve};

pub(crate) const WEBHOOK_ID: &str = "4JH86294D6297924G";
pub(crate) const CERTIFICATE: &str = "/v1/notifications/certs/CERT-360caa42";

/// An authority and a certificate of its making.
pub(crate) struct Authority {
    folder: tempfile::TempDir,
}

impl Authority {
    /// Makes both; the certificate is for `name`, and valid for `days`.
    pub(crate) fn new(name: &str, days: u32) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let openssl = |arguments: &[&str]| {
            let output = Command::new("openssl")
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .expect("openssl can be started");
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
        };
        let days = days.to_string();
        openssl(&[
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "3650",
            "-subj",
            "/CN=Authority",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
            "-addext",
            "keyUsage=critical,keyCertSign",
        ]);
        openssl(&[
            "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=leaf", "-keyout", "leaf.key",
            "-out", "leaf.csr",
        ]);
        std::fs::write(
            folder.path().join("extensions"),
            format!("subjectAltName=DNS:{name}\nbasicConstraints=CA:FALSE\n"),
        )
        .expect("written");
        openssl(&[
            "x509",
            "-req",
            "-in",
            "leaf.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-days",
            &days,
            "-extfile",
            "extensions",
            "-out",
            "leaf.pem",
        ]);
        Self { folder }
    }

    fn read(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(file)).expect("made")
    }

    pub(crate) fn certificate(&self) -> Vec<u8> {
        self.read("leaf.pem")
    }

    pub(crate) fn root(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(&self.read("ca.pem")).expect("a certificate")
    }

    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        sign(self.folder.path(), text)
    }
}

fn sign(folder: &FilePath, text: &str) -> Vec<u8> {
    let mut openssl = Command::new("openssl")
        .args(["dgst", "-sha256", "-sign", "leaf.key"])
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("openssl can be started");
    let mut input = openssl.stdin.take().expect("piped");
    input.write_all(text.as_bytes()).expect("written");
    drop(input);
    openssl.wait_with_output().expect("signed").stdout
}

#[derive(Default)]
struct Books {
    orders: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
    answers: HashMap<String, (StatusCode, Value)>,
    bodies: Vec<(String, Value)>,
    captures: usize,
    tokens: usize,
    token: String,
    declines: bool,
    certificate: Vec<u8>,
    certificates_read: usize,
    made: usize,
}

#[derive(Clone, Default)]
pub(crate) struct FakePaypal {
    books: Arc<Mutex<Books>>,
    pub(crate) line: Line,
    pub(crate) url: String,
}

impl FakePaypal {
    pub(crate) async fn start() -> Self {
        let mut fake = Self::default();
        let router = Router::new()
            .route("/v1/oauth2/token", post(token))
            .route("/v2/checkout/orders", post(make_order))
            .route("/v2/checkout/orders/{id}", get(read_order))
            .route("/v2/checkout/orders/{id}/capture", post(capture))
            .route("/v2/payments/captures/{id}/refund", post(refund))
            .route("/v2/payments/refunds/{id}", get(read_refund))
            .route("/v1/notifications/certs/{id}", get(certificate))
            .with_state(fake.clone());
        fake.url = serve(fake.line.around(router)).await;
        fake
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("the books")
    }

    pub(crate) fn order_ids(&self) -> Vec<String> {
        self.books().orders.keys().cloned().collect()
    }

    pub(crate) fn order(&self, id: &str) -> Value {
        self.books().orders[id].clone()
    }

    /// The shopper agrees.
    pub(crate) fn approve(&self, id: &str) -> Value {
        let mut books = self.books();
        let order = books.orders.get_mut(id).expect("an order");
        order["status"] = json!("APPROVED");
        order.clone()
    }

    /// The shopper's bank will say no.
    pub(crate) fn decline(&self, declines: bool) {
        self.books().declines = declines;
    }

    /// How often money was taken.
    pub(crate) fn captures(&self) -> usize {
        self.books().captures
    }

    pub(crate) fn tokens(&self) -> usize {
        self.books().tokens
    }

    /// The token that was given out is worth nothing any more.
    pub(crate) fn revoke_token(&self) {
        self.books().token.clear();
    }

    pub(crate) fn refunds(&self) -> Vec<Value> {
        self.books().refunds.values().cloned().collect()
    }

    /// What was sent to this path.
    pub(crate) fn sent(&self, path: &str) -> Vec<Value> {
        let books = self.books();
        let sent = books.bodies.iter().filter(|(to, _)| to == path);
        sent.map(|(_, body)| body.clone()).collect()
    }

    pub(crate) fn show_certificate(&self, pem: Vec<u8>) {
        self.books().certificate = pem;
    }

    pub(crate) fn certificates_read(&self) -> usize {
        self.books().certificates_read
    }

    /// The headers of a webhook with this body.
    pub(crate) fn headers(
        &self,
        authority: &Authority,
        body: &str,
        now: Timestamp,
    ) -> Vec<(&'static str, String)> {
        let time = now.to_string();
        let id = "b1ec1c60-2843-11ee-9e8c-6b4ae2d5c5b5";
        let text = signed_text(id, &time, WEBHOOK_ID, body.as_bytes());
        vec![
            ("paypal-transmission-id", id.to_owned()),
            ("paypal-transmission-time", time),
            ("paypal-cert-url", format!("{}{CERTIFICATE}", self.url)),
            ("paypal-auth-algo", "SHA256withRSA".to_owned()),
            (
                "paypal-transmission-sig",
                STANDARD.encode(authority.sign(&text)),
            ),
        ]
    }
}

/// The body of an event.
pub(crate) fn event(id: &str, kind: &str, resource: &Value) -> String {
    json!({"id": id, "event_type": kind, "resource": resource}).to_string()
}

/// The capture of an order, as its webhook shows it.
pub(crate) fn capture_of(order: &Value) -> Value {
    let mut capture = order["purchase_units"][0]["payments"]["captures"][0].clone();
    capture["supplementary_data"] = json!({"related_ids": {"order_id": order["id"]}});
    capture
}

async fn token(State(fake): State<FakePaypal>, headers: HeaderMap, body: String) -> Response {
    let expected = format!("Basic {}", STANDARD.encode("client:secret"));
    assert_eq!(body, "grant_type=client_credentials");
    if headers[header::AUTHORIZATION].as_bytes() != expected.as_bytes() {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let mut books = fake.books();
    books.tokens += 1;
    books.token = format!("A21AA{}", books.tokens);
    Json(json!({"access_token": books.token, "token_type": "Bearer", "expires_in": 32400}))
        .into_response()
}

fn answer_once(
    fake: &FakePaypal,
    path: &str,
    headers: &HeaderMap,
    body: &str,
    make: impl FnOnce(&mut Books, &Value) -> (StatusCode, Value),
) -> Response {
    let mut books = fake.books();
    if let Some(refusal) = refused(&books, headers) {
        return refusal;
    }
    let key = headers
        .get("paypal-request-id")
        .and_then(|key| key.to_str().ok())
        .expect("every POST names its request id")
        .to_owned();
    let body: Value = serde_json::from_str(body).expect("JSON");
    books.bodies.push((path.to_owned(), body.clone()));
    if let Some((status, answer)) = books.answers.get(&key) {
        return (*status, Json(answer.clone())).into_response();
    }
    let (status, answer) = make(&mut books, &body);
    if status.is_success() {
        books.answers.insert(key, (status, answer.clone()));
    }
    (status, Json(answer)).into_response()
}

fn refused(books: &Books, headers: &HeaderMap) -> Option<Response> {
    let expected = format!("Bearer {}", books.token);
    let is_known = !books.token.is_empty()
        && headers
            .get(header::AUTHORIZATION)
            .is_some_and(|value| value.as_bytes() == expected.as_bytes());
    (!is_known).then(|| StatusCode::UNAUTHORIZED.into_response())
}

fn issue(issue: &str) -> (StatusCode, Value) {
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        json!({"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": issue}]}),
    )
}

async fn make_order(State(fake): State<FakePaypal>, headers: HeaderMap, body: String) -> Response {
    answer_once(
        &fake,
        "/v2/checkout/orders",
        &headers,
        &body,
        |books, body| {
            books.made += 1;
            let id = format!("5O{:05}", books.made);
            let mut order = body.clone();
            order["id"] = json!(id);
            order["status"] = json!("PAYER_ACTION_REQUIRED");
            order["links"] = json!([
                {"rel": "self", "href": format!("https://api-m.paypal.example/v2/checkout/orders/{id}")},
                {"rel": "payer-action", "href": format!("https://www.paypal.example/checkoutnow?token={id}")},
            ]);
            books.orders.insert(id, order.clone());
            (StatusCode::OK, order)
        },
    )
}

async fn read_order(
    State(fake): State<FakePaypal>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let books = fake.books();
    if let Some(refusal) = refused(&books, &headers) {
        return refusal;
    }
    match books.orders.get(&id) {
        Some(order) => Json(order.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn capture(
    State(fake): State<FakePaypal>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let path = "/v2/checkout/orders/{id}/capture";
    answer_once(&fake, path, &headers, &body, |books, _| {
        if books.declines {
            return issue("INSTRUMENT_DECLINED");
        }
        let order = books.orders.get_mut(&id).expect("an order");
        match order["status"].as_str() {
            Some("APPROVED") => {}
            Some("COMPLETED") => return issue("ORDER_ALREADY_CAPTURED"),
            _ => return issue("ORDER_NOT_APPROVED"),
        }
        order["status"] = json!("COMPLETED");
        let unit = &mut order["purchase_units"][0];
        let capture = json!({"id": format!("C{id}"), "status": "COMPLETED", "amount": unit["amount"], "custom_id": unit["custom_id"]});
        unit["payments"] = json!({"captures": [capture]});
        let order = order.clone();
        books.captures += 1;
        (StatusCode::CREATED, order)
    })
}

async fn refund(
    State(fake): State<FakePaypal>,
    Path(capture): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let path = "/v2/payments/captures/{id}/refund";
    answer_once(&fake, path, &headers, &body, |books, body| {
        books.made += 1;
        let id = format!("1R{:05}", books.made);
        let refund = json!({
            "id": id, "status": "COMPLETED", "amount": body["amount"], "custom_id": body["custom_id"],
            "links": [{"rel": "up", "href": format!("https://api.paypal.example/v2/payments/captures/{capture}")}],
        });
        books.refunds.insert(id, refund.clone());
        (StatusCode::CREATED, refund)
    })
}

async fn read_refund(
    State(fake): State<FakePaypal>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    let books = fake.books();
    if let Some(refusal) = refused(&books, &headers) {
        return refusal;
    }
    Json(books.refunds[&id].clone()).into_response()
}

async fn certificate(State(fake): State<FakePaypal>) -> Vec<u8> {
    let mut books = fake.books();
    books.certificates_read += 1;
    books.certificate.clone()
}
