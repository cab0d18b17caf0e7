//! An order as it is kept. How it is shown: [`crate::view`].

use std::collections::BTreeMap;

use jiff::Timestamp;
use kit::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    address::Address,
    parcel::{Line, LineUnits},
    state::{ReturnState, States},
    stock::{Units, sum_by_sku},
    text::{Locale, LocalizedText},
    totals::Totals,
};

/// An order.
#[derive(Debug, Clone)]
pub struct Order {
    /// Its id.
    pub id: Uuid,
    /// Its number, without the dash.
    pub number: String,
    /// Counts changes; its `ETag`.
    pub revision: u64,
    /// The four states.
    pub states: States,
    /// Whose account it belongs to; nobody's when a guest placed it.
    pub person_id: Option<Uuid>,
    /// Whose key seals `personal`.
    pub key_id: Uuid,
    /// [`Personal`], sealed; gone once the person was forgotten.
    pub personal: Option<Vec<u8>>,
    /// The cart it was, while the order stands.
    pub cart_id: Option<Uuid>,
    /// At which revision.
    pub cart_revision: Option<u64>,
    /// The language of its mails.
    pub locale: Locale,
    /// Where it is sent.
    pub country: String,
    /// Of all its amounts.
    pub currency: Currency,
    /// How it is sent.
    pub shipping_method: String,
    /// Which coupon was used.
    pub coupon: Option<String>,
    /// What it costs.
    pub sums: Sums,
    /// How many units it has.
    pub units: i64,
    /// The payment that paid it.
    pub payment_id: Option<Uuid>,
    /// What was paid.
    pub paid: i64,
    /// What of it went back.
    pub refunded: i64,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Until when it must be paid; only while it is not.
    pub expires_at: Option<Timestamp>,
    /// When the last parcel arrived.
    pub delivered_at: Option<Timestamp>,
}

/// What an order costs, without its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sums {
    /// Prices times quantities.
    pub subtotal: i64,
    /// What a coupon takes off.
    pub discount_total: i64,
    /// Shipping.
    pub shipping_total: i64,
    /// In basis points.
    pub shipping_tax_rate: i64,
    /// The tax on shipping.
    pub shipping_tax: i64,
    /// All tax.
    pub tax_total: i64,
    /// What is charged.
    pub total: i64,
    /// Whether prices hold the tax.
    pub tax_included: bool,
}

impl From<&Totals> for Sums {
    fn from(totals: &Totals) -> Self {
        Self {
            subtotal: totals.subtotal,
            discount_total: totals.discount_total,
            shipping_total: totals.shipping_total,
            shipping_tax_rate: totals.shipping_tax_rate,
            shipping_tax: totals.shipping_tax,
            tax_total: totals.tax_total,
            total: totals.total,
            tax_included: totals.tax_included,
        }
    }
}

/// A line of an order.
#[derive(Debug, Clone)]
pub struct OrderLine {
    /// Its place.
    pub line: u16,
    /// The variant.
    pub sku: String,
    /// Its product.
    pub product_id: Uuid,
    /// What the shopper saw.
    pub shown: Shown,
    /// How many.
    pub quantity: i64,
    /// What one costs.
    pub unit_price: i64,
    /// What the coupon takes off.
    pub discount: i64,
    /// In basis points.
    pub tax_rate: i64,
    /// The tax in `total`.
    pub tax: i64,
    /// What is paid for it.
    pub total: i64,
    /// How many left.
    pub shipped: i64,
    /// How many are announced to come back.
    pub coming_back: i64,
    /// How many came back.
    pub returned: i64,
}

/// What the shopper saw of a line when it was ordered. The catalog may change; an order doesn't.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// The product's name.
    pub name: LocalizedText,
    /// Its address on the site.
    pub slug: LocalizedText,
    /// The variant's options.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The product's category.
    pub category: String,
    /// Its picture.
    #[serde(default)]
    pub illustration: Option<String>,
}

impl OrderLine {
    /// As far as parcels matter.
    pub fn as_line(&self) -> Line {
        Line {
            line: self.line,
            sku: self.sku.clone(),
            quantity: self.quantity,
            shipped: self.shipped,
            coming_back: self.coming_back,
            returned: self.returned,
            total: self.total,
        }
    }
}

/// All units of an order by variant.
pub fn units(lines: &[OrderLine]) -> Vec<Units> {
    sum_by_sku(lines.iter().map(|line| (line.sku.as_str(), line.quantity)))
}

/// What is personal in an order: sealed as one piece.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Personal {
    /// Who is written to.
    pub email: String,
    /// Where it is sent.
    pub shipping: Address,
    /// Who is billed, if that is somebody else.
    #[serde(default)]
    pub billing: Option<Address>,
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Shipment {
    /// Its id.
    pub id: Uuid,
    /// Who brings it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The carrier's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// Where to follow it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    /// What is in it.
    pub lines: Vec<LineUnits>,
    /// When it left.
    pub shipped_at: Timestamp,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// Why something comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnKind {
    /// The shop's own promise.
    Return,
    /// The legal right, which needs no reason.
    Withdrawal,
}

impl ReturnKind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Return, Self::Withdrawal];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Return => "return",
            Self::Withdrawal => "withdrawal",
        }
    }
}

/// What comes back.
#[derive(Debug, Clone)]
pub struct Return {
    /// Its id.
    pub id: Uuid,
    /// Why.
    pub kind: ReturnKind,
    /// How far it is.
    pub state: ReturnState,
    /// What.
    pub lines: Vec<LineUnits>,
    /// What the shopper wrote, sealed: a list as long as `lines` were asked for.
    pub reasons: Option<Vec<u8>>,
    /// When it was announced.
    pub requested_at: Timestamp,
    /// When it arrived.
    pub received_at: Option<Timestamp>,
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// The provider was asked.
    Requested,
    /// The money is back.
    Succeeded,
    /// The provider could not.
    Failed,
}

impl RefundState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Requested, Self::Succeeded, Self::Failed];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// Money that goes back.
#[derive(Debug, Clone)]
pub struct Refund {
    /// Its id.
    pub id: Uuid,
    /// Of which order.
    pub order_id: Uuid,
    /// Of which payment.
    pub payment_id: Option<Uuid>,
    /// For which return.
    pub return_id: Option<Uuid>,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// How far it is.
    pub state: RefundState,
    /// Whether it gives back what the order was paid with, as opposed to money that never belonged to it.
    pub of_order: bool,
    /// Who decided it.
    pub actor: String,
    /// When.
    pub created_at: Timestamp,
    /// When the provider said how it ended.
    pub settled_at: Option<Timestamp>,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    #[schema(example = "confirmed")]
    pub what: String,
    /// Who did it.
    pub actor: String,
    /// More about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object)]
    pub details: Option<serde_json::Value>,
}
