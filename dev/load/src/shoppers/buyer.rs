//! Those who fill a cart and order.

use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder, header::HeaderMap};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Town;
use crate::{
    samples::Outcome,
    shop::{GaveUp, Shop},
};

/// How long a buyer waits for a paid order to be confirmed, or longer when patient.
const UNTIL_CONFIRMED: Duration = Duration::from_mins(1);

/// What one shopper takes home: SKUs and how many of each.
pub(crate) type Basket = Vec<(String, u32)>;

/// An order that the shop has acknowledged.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Purchase {
    /// What guests see their order with.
    pub(crate) token: String,
    /// In minor units.
    pub(crate) total: i64,
    /// How many units it holds.
    pub(crate) units: u32,
    /// Whether it was paid and seen confirmed.
    pub(crate) confirmed: bool,
}

/// A whole purchase, from an empty cart to a confirmed order.
pub(super) async fn buy(town: &Town, due: Instant) {
    match basket(town) {
        Some(basket) => buy_from(town, due, &basket).await,
        None => town.shop.note("purchase", due, Outcome::short_of("filled")),
    }
}

/// The same of a given basket, at once.
pub(super) async fn buy_basket(town: &Town, basket: Basket) {
    buy_from(town, Instant::now(), &basket).await;
}

async fn buy_from(town: &Town, due: Instant, basket: &Basket) {
    let outcome = match purchase(town, basket).await {
        Ok(()) => Outcome::Done,
        Err(Short(goal)) => Outcome::short_of(goal),
    };
    town.shop.note("purchase", due, outcome);
}

/// An order that nobody pays: its stock must come back by itself.
pub(super) async fn hoard(town: &Town, due: Instant) {
    let Some(sku) = town.pick(&town.skus) else {
        return;
    };
    let outcome = match order(town, &[(sku.clone(), 20)]).await {
        Ok(_) => Outcome::Done,
        Err(Short(goal)) => Outcome::short_of(goal),
    };
    town.shop.note("hoard", due, outcome);
}

/// What an errand fell short of.
struct Short(&'static str);

impl Short {
    fn of(goal: &'static str) -> impl Fn(GaveUp) -> Self {
        move |GaveUp| Self(goal)
    }
}

struct Placed {
    id: String,
    token: String,
    total: i64,
    units: u32,
}

async fn purchase(town: &Town, basket: &Basket) -> Result<(), Short> {
    let placed = order(town, basket).await?;
    pay(&town.shop, &placed).await?;
    see_confirmed(&town.shop, &placed).await?;
    let Placed {
        id,
        token,
        total,
        units,
    } = placed;
    let confirmed = Purchase {
        token,
        total,
        units,
        confirmed: true,
    };
    town.remember(id, confirmed);
    Ok(())
}

/// One that somebody really bought, or one to four things of the shop.
fn basket(town: &Town) -> Option<Basket> {
    if let Some(basket) = town.pick(&town.baskets) {
        return Some(basket.clone());
    }
    let lines = 1 + town.turn() % 4;
    let mut basket = Basket::new();
    for _ in 0..lines {
        let sku = town.pick(&town.skus)?;
        if basket.iter().all(|(taken, _)| taken != sku) {
            basket.push((sku.clone(), 1));
        }
    }
    Some(basket)
}

async fn order(town: &Town, basket: &[(String, u32)]) -> Result<Placed, Short> {
    let shop = &town.shop;
    let new_cart = || shop.request(Method::POST, "/v1/carts").json(&json!({}));
    let cart = shop.insist("new cart", &new_cart).await;
    let cart = cart.map_err(Short::of("given a cart"))?.json;
    let (id, token) = (text(&cart["id"]), text(&cart["token"]));
    for (sku, quantity) in basket {
        let line = || {
            shop.request(Method::PUT, &format!("/v1/carts/{id}/lines/{sku}"))
                .header("cart-token", &token)
                .json(&json!({"quantity": quantity}))
        };
        let put = shop.insist("fill cart", &line).await;
        put.map_err(Short::of("filled"))?;
    }
    let key = format!("load-{id}");
    let address = json!({
        "name": "Load Tester", "line1": "1 rue de l'Essai", "postal_code": "75001", "city": "Paris", "country": "FR",
    });
    let body = json!({
        "cart": {"id": id}, "email": format!("buyer-{id}@example.com"), "locale": "en",
        "shipping_address": address, "shipping_method": "standard",
    });
    let place = || {
        shop.request(Method::POST, "/v1/orders")
            .header("cart-token", &token)
            .header("idempotency-key", &key)
            .json(&body)
    };
    let placed = shop.insist("place order", &place).await;
    let placed = placed.map_err(Short::of("placed"))?.json;
    let placed = Placed {
        id: text(&placed["id"]),
        token: text(&placed["access_token"]),
        total: placed["totals"]["total"]["amount"]
            .as_i64()
            .unwrap_or_default(),
        units: basket.iter().map(|(_, quantity)| quantity).sum(),
    };
    let acknowledged = Purchase {
        token: placed.token.clone(),
        total: placed.total,
        units: placed.units,
        confirmed: false,
    };
    town.remember(placed.id.clone(), acknowledged);
    Ok(placed)
}

async fn pay(shop: &Shop, placed: &Placed) -> Result<(), Short> {
    let key = format!("pay-{}", placed.id);
    let body = json!({"order_id": placed.id, "provider": "test", "return_url": "/en/"});
    let start = || {
        as_guest(shop.request(Method::POST, "/v1/payments"), placed)
            .header("idempotency-key", &key)
            .json(&body)
    };
    let payment = shop.insist("start payment", &start).await;
    let payment = text(&payment.map_err(Short::of("charged"))?.json["id"]);
    let settle = || {
        let path = format!("/v1/test-provider/{payment}");
        shop.request(Method::POST, &path)
            .json(&json!({"outcome": "succeed"}))
    };
    // A choice can't be made twice: when its answer was lost, the next try is refused. What counts is the order.
    let _seen_at_the_order = shop.insist("pay", &settle).await;
    Ok(())
}

async fn see_confirmed(shop: &Shop, placed: &Placed) -> Result<(), Short> {
    let began = Instant::now();
    let look = || {
        let path = format!("/v1/orders/{}", placed.id);
        as_guest(shop.request(Method::GET, &path), placed)
    };
    let mut pause = Duration::from_millis(20);
    while began.elapsed() < UNTIL_CONFIRMED.max(shop.patience) {
        let order = shop.insist("look at order", &look).await;
        let order = order.map_err(Short::of("seen again"))?.json;
        match order["states"]["order"].as_str() {
            Some("confirmed" | "completed") => {
                shop.note("payment to confirmation", began, Outcome::Done);
                return Ok(());
            }
            Some("canceled" | "expired") => return Err(Short("confirmed but closed")),
            _ => tokio::time::sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_secs(1));
    }
    Err(Short("confirmed in time"))
}

fn as_guest(request: RequestBuilder, placed: &Placed) -> RequestBuilder {
    let mut headers = HeaderMap::new();
    if let Ok(token) = placed.token.parse() {
        headers.insert("order-token", token);
    }
    request.headers(headers)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
