use std::collections::BTreeMap;

use kit::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{order::OrderLine, text::LocalizedText};

/// A line.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = OrderLine)]
pub struct LineView {
    /// The variant.
    pub sku: String,
    /// Its product.
    pub product_id: Uuid,
    /// The product's name when it was ordered.
    pub name: LocalizedText,
    /// The product's address on the site when it was ordered.
    pub slug: LocalizedText,
    /// The variant's options.
    pub options: BTreeMap<String, String>,
    /// Its picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub illustration: Option<String>,
    /// How many.
    pub quantity: i64,
    /// What one costs.
    pub unit_price: Money,
    /// What the coupon takes off.
    pub discount: Money,
    /// The tax rate in basis points: 2000 is 20 %.
    pub tax_rate: i64,
    /// The tax in `total`.
    pub tax: Money,
    /// What is paid for the line.
    pub total: Money,
    /// How many left.
    pub shipped: i64,
    /// How many came back.
    pub returned: i64,
    /// How many can be given back now.
    pub returnable: i64,
}

pub(super) fn show_line(line: OrderLine, currency: Currency) -> LineView {
    let money = |amount| Money::new(amount, currency);
    let returnable = line.as_line().returnable();
    LineView {
        sku: line.sku,
        product_id: line.product_id,
        name: line.shown.name,
        slug: line.shown.slug,
        options: line.shown.options,
        illustration: line.shown.illustration,
        quantity: line.quantity,
        unit_price: money(line.unit_price),
        discount: money(line.discount),
        tax_rate: line.tax_rate,
        tax: money(line.tax),
        total: money(line.total),
        shipped: line.shipped,
        returned: line.returned,
        returnable,
    }
}
