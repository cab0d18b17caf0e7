//! What orders tells others, and what it hears from payment.
//!
//! Each type goes to one sink, so that whoever is written to is named in no event but those for notifications.

use jiff::Timestamp;
use kit::money::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    parcel::LineUnits,
    text::{Locale, LocalizedText},
    view::{OrderView, TotalsView},
};

/// Heard by the cart: what was ordered can leave it.
pub const PLACED: &str = "amazoff.order.placed";
/// Heard by payment: money is to go back.
pub const REFUND_REQUESTED: &str = "amazoff.order.refund_requested";
/// Heard by payment: no more money is to be taken.
pub const CLOSED: &str = "amazoff.order.closed";
/// Heard by notifications: paid.
pub const CONFIRMED: &str = "amazoff.order.confirmed";
/// Heard by notifications: called off.
pub const CANCELED: &str = "amazoff.order.canceled";
/// Heard by notifications: a parcel left.
pub const SHIPPED: &str = "amazoff.order.shipped";
/// Heard by notifications: money went back.
pub const REFUNDED: &str = "amazoff.order.refunded";
/// Heard by notifications: goods came back.
pub const RETURN_RECEIVED: &str = "amazoff.order.return_received";
/// Heard by notifications: the receipt of a withdrawal, which the law wants.
pub const WITHDRAWN: &str = "amazoff.order.withdrawn";
/// Heard by notifications: how to send something back.
pub const RETURN_REQUESTED: &str = "amazoff.order.return_requested";

/// The sink that hears events of this type.
pub fn sinks(kind: &str) -> &'static [&'static str] {
    match kind {
        PLACED => &["cart"],
        REFUND_REQUESTED | CLOSED => &["payment"],
        _ => &["notifications"],
    }
}

/// The data of [`PLACED`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Placed {
    /// Which order.
    pub order_id: Uuid,
    /// Which cart it was.
    pub cart_id: Uuid,
    /// At which revision.
    pub cart_revision: u64,
}

/// The data of [`REFUND_REQUESTED`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RefundRequested {
    /// Which refund.
    pub refund_id: Uuid,
    /// Of which order.
    pub order_id: Uuid,
    /// Of which payment.
    pub payment_id: Option<Uuid>,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
}

/// The data of [`CLOSED`].
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Closed {
    /// Which order.
    pub order_id: Uuid,
    /// `canceled` or `expired`.
    pub reason: &'static str,
}

/// The data of what notifications hears.
#[derive(Debug, Clone, Serialize)]
pub struct Notice {
    /// Which order.
    pub order_id: Uuid,
    /// Its number for people.
    pub number: String,
    /// Who is written to.
    pub email: String,
    /// The name on the parcel.
    pub name: String,
    /// In which language.
    pub locale: Locale,
    /// When the order was placed.
    pub placed_at: Timestamp,
    /// What was ordered; for parcels and returns, what is in them.
    pub lines: Vec<NoticeLine>,
    /// What it costs.
    pub totals: TotalsView,
    /// The page that shows it.
    pub order_url: String,
    /// What goes back, for refunds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Who brings it, for parcels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number, for parcels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// Where to follow it, for parcels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    /// When it happened.
    pub at: Timestamp,
}

/// A line in a mail.
#[derive(Debug, Clone, Serialize)]
pub struct NoticeLine {
    /// The variant.
    pub sku: String,
    /// The product's name.
    pub name: LocalizedText,
    /// How many.
    pub quantity: i64,
    /// What one costs.
    pub unit_price: Money,
    /// What is paid for the line.
    pub total: Money,
}

impl Notice {
    /// What is written about an order; `None` when nobody is to be written to any more.
    pub fn of(order: &OrderView, order_url: String, at: Timestamp) -> Option<Self> {
        let lines = order.lines.iter().map(|line| NoticeLine {
            sku: line.sku.clone(),
            name: line.name.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
        });
        Some(Self {
            order_id: order.id,
            number: order.number.clone(),
            email: order.email.clone()?,
            name: order.addresses.as_ref()?.shipping.name.clone(),
            locale: order.locale,
            placed_at: order.placed_at,
            lines: lines.collect(),
            totals: order.totals,
            order_url,
            amount: None,
            carrier: None,
            tracking: None,
            tracking_url: None,
            at,
        })
    }
}

impl Notice {
    /// Leaves only these units of the order's lines: what is in a parcel, or comes back.
    pub fn keep(&mut self, units: &[LineUnits]) {
        let mut kept = Vec::new();
        // Lines stand in their order, and are named by their place in it.
        for (place, mut line) in (0_u16..).zip(std::mem::take(&mut self.lines)) {
            let parts = units.iter().filter(|part| part.line == place);
            line.quantity = parts.map(|part| part.quantity).sum();
            if line.quantity > 0 {
                kept.push(line);
            }
        }
        self.lines = kept;
    }
}

/// What payment says.
#[derive(Debug, Clone, Deserialize)]
pub struct Captured {
    /// Which payment.
    pub payment_id: Uuid,
    /// Of which order.
    pub order_id: Uuid,
    /// How much.
    pub amount: Money,
}

/// What payment says of an attempt that came to nothing.
#[derive(Debug, Clone, Deserialize)]
pub struct Failed {
    /// Of which order.
    pub order_id: Uuid,
}

/// What payment says of a refund.
#[derive(Debug, Clone, Deserialize)]
pub struct RefundEnded {
    /// Which refund: ours, or one that payment decided by itself.
    pub refund_id: Uuid,
    /// Of which order.
    pub order_id: Uuid,
    /// How much.
    pub amount: Money,
}
