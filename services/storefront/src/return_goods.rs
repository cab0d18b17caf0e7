//! Sending things back: which, how many, and why if one likes to say.

use crate::{
    assets,
    clients::orders::Order,
    drawing,
    form::Form,
    messages::Messages,
    page_error::PageError,
    read_shopper::{Posted, Shopper},
    shell::Shell,
    show_order::{chosen_lines, order_or_way_to_it},
};
use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;

#[derive(Template)]
#[template(path = "order_return.html", whitespace = "minimize")]
struct ReturnPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    title: String,
    action: String,
    order_href: String,
    problem: Option<&'static str>,
    choices: Vec<Choice>,
    reasons: Vec<(&'static str, &'static str, bool)>,
}

/// A line to choose from.
pub(crate) struct Choice {
    pub(crate) field: String,
    pub(crate) label: String,
    pub(crate) most: u32,
    pub(crate) value: u32,
    pub(crate) art: String,
    pub(crate) tint: u32,
}

/// The lines of an order that something can be chosen of.
pub(crate) fn choices(
    shopper: &Shopper,
    order: &Order,
    form: &Form,
    most: impl Fn(&crate::clients::orders::OrderLine) -> u32,
) -> Vec<Choice> {
    let (t, language) = (shopper.messages(), shopper.language());
    order
        .lines
        .iter()
        .filter(|line| most(line) > 0)
        .map(|line| {
            let field = format!("line-{}", line.sku);
            let name = line.name.text(language).to_owned();
            Choice {
                label: (t.order.how_many)(&name, &most(line).to_string()),
                most: most(line),
                value: form.number(&field).unwrap_or(0).min(most(line)),
                art: line.illustration.clone().unwrap_or_default(),
                tint: drawing::tint(&line.sku),
                field,
            }
        })
        .collect()
}

fn page(
    shopper: &mut Shopper,
    order: &Order,
    form: &Form,
    problem: Option<&'static str>,
) -> ReturnPage {
    let t = shopper.messages();
    let title = (t.order.return_title)(&order.number);
    let order_href = shopper.path(&format!("orders/{}", order.id));
    let reason = form.text("reason");
    ReturnPage {
        t,
        shell: shopper.shell(&title, t.order.return_text),
        token: shopper.form_token(),
        action: format!("{order_href}/return"),
        choices: choices(shopper, order, form, |line| line.returnable),
        reasons: t
            .order
            .reasons
            .into_iter()
            .map(|(value, label)| (value, label, value == reason))
            .collect(),
        order_href,
        problem,
        title,
    }
}

/// `GET /{language}/orders/{id}/return`
pub(crate) async fn show_return(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    match order_or_way_to_it(&mut shopper, &id).await {
        Ok((order, _)) => {
            let page = page(&mut shopper, &order, &Form::default(), None);
            shopper.page(&page)
        }
        Err(detour) => shopper.detour(detour),
    }
}

/// `POST /{language}/orders/{id}/return`
pub(crate) async fn announce_return(
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    let Posted { mut shopper, form } = posted;
    let (order, who) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let t = shopper.messages();
    let Some(orders) = shopper.app.orders.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let lines = chosen_lines(&form, &order, |line| line.returnable);
    let problem = if lines.is_empty() {
        t.order.return_nothing
    } else {
        match orders.return_lines(&id, &who, &lines).await {
            Ok(()) => {
                let href = shopper.path(&format!("orders/{id}?done=returned"));
                return shopper.see(&href);
            }
            Err(error)
                if matches!(
                    error.status(),
                    Some(StatusCode::CONFLICT | StatusCode::BAD_REQUEST)
                ) =>
            {
                t.order.return_refused
            }
            Err(error) => return shopper.fail(&PageError::Closed(error)),
        }
    };
    let page = page(&mut shopper, &order, &form, Some(problem));
    shopper.wrong(&page)
}
