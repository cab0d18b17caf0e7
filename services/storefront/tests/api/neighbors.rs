//! Fakes of the services behind the pages, over real HTTP: each keeps to the contract, and can be told to be away, to be out of stock,
//! to change its prices or to refuse a payment.

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
    routing::{get, post, put},
};
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// The one refund of an order that was paid and called off.
pub(crate) const REFUND: &str = "019ad2a0-0000-7000-8000-000000000001";

/// The services behind the pages.
#[derive(Clone, Default)]
pub(crate) struct Neighbors(Arc<Mutex<Known>>);

/// What they know, and how they behave.
pub(crate) struct Known {
    pub(crate) away: HashSet<&'static str>,
    pub(crate) carts: BTreeMap<String, Cart>,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) payments: BTreeMap<String, Payment>,
    pub(crate) price: i64,
    pub(crate) left: i64,
    pub(crate) outcome: &'static str,
    /// Orders hear of no payment.
    pub(crate) is_deaf: bool,
    pub(crate) provider: &'static str,
    pub(crate) password: String,
    pub(crate) needs_code: bool,
    pub(crate) addresses: Vec<Value>,
    pub(crate) passkeys: Vec<Value>,
    pub(crate) refreshes: u32,
    /// Refresh tokens and what they were exchanged for.
    pub(crate) used: HashMap<String, String>,
    pub(crate) sessions: HashSet<String>,
    /// Method, path and body of everything that changed something.
    pub(crate) changes: Vec<(Method, String, Value)>,
    answers: HashMap<String, Value>,
    count: u32,
}

#[derive(Clone, Default)]
pub(crate) struct Cart {
    pub(crate) token: Option<String>,
    pub(crate) lines: BTreeMap<String, u32>,
    pub(crate) coupon: Option<String>,
}

#[derive(Clone)]
pub(crate) struct Order {
    pub(crate) token: Option<String>,
    pub(crate) standing: &'static str,
    pub(crate) payment: &'static str,
    pub(crate) fulfillment: &'static str,
    pub(crate) body: Value,
    pub(crate) lines: BTreeMap<String, u32>,
    pub(crate) total: i64,
    pub(crate) returns: Vec<Value>,
}

#[derive(Clone)]
pub(crate) struct Payment {
    order: String,
    pub(crate) state: &'static str,
}

pub(crate) const EMAIL: &str = "ada@example.com";
pub(crate) const PASSWORD: &str = "a few words of tea";

impl Default for Known {
    fn default() -> Self {
        Self {
            away: HashSet::new(),
            carts: BTreeMap::new(),
            orders: BTreeMap::new(),
            payments: BTreeMap::new(),
            price: 349,
            left: 50,
            outcome: "captured",
            is_deaf: false,
            provider: "test",
            password: PASSWORD.to_owned(),
            needs_code: false,
            addresses: Vec::new(),
            passkeys: Vec::new(),
            refreshes: 0,
            used: HashMap::new(),
            sessions: HashSet::new(),
            changes: Vec::new(),
            answers: HashMap::new(),
            count: 0,
        }
    }
}

impl Known {
    /// An id as the services make them, counting up.
    fn id(&mut self) -> String {
        self.count += 1;
        format!("0190bbbb-0000-7000-8000-{:012}", self.count)
    }

    fn session(&mut self) -> Value {
        let number = self.id();
        let (access, refresh) = (format!("access-{number}"), format!("refresh-{number}"));
        self.sessions.insert(access.clone());
        self.used.remove(&refresh);
        json!({ "access_token": access, "refresh_token": refresh, "expires_at": "2099-01-01T00:00:00Z",
                "person": { "id": number, "email": EMAIL, "name": "Ada Lovelace", "locale": "en", "roles": [], "permissions": [] } })
    }

    fn person(&self, headers: &HeaderMap) -> bool {
        headers
            .get("authorization")
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .is_some_and(|token| self.sessions.contains(token))
    }

    fn cart(&self, id: &str) -> Value {
        let cart = &self.carts[id];
        let lines: Vec<Value> = cart
            .lines
            .iter()
            .map(|(sku, quantity)| {
                json!({ "sku": sku, "product_id": "0190aaaa-0000-7000-8000-000000000001", "slug": { "en": "green-tea-1", "fr": "the-vert-1" },
                        "name": { "en": "Green tea", "fr": "Thé vert" }, "options": { "size": "100 g" }, "illustration": "tea", "quantity": quantity,
                        "unit_price": euros(self.price), "price_read_at": "2026-11-24T12:00:00Z", "line_total": euros(self.price * i64::from(*quantity)),
                        "price_changed_from": (self.price != 349).then(|| euros(349)) })
            })
            .collect();
        json!({ "id": id, "revision": 1, "currency": "EUR", "lines": lines, "coupon": cart.coupon, "subtotal": euros(self.subtotal(id)),
                "count": cart.lines.values().sum::<u32>(), "expires_at": "2099-01-01T00:00:00Z", "token": cart.token })
    }

    fn subtotal(&self, id: &str) -> i64 {
        let cart = &self.carts[id];
        self.price * cart.lines.values().copied().map(i64::from).sum::<i64>()
    }

    fn order(&self, id: &str) -> Value {
        let order = &self.orders[id];
        let status = match (order.standing, order.payment, order.fulfillment) {
            ("placed", "failed", _) => "payment_failed",
            ("placed", ..) => "awaiting_payment",
            ("confirmed" | "completed", _, "delivered") => "delivered",
            ("confirmed", ..) => "confirmed",
            (other, ..) => other,
        };
        let delivered = order.fulfillment == "delivered";
        let lines: Vec<Value> = order
            .lines
            .iter()
            .map(|(sku, quantity)| {
                json!({ "sku": sku, "product_id": "0190aaaa-0000-7000-8000-000000000001", "name": { "en": "Green tea", "fr": "Thé vert" },
                        "slug": { "en": "green-tea-1", "fr": "the-vert-1" }, "options": {}, "quantity": quantity, "unit_price": euros(349),
                        "total": euros(349 * i64::from(*quantity)), "returnable": if delivered { *quantity } else { 0 } })
            })
            .collect();
        let address = &order.body["shipping_address"];
        json!({ "id": id, "number": "4K7QH-2MXVP", "status": status,
                "states": { "order": order.standing, "payment": order.payment, "fulfillment": order.fulfillment, "return": "none" },
                "placed_at": "2026-11-24T12:00:00Z", "expires_at": "2026-11-24T12:30:00Z", "email": order.body["email"], "locale": "en", "lines": lines,
                "totals": totals(order.total - 490, order.total), "addresses": { "shipping": address, "billing": order.body.get("billing_address").unwrap_or(address) },
                "shipping_method": { "id": "standard", "name": { "en": "Standard delivery", "fr": "Livraison standard" } },
                "shipments": if delivered { json!([{ "carrier": "La Poste", "tracking": "6A123", "tracking_url": "https://carrier.example/6A123", "shipped_at": "2026-11-25T08:00:00Z", "delivered_at": "2026-11-26T08:00:00Z" }]) } else { json!([]) },
                "returns": order.returns, "refunds": if order.standing == "canceled" && order.payment == "paid" { json!([{ "id": REFUND, "amount": { "amount": order.total, "currency": "EUR" }, "reason": "canceled", "state": "succeeded", "created_at": "2026-11-27T09:30:00Z" }]) } else { json!([]) }, "history": order.returns.iter().map(|back| json!({ "at": back["requested_at"], "what": if back["kind"] == "withdrawal" { "withdrawn" } else { "return_requested" }, "actor": "guest" })).collect::<Vec<_>>(),
                "withdrawal": { "possible": order.standing == "confirmed", "possible_until": delivered.then_some("2026-12-11T00:00:00Z") },
                "cancelable": order.standing == "placed" || (order.standing == "confirmed" && !delivered) })
    }

    fn may_see(&self, id: &str, headers: &HeaderMap) -> bool {
        self.orders.get(id).is_some_and(|order| match &order.token {
            Some(token) => headers
                .get("order-token")
                .is_some_and(|given| given == token),
            None => self.person(headers),
        })
    }
}

impl Neighbors {
    /// What they know now.
    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often something was asked for that changes something.
    pub(crate) fn count(&self, method: &Method, path: &str) -> usize {
        let known = self.known();
        known
            .changes
            .iter()
            .filter(|(made, at, _)| made == method && at == path)
            .count()
    }

    /// Serves one of them and says where.
    pub(crate) async fn serve(&self, service: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = match service {
            "cart" => carts(),
            "orders" => orders(),
            "users" => users(),
            _ => payments(),
        };
        let neighbors = self.clone();
        let routes = routes
            .layer(axum::middleware::from_fn(
                move |request: Request, next: Next| {
                    let neighbors = neighbors.clone();
                    async move { notice(&neighbors, service, request, next).await }
                },
            ))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{address}")
    }
}

/// Notes what changes something, and is away when told so.
async fn notice(
    neighbors: &Neighbors,
    service: &'static str,
    request: Request,
    next: Next,
) -> Response {
    if neighbors.known().away.contains(service) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.expect("a body");
    if !parts.method.is_safe() {
        let value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let change = (parts.method.clone(), parts.uri.path().to_owned(), value);
        neighbors.known().changes.push(change);
    }
    next.run(Request::from_parts(parts, body.into())).await
}

fn euros(amount: i64) -> Value {
    json!({ "amount": amount, "currency": "EUR" })
}

fn totals(subtotal: i64, total: i64) -> Value {
    json!({ "subtotal": euros(subtotal), "discount_total": euros(0), "shipping_total": euros(490), "tax_total": euros(80), "total": euros(total), "tax_included": true })
}

fn problem(status: StatusCode, kind: &str, field: &str) -> Response {
    let body = json!({ "type": format!("/problems/{kind}"), "title": kind, "status": status.as_u16(), "errors": [{ "field": field, "detail": "is wrong" }] });
    (status, Json(body)).into_response()
}

fn nothing() -> Response {
    problem(StatusCode::NOT_FOUND, "not-found", "id")
}

fn carts() -> Router<Neighbors> {
    async fn open(State(neighbors): State<Neighbors>) -> Response {
        let mut known = neighbors.known();
        let id = known.id();
        let token = format!("cart-token-{}", known.count);
        known.carts.insert(
            id.clone(),
            Cart {
                token: Some(token),
                ..Cart::default()
            },
        );
        (StatusCode::CREATED, Json(known.cart(&id))).into_response()
    }
    async fn mine(State(neighbors): State<Neighbors>, headers: HeaderMap) -> Response {
        let mut known = neighbors.known();
        if !known.person(&headers) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let own = known.carts.iter().find(|(_, cart)| cart.token.is_none());
        let id = if let Some((id, _)) = own {
            id.clone()
        } else {
            let id = known.id();
            known.carts.insert(id.clone(), Cart::default());
            id
        };
        Json(known.cart(&id)).into_response()
    }
    async fn merge(
        state: State<Neighbors>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        let neighbors = state.0.clone();
        let answer = mine(state, headers).await;
        if !answer.status().is_success() {
            return answer;
        }
        let mut known = neighbors.known();
        let Some(guest) = known.carts.remove(body["cart_id"].as_str().expect("an id")) else {
            return nothing();
        };
        let own = known
            .carts
            .iter_mut()
            .find(|(_, cart)| cart.token.is_none());
        let (id, cart) = own.expect("made just now");
        cart.lines.extend(guest.lines);
        let id = id.clone();
        Json(known.cart(&id)).into_response()
    }
    fn is_opened(known: &Known, id: &str, headers: &HeaderMap) -> bool {
        known.carts.get(id).is_some_and(|cart| match &cart.token {
            Some(token) => headers
                .get("cart-token")
                .is_some_and(|given| given == token),
            None => known.person(headers),
        })
    }
    async fn read(
        State(neighbors): State<Neighbors>,
        Path(id): Path<String>,
        headers: HeaderMap,
    ) -> Response {
        let known = neighbors.known();
        if !is_opened(&known, &id, &headers) {
            return nothing();
        }
        Json(known.cart(&id)).into_response()
    }
    async fn add(
        State(neighbors): State<Neighbors>,
        Path(id): Path<String>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        let mut known = neighbors.known();
        if !is_opened(&known, &id, &headers) {
            return nothing();
        }
        let sku = body["sku"].as_str().expect("a SKU").to_owned();
        if !sku.starts_with("1-") {
            return problem(StatusCode::NOT_FOUND, "not-for-sale", "sku");
        }
        let more = u32::try_from(body["quantity"].as_u64().expect("a number")).expect("small");
        let lines = &mut known.carts.get_mut(&id).expect("opened").lines;
        let quantity = lines.entry(sku).or_default();
        if *quantity + more > 99 {
            return problem(StatusCode::CONFLICT, "too-many-pieces", "quantity");
        }
        *quantity += more;
        Json(known.cart(&id)).into_response()
    }
    async fn put_line(
        State(neighbors): State<Neighbors>,
        Path((id, sku)): Path<(String, String)>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        let mut known = neighbors.known();
        if !is_opened(&known, &id, &headers) {
            return nothing();
        }
        let quantity = u32::try_from(body["quantity"].as_u64().expect("a number")).expect("small");
        let lines = &mut known.carts.get_mut(&id).expect("opened").lines;
        if quantity == 0 {
            lines.remove(&sku);
        } else {
            lines.insert(sku, quantity);
        }
        Json(known.cart(&id)).into_response()
    }
    async fn put_coupon(
        State(neighbors): State<Neighbors>,
        Path(id): Path<String>,
        Json(body): Json<Value>,
    ) -> Response {
        let mut known = neighbors.known();
        known.carts.get_mut(&id).expect("a cart").coupon = body["code"].as_str().map(str::to_owned);
        Json(known.cart(&id)).into_response()
    }
    async fn drop_coupon(State(neighbors): State<Neighbors>, Path(id): Path<String>) -> Response {
        let mut known = neighbors.known();
        known.carts.get_mut(&id).expect("a cart").coupon = None;
        Json(known.cart(&id)).into_response()
    }
    Router::new()
        .route("/v1/carts", post(open))
        .route("/v1/me/cart", get(mine))
        .route("/v1/me/cart/merge", post(merge))
        .route("/v1/carts/{id}", get(read))
        .route("/v1/carts/{id}/lines", post(add))
        .route("/v1/carts/{id}/lines/{sku}", put(put_line))
        .route("/v1/carts/{id}/coupon", put(put_coupon).delete(drop_coupon))
}

fn orders() -> Router<Neighbors> {
    async fn stock(
        State(neighbors): State<Neighbors>,
        Query(query): Query<HashMap<String, String>>,
    ) -> Response {
        let left = neighbors.known().left;
        let availability = match left {
            0 => "out",
            1..=5 => "low",
            _ => "in_stock",
        };
        let items: Vec<Value> = query["sku"]
            .split(',')
            .map(|sku| json!({ "sku": sku, "availability": availability, "left": (left <= 5).then_some(left) }))
            .collect();
        Json(json!({ "items": items })).into_response()
    }
    async fn methods(Query(query): Query<HashMap<String, String>>) -> Response {
        let items = if query["country"] == "US" {
            json!([])
        } else {
            json!([{ "id": "standard", "name": { "en": "Standard delivery", "fr": "Livraison standard" }, "price": euros(490), "free_from": euros(5000), "days": [2, 4] },
                   { "id": "express", "name": { "en": "Express delivery", "fr": "Livraison express" }, "price": euros(990), "days": [1, 1] }])
        };
        Json(json!({ "items": items })).into_response()
    }
    async fn quote(State(neighbors): State<Neighbors>, Json(body): Json<Value>) -> Response {
        let known = neighbors.known();
        let id = body["cart"]["id"].as_str().expect("a cart");
        let subtotal = known.subtotal(id);
        Json(json!({ "totals": totals(subtotal, subtotal + 490), "lines": [], "out_of_stock": [], "cart_revision": 1,
                     "coupon": known.carts[id].coupon.as_ref().map(|code| json!({ "code": code, "usable": code != "BAD" })) })).into_response()
    }
    async fn place(
        State(neighbors): State<Neighbors>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        let mut known = neighbors.known();
        let key = headers["idempotency-key"]
            .to_str()
            .expect("ASCII")
            .to_owned();
        if let Some(answer) = known.answers.get(&key) {
            return (StatusCode::CREATED, Json(answer.clone())).into_response();
        }
        let cart = body["cart"]["id"].as_str().expect("a cart").to_owned();
        let lines = known.carts[&cart].lines.clone();
        if lines.is_empty() {
            return problem(StatusCode::CONFLICT, "cart-empty", "cart");
        }
        if i64::from(lines.values().sum::<u32>()) > known.left {
            return problem(StatusCode::CONFLICT, "out-of-stock", "1-small");
        }
        let total = known.subtotal(&cart) + 490;
        if body["expected_total"]["amount"] != total {
            return problem(StatusCode::CONFLICT, "total-changed", "expected_total");
        }
        let id = known.id();
        let token = (!known.person(&headers)).then(|| format!("order-token-{}", known.count));
        known.orders.insert(
            id.clone(),
            Order {
                token: token.clone(),
                standing: "placed",
                payment: "awaiting",
                fulfillment: "unfulfilled",
                body,
                lines,
                total,
                returns: Vec::new(),
            },
        );
        // As the event would do a moment later.
        known.carts.get_mut(&cart).expect("a cart").lines.clear();
        let mut answer = known.order(&id);
        answer["access_token"] = json!(token);
        known.answers.insert(key, answer.clone());
        (StatusCode::CREATED, Json(answer)).into_response()
    }
    async fn read(
        State(neighbors): State<Neighbors>,
        Path(id): Path<String>,
        headers: HeaderMap,
    ) -> Response {
        let known = neighbors.known();
        if !known.may_see(&id, &headers) {
            return nothing();
        }
        Json(known.order(&id)).into_response()
    }
    async fn mine(State(neighbors): State<Neighbors>, headers: HeaderMap) -> Response {
        let known = neighbors.known();
        if !known.person(&headers) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let items: Vec<Value> = known
            .orders
            .iter()
            .filter(|(_, order)| order.token.is_none())
            .map(|(id, order)| {
                let mut summary = known.order(id);
                summary["total"] = euros(order.total);
                summary
            })
            .collect();
        Json(json!({ "items": items, "next_cursor": null })).into_response()
    }
    async fn look_up(State(neighbors): State<Neighbors>, Json(body): Json<Value>) -> Response {
        let known = neighbors.known();
        let found = known.orders.iter().find(|(_, order)| {
            body["number"] == "4K7QH-2MXVP" && order.body["email"] == body["email"]
        });
        match found {
            Some((id, order)) => {
                Json(json!({ "order_id": id, "access_token": order.token })).into_response()
            }
            None => nothing(),
        }
    }
    async fn act(
        State(neighbors): State<Neighbors>,
        Path((id, action)): Path<(String, String)>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        let mut known = neighbors.known();
        if !known.may_see(&id, &headers) {
            return nothing();
        }
        let order = known.orders.get_mut(&id).expect("seen");
        match action.as_str() {
            "cancel" if order.fulfillment == "delivered" => {
                return problem(StatusCode::CONFLICT, "not-cancelable", "id");
            }
            "cancel" => order.standing = "canceled",
            kind => order.returns.push(json!({ "kind": if kind == "returns" { "return" } else { kind }, "state": "requested", "requested_at": "2026-11-27T09:30:00Z", "lines": body["lines"] })),
        }
        Json(known.order(&id)).into_response()
    }
    Router::new()
        .route("/v1/stock", get(stock))
        .route("/v1/shipping-methods", get(methods))
        .route("/v1/quotes", post(quote))
        .route("/v1/orders", post(place))
        .route("/v1/orders/{id}", get(read))
        .route("/v1/orders/{id}/invoice.pdf", get(|| async { "%PDF-1.7" }))
        .route(
            &format!("/v1/orders/{{id}}/refunds/{REFUND}/credit-note.pdf"),
            get(|| async { "%PDF-1.7" }),
        )
        .route("/v1/orders/{id}/{action}", post(act))
        .route("/v1/me/orders", get(mine))
        .route("/v1/order-lookups", post(look_up))
}

fn payments() -> Router<Neighbors> {
    async fn methods(State(neighbors): State<Neighbors>) -> Response {
        let provider = neighbors.known().provider;
        Json(json!([{ "provider": provider }, { "provider": "paypal" }, { "provider": "shells" }]))
            .into_response()
    }
    fn show(known: &Known, id: &str) -> Value {
        let payment = &known.payments[id];
        let action = match (payment.state, known.provider) {
            ("action_required", "stripe") => {
                json!({ "kind": "stripe_elements", "client_secret": "pi_1_secret_2", "publishable_key": "pk_test_1", "hosted_url": "https://checkout.stripe.com/c/1" })
            }
            ("action_required", _) => {
                json!({ "kind": "redirect", "url": format!("https://shop.example/v1/test-provider/{id}") })
            }
            _ => Value::Null,
        };
        json!({ "id": id, "order_id": payment.order, "state": payment.state, "amount": euros(839), "action": action })
    }
    async fn begin(
        State(neighbors): State<Neighbors>,
        headers: HeaderMap,
        Json(body): Json<Value>,
    ) -> Response {
        let mut known = neighbors.known();
        let order = body["order_id"].as_str().expect("an order").to_owned();
        if !known.may_see(&order, &headers) {
            return nothing();
        }
        let key = headers["idempotency-key"]
            .to_str()
            .expect("ASCII")
            .to_owned();
        if let Some(answer) = known.answers.get(&key) {
            return (StatusCode::CREATED, Json(answer.clone())).into_response();
        }
        let id = known.id();
        known.payments.insert(
            id.clone(),
            Payment {
                order,
                state: "action_required",
            },
        );
        let answer = show(&known, &id);
        known.answers.insert(key, answer.clone());
        (StatusCode::CREATED, Json(answer)).into_response()
    }
    async fn read(State(neighbors): State<Neighbors>, Path(id): Path<String>) -> Response {
        Json(show(&neighbors.known(), &id)).into_response()
    }
    async fn sync(State(neighbors): State<Neighbors>, Path(id): Path<String>) -> Response {
        let mut known = neighbors.known();
        let (outcome, is_deaf) = (known.outcome, known.is_deaf);
        let payment = known.payments.get_mut(&id).expect("a payment");
        payment.state = outcome;
        let order = payment.order.clone();
        let order = known.orders.get_mut(&order).expect("its order");
        match outcome {
            _ if is_deaf => {}
            "captured" => (order.standing, order.payment) = ("confirmed", "paid"),
            "declined" => order.payment = "failed",
            _ => {}
        }
        Json(show(&known, &id)).into_response()
    }
    Router::new()
        .route("/v1/payment-methods", get(methods))
        .route("/v1/payments", post(begin))
        .route("/v1/payments/{id}", get(read))
        .route("/v1/payments/{id}/sync", post(sync))
}

fn users() -> Router<Neighbors> {
    async fn log_in(State(neighbors): State<Neighbors>, Json(body): Json<Value>) -> Response {
        let mut known = neighbors.known();
        if body["email"] != EMAIL || body["password"] != known.password.as_str() {
            return problem(StatusCode::UNAUTHORIZED, "wrong-credentials", "password");
        }
        if known.needs_code && body["totp"] != "123456" {
            return problem(StatusCode::UNAUTHORIZED, "second-factor-required", "totp");
        }
        (StatusCode::CREATED, Json(known.session())).into_response()
    }
    async fn log_in_with_passkey(
        State(neighbors): State<Neighbors>,
        Json(body): Json<Value>,
    ) -> Response {
        let mut known = neighbors.known();
        if known.passkeys.is_empty() || body["credential"]["id"] != "k" {
            return problem(StatusCode::UNAUTHORIZED, "wrong-credentials", "credential");
        }
        (StatusCode::CREATED, Json(known.session())).into_response()
    }
    async fn refresh(State(neighbors): State<Neighbors>, Json(body): Json<Value>) -> Response {
        let mut known = neighbors.known();
        known.refreshes += 1;
        let token = body["refresh_token"].as_str().expect("a token").to_owned();
        if !token.starts_with("refresh-") || known.used.contains_key(&token) {
            // A replay: nobody of this family goes on.
            known.sessions.clear();
            return problem(StatusCode::UNAUTHORIZED, "session-ended", "refresh_token");
        }
        let session = known.session();
        let successor = session["refresh_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        known.used.insert(token, successor);
        Json(session).into_response()
    }
    async fn register(Json(body): Json<Value>) -> Response {
        if body["password"] == "password123" {
            return problem(StatusCode::BAD_REQUEST, "invalid-request", "password");
        }
        (StatusCode::ACCEPTED, Json(json!({ "message": "sent" }))).into_response()
    }
    async fn confirm(State(neighbors): State<Neighbors>, Json(body): Json<Value>) -> Response {
        if body["token"] != "good" {
            return problem(StatusCode::BAD_REQUEST, "token-not-valid", "token");
        }
        Json(neighbors.known().session()).into_response()
    }
    async fn reset(State(neighbors): State<Neighbors>, Json(body): Json<Value>) -> Response {
        if body["token"] != "good" {
            return problem(StatusCode::BAD_REQUEST, "token-not-valid", "token");
        }
        let password = body["password"].as_str().expect("text");
        password.clone_into(&mut neighbors.known().password);
        StatusCode::NO_CONTENT.into_response()
    }
    /// What only who is logged in may ask.
    async fn me(
        State(neighbors): State<Neighbors>,
        method: Method,
        uri: http::Uri,
        headers: HeaderMap,
        body: String,
    ) -> Response {
        let mut known = neighbors.known();
        if !known.person(&headers) {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        let body: Value = serde_json::from_str(&body).unwrap_or(Value::Null);
        let person = json!({ "id": "p", "email": EMAIL, "name": "Ada Lovelace", "locale": "en", "has_totp": known.needs_code });
        let is_password = body["password"] == known.password.as_str();
        match (method.as_str(), uri.path()) {
            ("GET", "/v1/me") => ([("etag", "\"1\"")], Json(person)).into_response(),
            ("PATCH", "/v1/me") if headers["if-match"] == "\"1\"" => Json(person).into_response(),
            ("DELETE", "/v1/me") if body["password"] == known.password.as_str() => {
                known.sessions.clear();
                StatusCode::ACCEPTED.into_response()
            }
            ("PUT", "/v1/me/password") if body["current"] == known.password.as_str() => {
                let password = body["new"].as_str().expect("text");
                password.clone_into(&mut known.password);
                known.sessions.clear();
                Json(known.session()).into_response()
            }
            ("PUT", "/v1/me/password") | ("DELETE", "/v1/me") => {
                problem(StatusCode::FORBIDDEN, "wrong-password", "current")
            }
            ("GET", "/v1/me/addresses") => Json(json!({ "items": known.addresses })).into_response(),
            ("POST", "/v1/me/addresses") => {
                let mut address = body;
                address["id"] = json!(known.id());
                known.addresses.push(address.clone());
                (StatusCode::CREATED, Json(address)).into_response()
            }
            ("DELETE", path) if path.starts_with("/v1/me/addresses/") => {
                known.addresses.clear();
                StatusCode::NO_CONTENT.into_response()
            }
            ("GET", "/v1/me/sessions") => Json(json!({ "items": [{ "id": "s", "device": "Firefox", "began_at": "2026-11-01T00:00:00Z", "last_used_at": "2026-11-24T12:00:00Z", "ends_at": "2027-01-01T00:00:00Z" }] })).into_response(),
            ("DELETE", "/v1/me/sessions") => {
                known.sessions.clear();
                StatusCode::NO_CONTENT.into_response()
            }
            ("POST", "/v1/me/totp" | "/v1/me/passkeys/challenge") | ("DELETE", "/v1/me/totp")
                if !is_password =>
            {
                problem(StatusCode::FORBIDDEN, "wrong-password", "password")
            }
            ("POST", "/v1/me/totp") => Json(json!({ "secret": "JBSWY3DPEHPK3PXP", "uri": "otpauth://totp/Amazoff:ada%40example.com?secret=JBSWY3DPEHPK3PXP" })).into_response(),
            ("POST", "/v1/me/totp/confirm") | ("DELETE", "/v1/me/totp") if body["code"] != "123456" => {
                problem(StatusCode::BAD_REQUEST, "invalid-request", "code")
            }
            ("POST", "/v1/me/totp/confirm") => {
                known.needs_code = true;
                Json(json!({ "recovery_codes": ["abcd-efgh", "ijkl-mnop"] })).into_response()
            }
            ("DELETE", "/v1/me/totp") => {
                known.needs_code = false;
                StatusCode::NO_CONTENT.into_response()
            }
            ("POST", "/v1/me/passkeys/challenge") => Json(json!({ "id": "c", "options": { "publicKey": { "challenge": "AAAA" } } })).into_response(),
            ("POST", "/v1/me/passkeys") if body["challenge_id"] != "c" => {
                problem(StatusCode::BAD_REQUEST, "passkey-not-accepted", "credential")
            }
            ("POST", "/v1/me/passkeys") => {
                let passkey = json!({ "id": "k", "name": body["name"], "created_at": "2026-11-01T00:00:00Z", "last_used_at": null });
                known.passkeys.push(passkey.clone());
                (StatusCode::CREATED, Json(passkey)).into_response()
            }
            ("GET", "/v1/me/passkeys") => Json(json!({ "items": known.passkeys })).into_response(),
            ("DELETE", path) if path.starts_with("/v1/me/passkeys/") => {
                known.passkeys.clear();
                StatusCode::NO_CONTENT.into_response()
            }
            ("GET", "/v1/me/export") => Json(json!({ "users": person })).into_response(),
            _ => nothing(),
        }
    }
    Router::new()
        .route("/v1/sessions", post(log_in))
        .route("/v1/sessions/refresh", post(refresh))
        .route(
            "/v1/sessions/passkey/challenge",
            post(|| async {
                Json(json!({ "id": "c", "options": { "publicKey": { "challenge": "AAAA" } } }))
            }),
        )
        .route("/v1/sessions/passkey", post(log_in_with_passkey))
        .route(
            "/v1/sessions/logout",
            post(|| async { StatusCode::NO_CONTENT }),
        )
        .route("/v1/registrations", post(register))
        .route("/v1/registrations/confirm", post(confirm))
        .route(
            "/v1/password-resets",
            post(|| async { StatusCode::ACCEPTED }),
        )
        .route("/v1/password-resets/confirm", post(reset))
        .fallback(me)
}
