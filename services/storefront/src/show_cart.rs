//! The cart: what is in it, what has changed since it was chosen, and the way to the checkout.

use crate::{
    answer_page::render,
    assets,
    basket::{Line, cart_lines, count_things},
    drawing,
    jar::Cookie,
    messages::Messages,
    money::format_money,
    page_error::PageError,
    read_shopper::Shopper,
    shell::Shell,
};
use askama::Template;
use axum::response::{IntoResponse as _, Response};
use kit::client::ClientError;

#[derive(Template)]
#[template(path = "cart.html", whitespace = "minimize")]
struct CartPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    /// What was just done.
    said: Option<String>,
    /// What is wrong with the cart or with what was just tried.
    alert: Option<&'static str>,
    lines: Vec<Line>,
    count: String,
    subtotal: String,
    coupon_note: Option<String>,
    coupon_error: Option<&'static str>,
    can_check_out: bool,
    /// Where an order that was not paid yet can be.
    unpaid_href: Option<String>,
}

#[derive(Template)]
#[template(path = "header_parts.html", whitespace = "minimize")]
struct HeaderParts {
    language: &'static str,
    cart: Option<(&'static str, u64, String)>,
    account: Option<String>,
}

/// `GET /{language}/cart`
pub(crate) async fn show_cart(mut shopper: Shopper) -> Response {
    if !shopper.app.sells() {
        return shopper.fail(&PageError::NotFound);
    }
    match page(&mut shopper).await {
        Ok(page) => shopper.page(&page),
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

async fn page(shopper: &mut Shopper) -> Result<CartPage, ClientError> {
    let (t, language) = (shopper.messages(), shopper.language());
    let held = shopper.cart().await?;
    let query: Vec<(String, String)> = form_urlencoded::parse(shopper.visit.query().as_bytes())
        .into_owned()
        .collect();
    let asked = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let short: Vec<&str> = asked("short")
        .map(|skus| skus.split(',').collect())
        .unwrap_or_default();
    let cart = held.map(|held| held.cart);
    let stock = match &cart {
        Some(cart) => {
            shopper
                .stock(cart.lines.iter().map(|line| line.sku.as_str()))
                .await
        }
        None => Vec::new(),
    };
    let lines = cart
        .as_ref()
        .map(|cart| cart_lines(cart, &stock, &short, language))
        .unwrap_or_default();
    let said = match (asked("added"), asked("done")) {
        (Some(sku), _) => Some(lines.iter().find(|line| line.sku == sku).map_or_else(
            || t.cart.added_something.to_owned(),
            |line| (t.cart.added)(&line.name),
        )),
        (None, Some("removed")) => Some(t.cart.removed.to_owned()),
        (None, Some("updated")) => Some(t.cart.updated.to_owned()),
        _ => None,
    };
    let alert = match asked("problem") {
        Some("quantity") => Some(t.cart.quantity_wrong),
        Some("full") => Some(t.cart.full),
        Some("gone") => Some(t.cart.not_added),
        _ if !short.is_empty() => Some(t.cart.out_of_stock),
        _ => None,
    };
    let coupon = cart.as_ref().and_then(|cart| cart.coupon.clone());
    Ok(CartPage {
        t,
        shell: shopper.shell(t.cart.title, t.cart.description),
        token: shopper.form_token(),
        said,
        alert,
        count: count_things(cart.as_ref().map_or(0, |cart| cart.count), language),
        subtotal: cart
            .as_ref()
            .map(|cart| format_money(cart.subtotal, language))
            .unwrap_or_default(),
        coupon_note: coupon.as_deref().map(t.cart.coupon_kept),
        coupon_error: match asked("coupon") {
            Some("refused") => Some(t.cart.coupon_refused),
            Some("missing") => Some(t.cart.coupon_missing),
            _ => None,
        },
        unpaid_href: shopper
            .jar
            .get(Cookie::Payment)
            .and_then(|payment| payment.split_once('.'))
            .map(|(order, _)| shopper.path(&format!("orders/{order}/pay"))),
        can_check_out: shopper.app.orders.is_some()
            && lines.iter().any(|line| line.total.is_some()),
        lines,
    })
}

/// `GET /{language}/header`: what the header says to this shopper alone. Pages that everyone shares fetch it by script.
pub(crate) async fn show_header(mut shopper: Shopper) -> Response {
    let (t, language) = (shopper.messages(), shopper.language());
    let cart = match shopper.cart().await {
        Ok(held) => held.map(|held| {
            let count = held.cart.count;
            (t.cart.cart, count, count_things(count, language))
        }),
        Err(error) => {
            log(&error);
            None
        }
    };
    let account = match shopper.glance_at_person().await {
        Ok(name) => name,
        Err(error) => {
            log(&error);
            None
        }
    };
    let parts = HeaderParts {
        language: language.code(),
        cart,
        account,
    };
    match render(&parts) {
        Ok(html) => shopper.answer(axum::response::Html(html).into_response()),
        Err(error) => shopper.fail(&error),
    }
}

fn log(error: &ClientError) {
    tracing::warn!(error = %kit::problem::chain(error), "a part of the header is missing");
}

impl Shopper {
    /// The first name of who is logged in.
    async fn glance_at_person(&mut self) -> Result<Option<String>, ClientError> {
        let Some(users) = self.app.users.clone() else {
            return Ok(None);
        };
        let access = self.access().await?;
        match access.person() {
            Some(who) => users
                .glance_at_me(who)
                .await
                .map(|person| Some(person.name)),
            None => Ok(None),
        }
    }

    /// How much there is of some things; nothing when nobody knows.
    pub(crate) async fn stock(
        &self,
        skus: impl Iterator<Item = &str>,
    ) -> Vec<crate::clients::orders::Stock> {
        let skus: Vec<&str> = skus.collect();
        let Some(orders) = self.app.orders.as_ref().filter(|_| !skus.is_empty()) else {
            return Vec::new();
        };
        orders.stock(&skus).await.unwrap_or_else(|error| {
            tracing::warn!(error = %kit::problem::chain(&error), "no stock is shown");
            Vec::new()
        })
    }
}
