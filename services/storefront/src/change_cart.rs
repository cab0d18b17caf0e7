//! Putting things into the cart, changing how many, taking them out; coupons.

use crate::{
    answer_page::render,
    assets,
    basket::count_things,
    clients::cart::Cart,
    drawing,
    form::Form,
    messages::Messages,
    page_error::PageError,
    read_shopper::{Posted, PostedByAnyPage, Shopper},
    shell::Shell,
};
use askama::Template;
use axum::response::{Html, IntoResponse as _, Response};
use http::{StatusCode, header};
use kit::client::ClientError;

/// The most pieces of one thing, as the cart has it.
const MOST: u32 = 99;

#[derive(Template)]
#[template(path = "added.html", whitespace = "minimize")]
struct Added {
    t: &'static Messages,
    language: &'static str,
    said: String,
    count: Option<(u64, String)>,
}

#[derive(Template)]
#[template(path = "confirm_add.html", whitespace = "minimize")]
struct ConfirmAdd {
    t: &'static Messages,
    shell: Shell,
    token: String,
    sku: String,
    quantity: u32,
}

/// What became of something that was tried with the cart.
enum Tried {
    Done(Box<Cart>),
    /// Nothing happened; `problem` says why in the cart's address.
    Refused(&'static str),
}

/// `POST /{language}/cart/lines`: comes from product pages, which are the same for everyone.
pub(crate) async fn add_to_cart(posted: PostedByAnyPage) -> Response {
    let PostedByAnyPage {
        mut shopper,
        form,
        is_ours,
    } = posted;
    if !shopper.app.sells() {
        return shopper.fail(&PageError::NotFound);
    }
    let sku = form.text("sku").to_owned();
    let quantity = form.number("quantity").unwrap_or(1);
    if !is_ours {
        let page = ConfirmAdd {
            t: shopper.messages(),
            shell: shopper.shell(shopper.messages().cart.confirm_title, ""),
            token: shopper.form_token(),
            sku,
            quantity,
        };
        return shopper.page(&page);
    }
    let is_fragment = shopper
        .headers
        .get(header::ACCEPT)
        .is_some_and(|value| value == "text/x-fragment");
    match add(&mut shopper, &sku, quantity).await {
        Ok(Tried::Done(cart)) if is_fragment => fragment(shopper, &sku, Some(&cart)),
        Ok(Tried::Done(_)) => see_cart(shopper, "added", &sku),
        Ok(Tried::Refused(problem)) => {
            if is_fragment {
                return refusal(shopper, problem);
            }
            see_cart(shopper, "problem", problem)
        }
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

async fn add(shopper: &mut Shopper, sku: &str, quantity: u32) -> Result<Tried, ClientError> {
    if sku.is_empty() || sku.len() > 64 {
        return Ok(Tried::Refused("gone"));
    }
    if !(1..=MOST).contains(&quantity) {
        return Ok(Tried::Refused("quantity"));
    }
    let Some((carts, held)) = shopper.app.carts.clone().zip(shopper.cart_to_fill().await?) else {
        return Ok(Tried::Refused("gone"));
    };
    tried(carts.add(&held.cart.id, &held.who, sku, quantity).await)
}

/// `POST /{language}/cart/quantity`: buttons send `set`, the field sends `quantity`.
pub(crate) async fn change_quantity(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    let wanted = if form.has("set") {
        form.number("set")
    } else {
        form.number("quantity")
    };
    let Some(quantity) = wanted.filter(|quantity| *quantity <= MOST) else {
        return see_cart(shopper, "problem", "quantity");
    };
    match put(&mut shopper, form.text("sku"), quantity).await {
        Ok(Tried::Done(_)) if quantity == 0 => see_cart(shopper, "done", "removed"),
        Ok(Tried::Done(_)) => see_cart(shopper, "done", "updated"),
        Ok(Tried::Refused(problem)) => see_cart(shopper, "problem", problem),
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

async fn put(shopper: &mut Shopper, sku: &str, quantity: u32) -> Result<Tried, ClientError> {
    let Some((carts, held)) = shopper.app.carts.clone().zip(shopper.cart().await?) else {
        return Ok(Tried::Refused("gone"));
    };
    tried(carts.put(&held.cart.id, &held.who, sku, quantity).await)
}

/// `POST /{language}/cart/coupon`
pub(crate) async fn change_coupon(posted: Posted) -> Response {
    let Posted { mut shopper, form } = posted;
    if !form.has("remove") && form.filled("code").is_none() {
        return see_cart(shopper, "coupon", "missing");
    }
    match coupon(&mut shopper, &form).await {
        Ok(()) => see_cart(shopper, "done", "updated"),
        Err(error) if is_no(&error) => see_cart(shopper, "coupon", "refused"),
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

async fn coupon(shopper: &mut Shopper, form: &Form) -> Result<(), ClientError> {
    let Some((carts, held)) = shopper.app.carts.clone().zip(shopper.cart().await?) else {
        return Ok(());
    };
    if form.has("remove") {
        carts.remove_coupon(&held.cart.id, &held.who).await
    } else {
        carts
            .put_coupon(&held.cart.id, &held.who, form.text("code"))
            .await
    }
}

fn tried(outcome: Result<Cart, ClientError>) -> Result<Tried, ClientError> {
    match outcome {
        Ok(cart) => Ok(Tried::Done(Box::new(cart))),
        Err(error) => match error.status() {
            Some(StatusCode::NOT_FOUND | StatusCode::GONE) => Ok(Tried::Refused("gone")),
            Some(StatusCode::CONFLICT) => Ok(Tried::Refused("full")),
            Some(StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY) => Ok(Tried::Refused(
                match crate::clients::neighbor::problem_kind(&error) {
                    Some(kind) if kind.contains("full") || kind.contains("many") => "full",
                    _ => "gone",
                },
            )),
            _ => Err(error),
        },
    }
}

fn is_no(error: &ClientError) -> bool {
    error
        .status()
        .is_some_and(|status| status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS)
}

fn see_cart(shopper: Shopper, name: &str, value: &str) -> Response {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair(name, value)
        .finish();
    let href = shopper.path(&format!("cart?{query}"));
    shopper.see(&href)
}

/// What a script shows in place of the cart's page.
fn fragment(shopper: Shopper, sku: &str, cart: Option<&Cart>) -> Response {
    let (t, language) = (shopper.messages(), shopper.language());
    let name = cart
        .and_then(|cart| cart.lines.iter().find(|line| line.sku == sku))
        .map(|line| line.name.text(language));
    let said = name.map_or_else(|| t.cart.added_something.to_owned(), t.cart.added);
    answer_fragment(
        shopper,
        said,
        cart.map(|cart| (cart.count, count_things(cart.count, language))),
        StatusCode::OK,
    )
}

fn refusal(shopper: Shopper, problem: &str) -> Response {
    let t = shopper.messages().cart;
    let said = match problem {
        "quantity" => t.quantity_wrong,
        "full" => t.full,
        _ => t.not_added,
    };
    answer_fragment(
        shopper,
        said.to_owned(),
        None,
        StatusCode::UNPROCESSABLE_ENTITY,
    )
}

fn answer_fragment(
    shopper: Shopper,
    said: String,
    count: Option<(u64, String)>,
    status: StatusCode,
) -> Response {
    let added = Added {
        t: shopper.messages(),
        language: shopper.language().code(),
        said,
        count,
    };
    match render(&added) {
        Ok(html) => shopper.answer((status, Html(html)).into_response()),
        Err(error) => shopper.fail(&error),
    }
}
