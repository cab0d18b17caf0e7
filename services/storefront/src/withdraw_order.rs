//! Withdrawing from a contract, as the law has it (Directive (EU) 2023/2673): no reason, two steps, a receipt.

use crate::{
    assets,
    clients::orders::{Order, ReturnLine},
    date::{format_date, format_instant},
    drawing,
    form::Form,
    messages::Messages,
    page_error::PageError,
    read_shopper::{Posted, Shopper},
    return_goods::{Choice, choices},
    shell::Shell,
    show_order::{chosen_lines, order_or_way_to_it},
};
use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;

#[derive(Template)]
#[template(path = "withdraw.html", whitespace = "minimize")]
struct WithdrawPage {
    t: &'static Messages,
    shell: Shell,
    title: String,
    until: Option<String>,
    is_possible: bool,
    problem: Option<&'static str>,
    action: String,
    order_href: String,
    choices: Vec<Choice>,
}

#[derive(Template)]
#[template(path = "withdraw_confirm.html", whitespace = "minimize")]
struct ConfirmPage {
    t: &'static Messages,
    shell: Shell,
    token: String,
    statement: String,
    goods: Vec<String>,
    receipt_to: Option<String>,
    action: String,
    back_href: String,
    hidden: Vec<(String, String)>,
}

#[derive(Template)]
#[template(path = "withdrawn.html", whitespace = "minimize")]
struct WithdrawnPage {
    t: &'static Messages,
    shell: Shell,
    text: String,
    mail: Option<String>,
    order_href: String,
}

/// `GET /{language}/orders/{id}/withdrawal`: what to withdraw from.
pub(crate) async fn choose_withdrawal(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (order, _) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let (t, language) = (shopper.messages(), shopper.language());
    let query = Form::parse(shopper.visit.query().as_bytes());
    let title = (t.order.withdraw_of)(&order.number);
    let order_href = shopper.path(&format!("orders/{id}"));
    let page = WithdrawPage {
        t,
        shell: shopper.shell(&title, t.order.withdraw_text),
        until: order
            .withdrawal
            .possible_until
            .filter(|_| order.withdrawal.possible)
            .map(|until| (t.order.withdraw_until)(&format_instant(until, language))),
        is_possible: order.withdrawal.possible,
        problem: match query.text("problem") {
            "nothing" => Some(t.order.return_nothing),
            "refused" => Some(t.order.withdraw_refused),
            _ => None,
        },
        action: format!("{order_href}/withdrawal/confirm"),
        choices: choices(&shopper, &order, &query, |line| line.quantity),
        order_href,
        title,
    };
    shopper.page(&page)
}

/// `GET /{language}/orders/{id}/withdrawal/confirm`: the declaration as it will be made.
pub(crate) async fn confirm_withdrawal(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (order, _) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let (t, language) = (shopper.messages(), shopper.language());
    let query = Form::parse(shopper.visit.query().as_bytes());
    let here = shopper.path(&format!("orders/{id}/withdrawal"));
    if !order.withdrawal.possible {
        return shopper.see(&here);
    }
    let chosen = chosen(&query, &order);
    if chosen.as_ref().is_some_and(Vec::is_empty) {
        return shopper.see(&format!("{here}?problem=nothing"));
    }
    let goods = order
        .lines
        .iter()
        .filter_map(|line| {
            let quantity = match &chosen {
                None => line.quantity,
                Some(chosen) => chosen.iter().find(|one| one.sku == line.sku)?.quantity,
            };
            Some(format!("{quantity} × {}", line.name.text(language)))
        })
        .collect();
    let name = order
        .addresses
        .as_ref()
        .map(|addresses| addresses.billing.name.clone())
        .unwrap_or_default();
    let page = ConfirmPage {
        t,
        shell: shopper.shell(t.order.withdraw_confirm_title, t.order.withdraw_text),
        token: shopper.form_token(),
        statement: (t.order.withdraw_statement)(
            &name,
            &order.number,
            &format_date(order.placed_at, language),
        ),
        goods,
        receipt_to: order.email.as_deref().map(t.order.withdraw_receipt_to),
        action: here.clone(),
        back_href: here,
        hidden: match chosen {
            None => vec![("which".to_owned(), "all".to_owned())],
            Some(lines) => lines
                .into_iter()
                .map(|line| (format!("line-{}", line.sku), line.quantity.to_string()))
                .collect(),
        },
    };
    shopper.page(&page)
}

/// `POST /{language}/orders/{id}/withdrawal`: the second step, which makes the declaration.
pub(crate) async fn withdraw_order(
    Path((_, id)): Path<(String, String)>,
    posted: Posted,
) -> Response {
    let Posted { mut shopper, form } = posted;
    let (order, who) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let Some(orders) = shopper.app.orders.clone() else {
        return shopper.fail(&PageError::NotFound);
    };
    let here = shopper.path(&format!("orders/{id}/withdrawal"));
    let chosen = chosen(&form, &order);
    if chosen.as_ref().is_some_and(Vec::is_empty) {
        return shopper.see(&format!("{here}?problem=nothing"));
    }
    match orders.withdraw(&id, &who, chosen.as_deref()).await {
        Ok(()) => shopper.see(&format!("{here}/done")),
        Err(error)
            if matches!(
                error.status(),
                Some(StatusCode::CONFLICT | StatusCode::BAD_REQUEST)
            ) =>
        {
            shopper.see(&format!("{here}?problem=refused"))
        }
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}

/// `GET /{language}/orders/{id}/withdrawal/done`
pub(crate) async fn show_withdrawn(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let (order, _) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    let (t, language) = (shopper.messages(), shopper.language());
    let received_at = order
        .history
        .iter()
        .filter(|happened| happened.what.starts_with("withdrawn"))
        .map(|happened| happened.at)
        .max();
    // Nobody has withdrawn: this is no receipt.
    let Some(received_at) = received_at else {
        let href = shopper.path(&format!("orders/{id}/withdrawal"));
        return shopper.see(&href);
    };
    let page = WithdrawnPage {
        t,
        shell: shopper.shell(t.order.withdrawn_title, t.order.withdraw_text),
        text: (t.order.withdrawn_text)(&order.number, &format_instant(received_at, language)),
        mail: order.email.as_deref().map(t.order.withdrawn_mail),
        order_href: shopper.path(&format!("orders/{id}")),
    };
    shopper.page(&page)
}

/// The lines chosen; `None` for the whole order.
fn chosen(form: &Form, order: &Order) -> Option<Vec<ReturnLine>> {
    (form.text("which") != "all").then(|| chosen_lines(form, order, |line| line.quantity))
}
