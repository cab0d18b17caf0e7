//! An order, as far as the pages show it.

use super::Totals;
use crate::{address::Address, clients::Localized};
use jiff::Timestamp;
use kit::money::Money;
use serde::Deserialize;
use std::collections::BTreeMap;

/// An order.
#[derive(Debug, Clone, Deserialize)]
pub struct Order {
    pub id: String,
    pub number: String,
    pub status: String,
    pub states: States,
    pub placed_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    /// Absent once its owner was forgotten.
    pub email: Option<String>,
    pub lines: Vec<OrderLine>,
    pub totals: Totals,
    pub coupon: Option<String>,
    pub addresses: Option<Addresses>,
    pub shipping_method: ShippedBy,
    #[serde(default)]
    pub shipments: Vec<Shipment>,
    #[serde(default)]
    pub returns: Vec<Return>,
    #[serde(default)]
    pub refunds: Vec<Refund>,
    #[serde(default)]
    pub history: Vec<Happened>,
    pub withdrawal: Withdrawal,
    #[serde(default)]
    pub cancelable: bool,
}

/// What happened to an order.
#[derive(Debug, Clone, Deserialize)]
pub struct Happened {
    pub at: Timestamp,
    pub what: String,
}

/// Where an order goes.
#[derive(Debug, Clone, Deserialize)]
pub struct Addresses {
    pub shipping: Address,
    pub billing: Address,
}

/// The four states.
#[derive(Debug, Clone, Deserialize)]
pub struct States {
    pub order: String,
    pub payment: String,
    pub fulfillment: String,
}

/// So and so many of one thing.
#[derive(Debug, Clone, Deserialize)]
pub struct OrderLine {
    pub sku: String,
    pub name: Localized,
    pub slug: Localized,
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    pub illustration: Option<String>,
    pub quantity: u32,
    pub unit_price: Money,
    pub total: Money,
    /// How many can be sent back now.
    #[serde(default)]
    pub returnable: u32,
}

/// How an order is sent.
#[derive(Debug, Clone, Deserialize)]
pub struct ShippedBy {
    pub name: Localized,
}

/// A parcel.
#[derive(Debug, Clone, Deserialize)]
pub struct Shipment {
    pub carrier: Option<String>,
    pub tracking: Option<String>,
    pub tracking_url: Option<String>,
    pub shipped_at: Timestamp,
    pub delivered_at: Option<Timestamp>,
}

/// Something that comes back.
#[derive(Debug, Clone, Deserialize)]
pub struct Return {
    pub kind: String,
    pub state: String,
    pub requested_at: Timestamp,
}

/// Money that goes back.
#[derive(Debug, Clone, Deserialize)]
pub struct Refund {
    pub id: String,
    pub amount: Money,
    pub state: String,
}

/// Whether the contract can be withdrawn from.
#[derive(Debug, Clone, Deserialize)]
pub struct Withdrawal {
    pub possible: bool,
    /// The end of the period, once it has begun.
    pub possible_until: Option<Timestamp>,
}
