//! `GET /v1/orders/{id}/invoice.pdf`.

use axum::{
    extract::State,
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, header};
use jiff::{Timestamp, tz::TimeZone};
use kit::{Problem, extract::Path, mariadb, problem::ProblemSchema};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    change_order::ChangeError,
    db::{
        invoices::{self, Issued},
        lines, orders,
    },
    invoice::{Invoice, InvoiceLine, print},
    load_order::{key_of, personal},
    open_order::{self, Shopper},
    order::Order,
    state::{OrderState, Refused},
    text::LocalizedText,
    view::dashed,
};

/// Prints the invoice of a paid order. It gets its number when it is first asked for.
#[utoipa::path(
    get, path = "/v1/orders/{id}/invoice.pdf", tag = "orders", security(("token" = []), ("order" = []), ()), params(("id" = Uuid, Path)),
    responses(
        (status = 200, content_type = "application/pdf", body = Vec<u8>),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "It is not paid."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn print_invoice(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    shopper: Shopper,
) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let order = open_order::read(&app, &mut connection, id, &shopper).await?;
    let state = order.states.order;
    if order.paid < order.sums.total || matches!(state, OrderState::Placed | OrderState::Expired) {
        return Err(ChangeError::from(Refused {
            state: state.name(),
            event: "have an invoice",
        })
        .into());
    }
    drop(connection);
    let pdf = pdf(&app, &order).await?;
    answer(&dashed(&order.number), pdf)
}

/// A document for whoever may read the order, and for no cache.
pub(crate) fn answer(name: &str, pdf: Vec<u8>) -> Result<Response, Problem> {
    let name = format!("inline; filename=\"{name}.pdf\"");
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/pdf"),
        ),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).map_err(Problem::internal)?,
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    Ok((headers, pdf).into_response())
}

async fn pdf(app: &App, order: &Order) -> Result<Vec<u8>, ChangeError> {
    let mut transaction = app.pool.begin().await?;
    let issued = issued(app, &mut transaction, order.id).await?;
    let lines = lines::of_order(&mut transaction, order.id).await?;
    let key = key_of(app, &mut transaction, order).await?;
    transaction.commit().await?;
    let personal = personal(key.as_ref(), order)?;
    let ship_to = personal.as_ref().map(|personal| &personal.shipping);
    let billing = personal
        .as_ref()
        .and_then(|personal| personal.billing.as_ref());
    let unknown = LocalizedText {
        en: "Delivery".to_owned(),
        fr: "Livraison".to_owned(),
    };
    let method = app
        .terms
        .shipping
        .iter()
        .find(|rule| rule.id == order.shipping_method);
    let method = method.map_or(&unknown, |rule| &rule.name);
    let sums = &order.sums;
    let shipping_total = if sums.tax_included {
        sums.shipping_total
    } else {
        sums.shipping_total + sums.shipping_tax
    };
    let invoice = Invoice {
        number: numbered(issued),
        issued_at: issued.at,
        order_number: dashed(&order.number),
        placed_at: order.placed_at,
        seller: &app.terms.seller,
        buyer: billing.or(ship_to),
        ship_to,
        lines: lines
            .iter()
            .map(|line| InvoiceLine {
                name: line.shown.name.get(order.locale),
                quantity: line.quantity,
                unit_price: line.unit_price,
                discount: line.discount,
                tax_rate: line.tax_rate,
                tax: line.tax,
                total: line.total,
            })
            .collect(),
        shipping: InvoiceLine {
            name: method.get(order.locale),
            quantity: 1,
            unit_price: sums.shipping_total,
            discount: 0,
            tax_rate: sums.shipping_tax_rate,
            tax: sums.shipping_tax,
            total: shipping_total,
        },
        total: sums.total,
        refunded: order.refunded,
        currency: order.currency,
        tax_included: sums.tax_included,
        locale: order.locale,
    };
    Ok(print(&invoice))
}

/// The number of an order's invoice, drawn when there is none.
pub(crate) async fn issued(
    app: &App,
    connection: &mut MySqlConnection,
    order: Uuid,
) -> Result<Issued, ChangeError> {
    if let Some(issued) = invoices::of_order(connection, order).await? {
        return Ok(issued);
    }
    // Under the order's lock, so that two who ask at once get the same number.
    orders::lock(connection, order).await?;
    if let Some(issued) = invoices::of_order(connection, order).await? {
        return Ok(issued);
    }
    let now = app.clock.now();
    Ok(invoices::issue(connection, order, year_of(now), now).await?)
}

/// The year whose sequence a document of this moment belongs to.
pub(crate) fn year_of(at: Timestamp) -> u16 {
    u16::try_from(at.to_zoned(TimeZone::UTC).year()).unwrap_or_default()
}

/// A number as it is printed.
pub(crate) fn numbered(issued: Issued) -> String {
    format!("{}-{:06}", issued.year, issued.number)
}
