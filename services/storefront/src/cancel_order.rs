//! Calling an order off, after asking once more.

use crate::{
    assets, drawing,
    messages::Messages,
    page_error::PageError,
    read_shopper::{Posted, Shopper},
    shell::Shell,
    show_order::order_or_way_to_it,
};
use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;

#[derive(Template)]
#[template(path = "order_cancel.html", whitespace = "minimize")]
struct CancelPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    title: String,
    action: String,
    order_href: String,
}

/// `GET /{language}/orders/{id}/cancel`
pub(crate) async fn ask_to_cancel(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (order, _) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let t = shopper.messages();
    let order_href = shopper.path(&format!("orders/{id}"));
    if !order.cancelable {
        return shopper.see(&format!("{order_href}?problem=cancel"));
    }
    let title = (t.order.cancel_title)(&order.number);
    let page = CancelPage {
        t,
        shell: shopper.shell(&title, t.order.cancel_text),
        token: shopper.form_token(),
        action: format!("{order_href}/cancel"),
        order_href,
        title,
    };
    shopper.page(&page)
}

/// `POST /{language}/orders/{id}/cancel`
pub(crate) async fn cancel_order(
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    let Posted { mut shopper, .. } = posted;
    let (_, who) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(orders) = shopper.app.orders.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let href = shopper.path(&format!("orders/{id}"));
    match orders.cancel(&id, &who).await {
        Ok(()) => shopper.see(&format!("{href}?done=canceled")),
        Err(error) if error.status() == Some(StatusCode::CONFLICT) => {
            shopper.see(&format!("{href}?problem=cancel"))
        }
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}
