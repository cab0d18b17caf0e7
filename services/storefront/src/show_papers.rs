//! The papers of an order, as files to keep: its invoice, and a credit note for each refund.

use crate::{
    clients::{
        neighbor::Who,
        orders::{Order, Orders},
    },
    page_error::PageError,
    read_shopper::{Shopper, is_absent},
    show_order::order_or_way_to_it,
};
use axum::{
    extract::Path,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{StatusCode, header};
use kit::client::ClientError;

/// `GET /{language}/orders/{id}/invoice.pdf`
pub(crate) async fn show_invoice(
    shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    match open(shopper, &id).await {
        Ok(Opened {
            shopper,
            orders,
            order,
            who,
        }) => {
            let pdf = orders.invoice(&id, &who).await;
            download(shopper, pdf, &order.number)
        }
        Err(instead) => *instead,
    }
}

/// `GET /{language}/orders/{id}/refunds/{refund}/credit-note.pdf`
pub(crate) async fn show_credit_note(
    shopper: Shopper,
    Path((_, id, refund)): Path<(String, String, String)>,
) -> Response {
    match open(shopper, &id).await {
        Ok(Opened {
            shopper,
            orders,
            order,
            who,
        }) => {
            let pdf = orders.credit_note(&id, &refund, &who).await;
            download(shopper, pdf, &format!("{}-credit-note", order.number))
        }
        Err(instead) => *instead,
    }
}

/// An order that this shopper may see.
struct Opened {
    shopper: Shopper,
    orders: Orders,
    order: Order,
    who: Who,
}

/// The order, or what is answered instead.
async fn open(mut shopper: Shopper, id: &str) -> Result<Opened, Box<Response>> {
    let (order, who) = match order_or_way_to_it(&mut shopper, id).await {
        Ok(found) => found,
        Err(detour) => return Err(Box::new(shopper.detour(detour))),
    };
    match shopper.app.orders.clone() {
        Some(orders) => Ok(Opened {
            shopper,
            orders,
            order,
            who,
        }),
        None => Err(Box::new(shopper.fail(&PageError::NotFound))),
    }
}

fn download(shopper: Shopper, pdf: Result<Bytes, ClientError>, name: &str) -> Response {
    match pdf {
        Ok(pdf) => {
            let headers = [
                (header::CONTENT_TYPE, "application/pdf".to_owned()),
                (
                    header::CONTENT_DISPOSITION,
                    format!("attachment; filename=\"{name}.pdf\""),
                ),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
            ];
            shopper.answer((headers, pdf).into_response())
        }
        Err(error) if is_absent(&error) || error.status() == Some(StatusCode::CONFLICT) => {
            shopper.fail(&PageError::NotFound)
        }
        Err(error) => shopper.fail(&PageError::Closed(error)),
    }
}
