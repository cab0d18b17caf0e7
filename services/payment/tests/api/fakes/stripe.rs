//! A Stripe that keeps state: intents, pages, refunds, idempotency keys. What its shoppers do, tests say.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use amazoff_payment::signature::sign;
use axum::{
    Json, Router,
    extract::{Path, State},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use http::{HeaderMap, StatusCode, header};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Line, serve};

pub(crate) const SECRET_KEY: &str = "sk_test_fake";
pub(crate) const WEBHOOK_SECRET: &str = "whsec_fake";

type Form = BTreeMap<String, String>;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) form: Form,
    pub(crate) key: String,
}

#[derive(Default)]
struct Books {
    intents: BTreeMap<String, Value>,
    pages: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
    answers: HashMap<String, (Form, StatusCode, Value)>,
    asked: Vec<Asked>,
    refuses_refunds: bool,
    refunds_stay_pending: bool,
    made: usize,
}

#[derive(Clone, Default)]
pub(crate) struct FakeStripe {
    books: Arc<Mutex<Books>>,
    pub(crate) line: Line,
    pub(crate) url: String,
}

impl FakeStripe {
    pub(crate) async fn start() -> Self {
        let mut fake = Self::default();
        let router = Router::new()
            .route("/v1/payment_intents", post(make_intent))
            .route("/v1/payment_intents/{id}", get(read_intent))
            .route("/v1/payment_intents/{id}/{verb}", post(change_intent))
            .route("/v1/checkout/sessions", post(make_page))
            .route("/v1/checkout/sessions/{id}", get(read_page))
            .route("/v1/checkout/sessions/{id}/expire", post(expire_page))
            .route("/v1/refunds", post(make_refund))
            .route("/v1/refunds/{id}", get(read_refund))
            .with_state(fake.clone());
        fake.url = serve(fake.line.around(router)).await;
        fake
    }

    fn books(&self) -> MutexGuard<'_, Books> {
        self.books.lock().expect("the books")
    }

    /// What was asked for at this path, in order.
    pub(crate) fn asked(&self, path: &str) -> Vec<Asked> {
        let books = self.books();
        let asked = books.asked.iter().filter(|asked| asked.path == path);
        asked.cloned().collect()
    }

    /// The ids of all intents, the oldest first.
    pub(crate) fn intents(&self) -> Vec<String> {
        self.books().intents.keys().cloned().collect()
    }

    pub(crate) fn intent(&self, id: &str) -> Value {
        self.books().intents[id].clone()
    }

    pub(crate) fn refunds(&self) -> Vec<Value> {
        self.books().refunds.values().cloned().collect()
    }

    /// Refunds are refused from now on.
    pub(crate) fn refuse_refunds(&self) {
        self.books().refuses_refunds = true;
    }

    /// Refunds take their time from now on.
    pub(crate) fn delay_refunds(&self) {
        self.books().refunds_stay_pending = true;
    }

    pub(crate) fn settle_refund(&self, id: &str, status: &str) -> Value {
        let mut books = self.books();
        let refund = books.refunds.get_mut(id).expect("a refund");
        refund["status"] = json!(status);
        refund.clone()
    }

    /// Somebody gives money back at Stripe's own pages.
    pub(crate) fn refund_by_hand(&self, intent: &str, amount: i64) -> Value {
        let mut books = self.books();
        books.made += 1;
        let id = format!("re_hand_{}", books.made);
        let refund = json!({"id": id, "status": "succeeded", "amount": amount, "currency": "eur", "payment_intent": intent, "metadata": {}});
        books.refunds.insert(id, refund.clone());
        refund
    }

    /// Changes an intent as its shopper, or Stripe, does.
    pub(crate) fn change(&self, id: &str, changes: &Value) -> Value {
        let mut books = self.books();
        let intent = books.intents.get_mut(id).expect("an intent");
        for (field, value) in changes.as_object().expect("fields") {
            intent[field] = value.clone();
        }
        intent.clone()
    }

    /// The shopper's card is charged.
    pub(crate) fn pay(&self, id: &str) -> Value {
        let amount = self.intent(id)["amount"].clone();
        self.change(
            id,
            &json!({"status": "succeeded", "amount_received": amount, "last_payment_error": null}),
        )
    }

    /// The shopper's card is declined; another may follow.
    pub(crate) fn decline(&self, id: &str) -> Value {
        let error = json!({"code": "card_declined", "decline_code": "insufficient_funds"});
        self.change(
            id,
            &json!({"status": "requires_payment_method", "last_payment_error": error}),
        )
    }

    /// The shopper pays on Stripe's page: an intent of its own.
    pub(crate) fn pay_on_page(&self, id: &str) -> Value {
        let (intent, value) = {
            let mut books = self.books();
            books.made += 1;
            let intent = format!("pi_page_{}", books.made);
            let page = books.pages.get_mut(id).expect("a page");
            let value = json!({
                "id": intent, "object": "payment_intent", "status": "succeeded", "amount": page["amount"], "amount_received": page["amount"],
                "currency": page["currency"], "metadata": page["intent_metadata"], "last_payment_error": null,
            });
            page["status"] = json!("complete");
            page["payment_intent"] = json!(intent);
            (intent, value)
        };
        self.books().intents.insert(intent, value.clone());
        value
    }

    pub(crate) fn pages(&self) -> Vec<Value> {
        self.books().pages.values().cloned().collect()
    }
}

/// The body of an event.
pub(crate) fn event(id: &str, kind: &str, object: &Value) -> String {
    // What is for the browser alone is in no event.
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("client_secret");
    }
    json!({"id": id, "object": "event", "type": kind, "livemode": false, "data": {"object": object}})
        .to_string()
}

/// The signature that Stripe would send with it now.
pub(crate) fn signature(body: &str, now: Timestamp) -> String {
    sign(body.as_bytes(), WEBHOOK_SECRET, now).expect("signed")
}

/// What every call must have; under a key that was used, the answer of then.
fn answer_once(
    fake: &FakeStripe,
    path: &str,
    headers: &HeaderMap,
    body: &str,
    make: impl FnOnce(&mut Books, &Form) -> (StatusCode, Value),
) -> Response {
    if let Some(refusal) = refused(headers) {
        return refusal;
    }
    let key = headers
        .get("idempotency-key")
        .and_then(|key| key.to_str().ok())
        .expect("every POST names its idempotency key")
        .to_owned();
    assert_eq!(
        headers[header::CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    let form: Form = form_urlencoded::parse(body.as_bytes())
        .into_owned()
        .collect();
    let mut books = fake.books();
    books.asked.push(Asked {
        path: path.to_owned(),
        form: form.clone(),
        key: key.clone(),
    });
    if let Some((before, status, answer)) = books.answers.get(&key) {
        assert_eq!(before, &form, "a key is used for one request");
        return (*status, Json(answer.clone())).into_response();
    }
    let (status, answer) = make(&mut books, &form);
    books.answers.insert(key, (form, status, answer.clone()));
    (status, Json(answer)).into_response()
}

fn refused(headers: &HeaderMap) -> Option<Response> {
    let expected = format!("Bearer {SECRET_KEY}");
    let is_known = headers
        .get(header::AUTHORIZATION)
        .is_some_and(|value| value.as_bytes() == expected.as_bytes());
    (!is_known).then(|| StatusCode::UNAUTHORIZED.into_response())
}

fn error(code: &str) -> (StatusCode, Value) {
    (
        StatusCode::BAD_REQUEST,
        json!({"error": {"type": "invalid_request_error", "code": code, "message": "no"}}),
    )
}

fn metadata(form: &Form, prefix: &str) -> Value {
    let entries = form.iter().filter_map(|(name, value)| {
        let name = name.strip_prefix(prefix)?.strip_prefix('[')?;
        Some((name.strip_suffix(']')?.to_owned(), json!(value)))
    });
    Value::Object(entries.collect())
}

fn number(form: &Form, field: &str) -> i64 {
    form[field].parse().expect("a number")
}

async fn make_intent(State(fake): State<FakeStripe>, headers: HeaderMap, body: String) -> Response {
    answer_once(
        &fake,
        "/v1/payment_intents",
        &headers,
        &body,
        |books, form| {
            books.made += 1;
            let id = format!("pi_{:04}", books.made);
            let intent = json!({
                "id": id, "object": "payment_intent", "status": "requires_payment_method", "amount": number(form, "amount"), "amount_received": 0,
                "currency": form["currency"], "client_secret": format!("{id}_secret_x"), "metadata": metadata(form, "metadata"),
                "last_payment_error": null,
            });
            books.intents.insert(id, intent.clone());
            (StatusCode::OK, intent)
        },
    )
}

async fn read_intent(
    State(fake): State<FakeStripe>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refused(&headers) {
        return refusal;
    }
    Json(fake.intent(&id)).into_response()
}

async fn change_intent(
    State(fake): State<FakeStripe>,
    Path((id, verb)): Path<(String, String)>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let path = format!("/v1/payment_intents/{{id}}/{verb}");
    answer_once(&fake, &path, &headers, &body, |books, _| {
        let intent = books.intents.get_mut(&id).expect("an intent");
        let status = intent["status"].as_str().expect("a status").to_owned();
        match (verb.as_str(), status.as_str()) {
            ("cancel", "succeeded" | "canceled")
            | ("capture", "requires_payment_method" | "canceled" | "succeeded") => {
                return error("payment_intent_unexpected_state");
            }
            ("cancel", _) => intent["status"] = json!("canceled"),
            _ => {
                intent["status"] = json!("succeeded");
                intent["amount_received"] = intent["amount"].clone();
            }
        }
        (StatusCode::OK, intent.clone())
    })
}

async fn make_page(State(fake): State<FakeStripe>, headers: HeaderMap, body: String) -> Response {
    answer_once(
        &fake,
        "/v1/checkout/sessions",
        &headers,
        &body,
        |books, form| {
            books.made += 1;
            let id = format!("cs_{:04}", books.made);
            let page = json!({
                "id": id, "status": "open", "url": format!("https://checkout.stripe.example/{id}"), "payment_intent": null,
                "amount": number(form, "line_items[0][price_data][unit_amount]"), "currency": form["line_items[0][price_data][currency]"],
                "intent_metadata": metadata(form, "payment_intent_data[metadata]"),
            });
            books.pages.insert(id, page.clone());
            (StatusCode::OK, page)
        },
    )
}

async fn read_page(
    State(fake): State<FakeStripe>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refused(&headers) {
        return refusal;
    }
    let books = fake.books();
    let mut page = books.pages[&id].clone();
    if let Some(intent) = page["payment_intent"].as_str() {
        page["payment_intent"] = books.intents[intent].clone();
    }
    Json(page).into_response()
}

async fn expire_page(
    State(fake): State<FakeStripe>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: String,
) -> Response {
    let path = "/v1/checkout/sessions/{id}/expire";
    answer_once(&fake, path, &headers, &body, |books, _| {
        let page = books.pages.get_mut(&id).expect("a page");
        if page["status"] != "open" {
            return error("checkout_session_not_open");
        }
        page["status"] = json!("expired");
        (StatusCode::OK, page.clone())
    })
}

async fn make_refund(State(fake): State<FakeStripe>, headers: HeaderMap, body: String) -> Response {
    answer_once(&fake, "/v1/refunds", &headers, &body, |books, form| {
        if books.refuses_refunds {
            return error("charge_disputed");
        }
        let intent = books.intents[&form["payment_intent"]].clone();
        let given: i64 = books
            .refunds
            .values()
            .filter(|refund| refund["payment_intent"] == intent["id"])
            .filter_map(|refund| refund["amount"].as_i64())
            .sum();
        let amount = number(form, "amount");
        if given + amount > intent["amount_received"].as_i64().expect("a number") {
            return error("charge_already_refunded");
        }
        books.made += 1;
        let id = format!("re_{:04}", books.made);
        let status = if books.refunds_stay_pending {
            "pending"
        } else {
            "succeeded"
        };
        let refund = json!({
            "id": id, "status": status, "amount": amount, "currency": intent["currency"], "payment_intent": intent["id"],
            "metadata": metadata(form, "metadata"),
        });
        books.refunds.insert(id, refund.clone());
        (StatusCode::OK, refund)
    })
}

async fn read_refund(
    State(fake): State<FakeStripe>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = refused(&headers) {
        return refusal;
    }
    Json(fake.books().refunds[&id].clone()).into_response()
}
