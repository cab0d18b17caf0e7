//! How far an order is on its way, in words.

use crate::{clients::orders::Order, date::format_date, language::Language, messages::Messages};

/// A step of an order's way to the shopper.
pub struct ProgressStep {
    pub name: &'static str,
    pub is_done: bool,
    pub is_current: bool,
}

/// A parcel in words.
pub struct Parcel {
    pub text: String,
    pub href: Option<String>,
}

/// The steps, as far as the order is.
pub fn steps(order: &Order, is_paid: bool, t: &'static Messages) -> Vec<ProgressStep> {
    let fulfillment = order.states.fulfillment.as_str();
    let is_done = [
        true,
        is_paid,
        matches!(fulfillment, "shipped" | "delivered"),
        fulfillment == "delivered",
    ];
    let next = is_done.iter().position(|is_done| !is_done);
    [
        t.order.step_placed,
        t.order.step_paid,
        t.order.step_shipped,
        t.order.step_delivered,
    ]
    .into_iter()
    .zip(is_done)
    .enumerate()
    .map(|(index, (name, is_done))| ProgressStep {
        name,
        is_done,
        is_current: next == Some(index),
    })
    .collect()
}

/// The parcels; a carrier's page only where nobody can change it on its way.
pub fn parcels(order: &Order, t: &'static Messages, language: Language) -> Vec<Parcel> {
    order
        .shipments
        .iter()
        .map(|shipment| {
            let mut text = (t.order.shipped_on)(&format_date(shipment.shipped_at, language));
            for detail in [&shipment.carrier, &shipment.tracking]
                .into_iter()
                .flatten()
            {
                text.push_str(" · ");
                text.push_str(detail);
            }
            if let Some(at) = shipment.delivered_at {
                text.push_str(" · ");
                text.push_str(&(t.order.delivered_on)(&format_date(at, language)));
            }
            Parcel {
                text,
                href: shipment
                    .tracking_url
                    .clone()
                    .filter(|url| url.starts_with("https://")),
            }
        })
        .collect()
}
