//! An order: how far it is, what is in it, what can be done with it.

use crate::{
    assets,
    basket::{Line, Sums, order_lines, sums},
    clients::{
        neighbor::Who,
        orders::{Order, ReturnLine},
    },
    date::{format_date, format_instant},
    drawing,
    form_page::Notice,
    language::Language,
    messages::Messages,
    money::format_money,
    pay_order::is_settled,
    read_shopper::{Access, Shopper, is_absent, is_refused},
    shell::Shell,
    show_checkout::Detour,
    tracking::{Parcel, ProgressStep, parcels, steps},
};
use askama::Template;
use axum::{extract::Path, response::Response};
use kit::client::ClientError;
use std::time::Duration;

/// How often an order is looked at again right after it was paid, and how long is waited between.
const LOOKS: usize = 8;
const BETWEEN_LOOKS: Duration = Duration::from_millis(150);

#[derive(Template)]
#[template(path = "order.html", whitespace = "minimize")]
struct OrderPage {
    t: &'static Messages,
    shell: Shell,
    title: String,
    thanks: Option<String>,
    notice: Option<Notice>,
    said: Option<&'static str>,
    placed_on: String,
    status: &'static str,
    status_class: &'static str,
    status_text: &'static str,
    steps: Vec<ProgressStep>,
    lines: Vec<Line>,
    sums: Sums,
    coupon: Option<String>,
    address: Vec<String>,
    billing: Vec<String>,
    method: String,
    parcels: Vec<Parcel>,
    returns: Vec<String>,
    refunds: Vec<GoneBack>,
    pay_href: Option<String>,
    invoice_href: Option<String>,
    return_href: Option<String>,
    withdraw_href: Option<String>,
    withdraw_until: Option<String>,
    cancel_href: Option<String>,
    register_href: Option<String>,
}

/// Money that went back, and the paper that says so.
struct GoneBack {
    text: String,
    credit_note_href: Option<String>,
}

impl Shopper {
    /// An order that this shopper may see, and in whose name.
    pub(crate) async fn order(&mut self, id: &str) -> Result<Option<(Order, Who)>, ClientError> {
        let Some(orders) = self.app.orders.clone() else {
            return Ok(None);
        };
        if uuid::Uuid::try_parse(id).is_err() {
            return Ok(None);
        }
        let token = self
            .kept_orders()
            .find(|(kept, _)| *kept == id)
            .map(|(_, token)| Who::of_order(token));
        if let Some(who) = token {
            match orders.read(id, &who).await {
                Ok(order) => return Ok(Some((order, who))),
                Err(error) if is_absent(&error) || is_refused(&error) => {}
                Err(error) => return Err(error),
            }
        }
        let mut access = self.access().await?;
        for may_renew in [true, false] {
            let Access::Person(who) = access else {
                return Ok(None);
            };
            match orders.read(id, &who).await {
                Ok(order) => return Ok(Some((order, who))),
                Err(error) if is_refused(&error) && may_renew => access = self.renewed().await?,
                Err(error) if is_absent(&error) || is_refused(&error) => return Ok(None),
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

/// An order, or the way to prove that it is one's own.
pub(crate) async fn order_or_way_to_it(
    shopper: &mut Shopper,
    id: &str,
) -> Result<(Order, Who), Detour> {
    if let Some(found) = shopper.order(id).await? {
        return Ok(found);
    }
    // Whoever has an account comes back here once they have logged in.
    let order =
        uuid::Uuid::try_parse(id).map_or_else(|_| String::new(), |id| format!("&order={id}"));
    let way = format!("orders/track?problem=not-yours{order}");
    Err(Detour::See(shopper.path(&way)))
}

/// `GET /{language}/orders/{id}`; `?token=` is how a mail leads here.
pub(crate) async fn show_order(
    mut shopper: Shopper,
    Path((_, id)): Path<(String, String)>,
) -> Response {
    let query: Vec<(String, String)> = form_urlencoded::parse(shopper.visit.query().as_bytes())
        .into_owned()
        .collect();
    let asked = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    if let Some(token) = asked("token").filter(|_| uuid::Uuid::try_parse(&id).is_ok()) {
        // Out of the address, before anybody else sees it there.
        shopper.keep_order(&id, token);
        let href = shopper.path(&format!("orders/{id}"));
        return shopper.see(&href);
    }
    let (mut order, who) = match order_or_way_to_it(&mut shopper, &id).await {
        Ok(found) => found,
        Err(detour) => return shopper.detour(detour),
    };
    if asked("thanks").is_some() {
        order = confirmed_soon(&shopper, order, &who).await;
    }
    let (t, language) = (shopper.messages(), shopper.language());
    let email = order.email.clone().unwrap_or_default();
    let is_thanks = asked("thanks").is_some();
    let said = match asked("done") {
        Some("canceled") => Some(t.order.canceled),
        Some("returned") => Some(t.order.returned),
        _ => None,
    };
    let notice = (asked("problem") == Some("cancel")).then(|| Notice {
        title: t.order.cancel.to_owned(),
        text: t.order.cancel_refused.to_owned(),
    });
    let is_paid = is_settled(&order);
    let is_guest = !shopper.seems_known();
    let page = page(
        &shopper,
        &order,
        is_thanks.then(|| {
            if is_paid {
                (t.order.thanks_text)(&email)
            } else {
                t.order.paid_soon_text.to_owned()
            }
        }),
        said,
        notice,
        is_guest,
        language,
    );
    shopper.page(&page)
}

/// The order once it knows that it is paid, which takes an event a moment; as it is when that takes longer.
async fn confirmed_soon(shopper: &Shopper, mut order: Order, who: &Who) -> Order {
    let Some(orders) = &shopper.app.orders else {
        return order;
    };
    for _ in 0..LOOKS {
        if is_settled(&order) {
            break;
        }
        tokio::time::sleep(BETWEEN_LOOKS).await;
        match orders.read(&order.id, who).await {
            Ok(now) => order = now,
            Err(_away) => break,
        }
    }
    order
}

fn page(
    shopper: &Shopper,
    order: &Order,
    thanks: Option<String>,
    said: Option<&'static str>,
    notice: Option<Notice>,
    is_guest: bool,
    language: Language,
) -> OrderPage {
    let t = shopper.messages();
    let here = shopper.path(&format!("orders/{}", order.id));
    let is_open = order.states.order == "placed";
    let is_over = matches!(order.states.order.as_str(), "canceled" | "expired");
    let is_paid = is_settled(order);
    let title = (t.order.title)(&order.number);
    let is_thanked = thanks.is_some();
    // The money is there, and only the order has not heard of it yet.
    let is_received = is_thanked && !is_paid && is_open;
    let withdraw_href = order
        .withdrawal
        .possible
        .then(|| format!("{here}/withdrawal"));
    OrderPage {
        t,
        shell: shopper.shell(&title, t.order.description),
        placed_on: (t.order.placed_on)(&format_instant(order.placed_at, language)),
        status: if is_received {
            t.order.step_paid
        } else {
            (t.order.status)(&order.status)
        },
        status_class: match order.status.as_str() {
            _ if is_received => "is-fine",
            "canceled" | "expired" | "refunded" => "is-over",
            "awaiting_payment" | "payment_failed" => "is-waiting",
            _ => "is-fine",
        },
        status_text: if is_received {
            t.order.paid_soon_text
        } else {
            (t.order.status_text)(&order.status)
        },
        steps: if is_over {
            Vec::new()
        } else {
            steps(order, is_paid || is_received, t)
        },
        lines: order_lines(order, language),
        sums: sums(&order.totals, language),
        coupon: order.coupon.as_deref().map(t.cart.coupon_kept),
        address: order
            .addresses
            .as_ref()
            .map(|addresses| addresses.shipping.lines(language))
            .unwrap_or_default(),
        billing: order
            .addresses
            .as_ref()
            .filter(|addresses| addresses.billing != addresses.shipping)
            .map(|addresses| addresses.billing.lines(language))
            .unwrap_or_default(),
        method: order.shipping_method.name.text(language).to_owned(),
        parcels: parcels(order, t, language),
        returns: order
            .returns
            .iter()
            .map(|back| {
                format!(
                    "{}, {}{}{}",
                    (t.order.return_kind)(&back.kind),
                    format_date(back.requested_at, language),
                    t.cart.colon,
                    (t.order.return_state)(&back.state)
                )
            })
            .collect(),
        refunds: order
            .refunds
            .iter()
            .map(|refund| GoneBack {
                text: format!(
                    "{}{}{}",
                    format_money(refund.amount, language),
                    t.cart.colon,
                    (t.order.refund_state)(&refund.state)
                ),
                credit_note_href: (refund.state == "succeeded")
                    .then(|| format!("{here}/refunds/{}/credit-note.pdf", refund.id)),
            })
            .collect(),
        pay_href: (is_open && !is_paid && !is_thanked).then(|| format!("{here}/pay")),
        invoice_href: is_paid.then(|| format!("{here}/invoice.pdf")),
        return_href: order
            .lines
            .iter()
            .any(|line| line.returnable > 0)
            .then(|| format!("{here}/return")),
        withdraw_until: order
            .withdrawal
            .possible_until
            .filter(|_| withdraw_href.is_some())
            .map(|until| (t.order.withdraw_until)(&format_instant(until, language))),
        withdraw_href,
        cancel_href: order.cancelable.then(|| format!("{here}/cancel")),
        register_href: (is_guest && shopper.app.users.is_some() && !is_over)
            .then(|| shopper.path(&format!("account/register?order={}", order.id))),
        title,
        thanks,
        said,
        notice,
    }
}

/// The quantities that a form chose: fields `line-{sku}`, bounded by what there is.
pub(crate) fn chosen_lines(
    form: &crate::form::Form,
    order: &Order,
    most: impl Fn(&crate::clients::orders::OrderLine) -> u32,
) -> Vec<ReturnLine> {
    order
        .lines
        .iter()
        .filter_map(|line| {
            let quantity = form
                .number(&format!("line-{}", line.sku))
                .unwrap_or(0)
                .min(most(line));
            (quantity > 0).then(|| ReturnLine {
                sku: line.sku.clone(),
                quantity,
                reason: form
                    .filled("reason")
                    .map(|reason| reason.chars().take(200).collect()),
            })
        })
        .collect()
}
