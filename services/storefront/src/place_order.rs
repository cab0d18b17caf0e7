//! Placing the order: once, for the total that was shown, or not at all.

use crate::{
    clients::{
        neighbor::problem_kind,
        orders::{CartRef, NewOrder, Orders, Placed},
    },
    form::Form,
    jar::Cookie,
    pay_order::begin_payment,
    read_shopper::{Posted, Shopper},
    show_checkout::{Detour, short_query},
};
use axum::response::Response;
use http::StatusCode;
use kit::{client::ClientError, money::Money};
use std::time::Duration;

/// How often an order that is being placed by the same click's twin is asked for again, and how long is waited between.
const TWIN_TRIES: usize = 12;
const TWIN_WAIT: Duration = Duration::from_millis(250);
/// How many of a guest's orders the browser keeps.
const KEPT_ORDERS: usize = 8;

/// `POST /{language}/checkout/order`
pub(crate) async fn place_order(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    match place(&mut shopper, &form).await {
        Ok(order) => {
            let key = form.text("key");
            begin_payment(
                shopper,
                &order,
                form.text("provider"),
                &format!("{key}-pay"),
            )
            .await
        }
        Err(detour) => shopper.detour(detour),
    }
}

/// Places the order and returns its id.
async fn place(shopper: &mut Shopper, form: &Form) -> Result<String, Detour> {
    let review = shopper.checkout_href("?step=review");
    let key = form.text("key").to_owned();
    let draft = shopper.draft();
    let (Some(shipping), Some(method), Some(expected)) = (
        draft.shipping,
        draft.method,
        form.text("expected").parse::<i64>().ok(),
    ) else {
        return Err(Detour::See(shopper.checkout_href("")));
    };
    if uuid::Uuid::try_parse(&key).is_err() {
        return Err(Detour::See(review));
    }
    let person = shopper.person_if_reachable().await;
    // An empty cart is no reason to stop: the click's twin may have been faster, and its answer is told again.
    let (Some(held), Some(orders)) = (shopper.cart().await?, shopper.app.orders.clone()) else {
        return Err(Detour::See(shopper.path("cart")));
    };
    let email = person.map_or(draft.email, |(_, person)| person.email);
    let order = NewOrder {
        cart: CartRef { id: &held.cart.id },
        email: &email,
        locale: shopper.language().code(),
        shipping_address: &shipping,
        billing_address: draft.billing.as_ref(),
        shipping_method: &method,
        expected_total: Money::new(expected, held.cart.subtotal.currency),
    };
    match once(
        &orders,
        &held.who.clone().from(&shopper.headers).once(&key),
        &order,
    )
    .await
    {
        Ok(placed) => {
            if let Some(token) = &placed.access_token {
                shopper.keep_order(&placed.id, token);
            }
            Ok(placed.id)
        }
        Err(error) => Err(refused(shopper, &error, expected, &key)),
    }
}

/// While the same order is being placed by a double click's first half, that one's answer is waited for.
async fn once(
    orders: &Orders,
    who: &crate::clients::neighbor::Who,
    order: &NewOrder<'_>,
) -> Result<Placed, ClientError> {
    for _ in 0..TWIN_TRIES {
        match orders.place(who, order).await {
            Err(error) if is_in_flight(&error) => tokio::time::sleep(TWIN_WAIT).await,
            outcome => return outcome,
        }
    }
    orders.place(who, order).await
}

fn is_in_flight(error: &ClientError) -> bool {
    error.status() == Some(StatusCode::CONFLICT)
        && problem_kind(error)
            .is_some_and(|kind| kind.contains("flight") || kind.contains("progress"))
}

/// Nothing was ordered: back to where it can be mended, with everything that was filled in.
fn refused(shopper: &Shopper, error: &ClientError, expected: i64, key: &str) -> Detour {
    let href = match problem_kind(error) {
        Some("total-changed") => shopper.checkout_href(&format!("?step=review&moved={expected}")),
        Some("out-of-stock") => {
            let problem = error.problem();
            let errors = problem.map(|problem| problem.errors.as_slice());
            let skus = errors
                .unwrap_or_default()
                .iter()
                .map(|error| error.field.as_str());
            shopper.path(&format!("cart?{}", short_query(skus)))
        }
        // With another key, so from another tab or after going back: that order is the one.
        Some("cart-ordered") => match ordered_as(error).or_else(|| shopper.newest_order()) {
            Some(order) => shopper.path(&format!("orders/{order}")),
            None => shopper.path("cart"),
        },
        Some("coupon-not-usable") => shopper.path("cart?coupon=refused"),
        Some("cart-empty") => shopper.path("cart"),
        _ if error.is_unavailable() => {
            tracing::error!(error = %kit::problem::chain(error), "an order could not be placed");
            shopper.checkout_href(&format!("?step=review&problem=later&key={key}"))
        }
        _ => {
            tracing::warn!(error = %kit::problem::chain(error), "an order was refused");
            shopper.checkout_href("?step=review&problem=refused")
        }
    };
    Detour::See(href)
}

/// The order that a cart became, as the refusal says.
fn ordered_as(error: &ClientError) -> Option<String> {
    let detail = &error.problem()?.detail;
    detail
        .split([' ', '.'])
        .find(|word| uuid::Uuid::try_parse(word).is_ok())
        .map(str::to_owned)
}

impl Shopper {
    /// The last order of this browser.
    fn newest_order(&self) -> Option<String> {
        self.kept_orders().next().map(|(id, _)| id.to_owned())
    }

    /// Keeps what opens a guest's order.
    pub(crate) fn keep_order(&mut self, id: &str, token: &str) {
        let new = format!("{id}.{token}");
        let kept = self.jar.get(Cookie::Orders).unwrap_or_default();
        let others = kept
            .split('~')
            .filter(|entry| !entry.is_empty() && !entry.starts_with(id));
        let list: Vec<&str> = std::iter::once(new.as_str())
            .chain(others)
            .take(KEPT_ORDERS)
            .collect();
        let list = list.join("~");
        self.jar.set(Cookie::Orders, &list);
    }

    /// The orders that this browser can open, with their tokens; the newest first.
    pub(crate) fn kept_orders(&self) -> impl Iterator<Item = (&str, &str)> {
        self.jar
            .get(Cookie::Orders)
            .unwrap_or_default()
            .split('~')
            .filter_map(|entry| entry.split_once('.'))
    }
}
