//! Issues the credit note of a refund, and `GET /v1/orders/{id}/refunds/{refund_id}/credit-note.pdf` prints it.

use std::collections::BTreeMap;

use axum::{extract::State, response::Response};
use kit::{Problem, extract::Path, mariadb, money::round_ratio, problem::ProblemSchema};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    change_order::ChangeError,
    db::{invoices, lines, money, returns},
    invoice::credit_note::{CreditNote, Share, print, split},
    load_order::{key_of, personal},
    open_order::{self, Shopper},
    order::{Order, Refund},
    print_invoice::{answer, issued, numbered, year_of},
    view::dashed,
};

/// Prints the credit note of a refund that was carried out. Like the invoice that it names, it keeps its number.
#[utoipa::path(
    get, path = "/v1/orders/{id}/refunds/{refund_id}/credit-note.pdf", tag = "orders", security(("token" = []), ("order" = []), ()),
    params(("id" = Uuid, Path), ("refund_id" = Uuid, Path)),
    responses(
        (status = 200, content_type = "application/pdf", body = Vec<u8>),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn print_credit_note(
    State(app): State<App>,
    Path((id, refund_id)): Path<(Uuid, Uuid)>,
    shopper: Shopper,
) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let order = open_order::read(&app, &mut connection, id, &shopper).await?;
    let refund = money::read(&mut connection, refund_id)
        .await
        .map_err(mariadb::unavailable)?;
    let refund = refund.filter(|refund| refund.order_id == order.id);
    let refund = refund.ok_or(ChangeError::NoSuchPart("refund"))?;
    let pdf = pdf(&app, &mut connection, &order, &refund).await?;
    answer(&format!("{}-credit-note", dashed(&order.number)), pdf)
}

/// Issues the credit note of a refund that was carried out, in its transaction, and the invoice that it changes if nobody asked for that yet.
/// The order is locked.
pub async fn issue(
    app: &App,
    connection: &mut MySqlConnection,
    refund: &Refund,
) -> Result<(), ChangeError> {
    let now = app.clock.now();
    issued(app, connection, refund.order_id).await?;
    invoices::credit(connection, refund.id, year_of(now), now).await?;
    Ok(())
}

async fn pdf(
    app: &App,
    connection: &mut MySqlConnection,
    order: &Order,
    refund: &Refund,
) -> Result<Vec<u8>, ChangeError> {
    let credited = invoices::of_refund(connection, refund.id).await?;
    let invoice = invoices::of_order(connection, order.id).await?;
    let (Some(credited), Some(invoice)) = (credited, invoice) else {
        return Err(ChangeError::NoSuchPart("credit note"));
    };
    let of = what_it_is_for(connection, order, refund).await?;
    let key = key_of(app, connection, order).await?;
    let personal = personal(key.as_ref(), order)?;
    let buyer = personal
        .as_ref()
        .map(|personal| personal.billing.as_ref().unwrap_or(&personal.shipping));
    Ok(print(&CreditNote {
        number: format!("A{}", numbered(credited)),
        issued_at: credited.at,
        invoice_number: numbered(invoice),
        invoiced_at: invoice.at,
        order_number: dashed(&order.number),
        seller: &app.terms.seller,
        buyer,
        shares: split(refund.amount.amount, &of),
        currency: order.currency,
        locale: order.locale,
    }))
}

/// What came back, by rate of tax; the whole order where the refund is for no return.
async fn what_it_is_for(
    connection: &mut MySqlConnection,
    order: &Order,
    refund: &Refund,
) -> Result<Vec<Share>, ChangeError> {
    let lines = lines::of_order(connection, order.id).await?;
    let mut by_rate: BTreeMap<i64, (i64, i64)> = BTreeMap::new();
    let mut add = |rate: i64, total: i64, tax: i64| {
        let sums = by_rate.entry(rate).or_default();
        *sums = (sums.0 + total, sums.1 + tax);
    };
    let backs = match refund.return_id {
        Some(_) => returns::of_order(connection, order.id).await?,
        None => Vec::new(),
    };
    let back = backs
        .into_iter()
        .find(|back| Some(back.id) == refund.return_id);
    if let Some(back) = back {
        for units in &back.lines {
            let Some(line) = lines.iter().find(|line| line.line == units.line) else {
                continue;
            };
            let part = |amount| round_ratio(amount, units.quantity, line.quantity);
            let (total, tax) = (part(line.total), part(line.tax));
            add(
                line.tax_rate,
                total.unwrap_or_default(),
                tax.unwrap_or_default(),
            );
        }
    } else {
        for line in &lines {
            add(line.tax_rate, line.total, line.tax);
        }
        let sums = &order.sums;
        let shipping = if sums.tax_included {
            sums.shipping_total
        } else {
            sums.shipping_total + sums.shipping_tax
        };
        add(sums.shipping_tax_rate, shipping, sums.shipping_tax);
    }
    let shares = by_rate
        .into_iter()
        .map(|(rate, (total, tax))| Share { rate, total, tax });
    Ok(shares.filter(|share| share.total > 0).collect())
}
