//! What an order costs.
//!
//! Everything is counted in minor units. Each line's tax is rounded once, by kit's one rounding, and sums are sums of what was
//! rounded: what is charged, what the invoice says and what the lines add up to can't differ, not even by a cent.

use kit::money::{Money, MoneyError, round_ratio};

use crate::{
    coupon::Discount,
    terms::{ShippingPrice, TaxRule, WHOLE},
};

/// A line before it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The variant.
    pub sku: String,
    /// Its category, which decides the tax and what a coupon is for.
    pub category: String,
    /// How many.
    pub quantity: i64,
    /// What one costs, as the catalog says now.
    pub unit_price: Money,
}

impl Item {
    /// Before discounts.
    pub fn subtotal(&self) -> Result<i64, MoneyError> {
        Ok(self.unit_price.checked_mul(self.quantity)?.amount)
    }
}

/// A line, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTotal {
    /// What the coupon takes off.
    pub discount: i64,
    /// In basis points.
    pub tax_rate: i64,
    /// The tax in `total`.
    pub tax: i64,
    /// What is paid for the line, tax and all.
    pub total: i64,
}

/// An order, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// One for each item.
    pub lines: Vec<LineTotal>,
    /// Prices times quantities.
    pub subtotal: i64,
    /// What the coupon takes off goods.
    pub discount_total: i64,
    /// Shipping, as shown: with tax where prices hold it, without where it is added.
    pub shipping_total: i64,
    /// In basis points.
    pub shipping_tax_rate: i64,
    /// The tax on shipping.
    pub shipping_tax: i64,
    /// All tax, that on shipping too.
    pub tax_total: i64,
    /// What is charged.
    pub total: i64,
    /// Whether `subtotal` and `shipping_total` hold the tax already.
    pub tax_included: bool,
}

/// Counts an order. All items must be of one currency.
pub fn count(
    items: &[Item],
    rule: &TaxRule,
    shipping: ShippingPrice,
    discount: &Discount,
) -> Result<Totals, MoneyError> {
    let overflow = MoneyError::Overflow;
    if let [first, rest @ ..] = items {
        let currency = first.unit_price.currency;
        if let Some(other) = rest
            .iter()
            .find(|item| item.unit_price.currency != currency)
        {
            return Err(MoneyError::CurrencyMismatch(
                currency,
                other.unit_price.currency,
            ));
        }
    }
    let mut totals = Totals {
        lines: Vec::with_capacity(items.len()),
        subtotal: 0,
        discount_total: 0,
        shipping_total: 0,
        shipping_tax_rate: rule.standard,
        shipping_tax: 0,
        tax_total: 0,
        total: 0,
        tax_included: rule.included,
    };
    for (index, item) in items.iter().enumerate() {
        let subtotal = item.subtotal()?;
        let off = discount.of_line(index).clamp(0, subtotal.max(0));
        let rate = rule.rate(&item.category);
        let (tax, total) = with_tax(subtotal - off, rate, rule.included).ok_or(overflow)?;
        totals.subtotal = totals.subtotal.checked_add(subtotal).ok_or(overflow)?;
        totals.discount_total += off;
        totals.tax_total = totals.tax_total.checked_add(tax).ok_or(overflow)?;
        totals.total = totals.total.checked_add(total).ok_or(overflow)?;
        totals.lines.push(LineTotal {
            discount: off,
            tax_rate: rate,
            tax,
            total,
        });
    }
    let goods = totals.subtotal - totals.discount_total;
    let is_free =
        *discount == Discount::FreeShipping || shipping.free_from.is_some_and(|from| goods >= from);
    if !is_free {
        totals.shipping_total = shipping.price;
        let (tax, total) =
            with_tax(shipping.price, rule.standard, rule.included).ok_or(overflow)?;
        totals.shipping_tax = tax;
        totals.tax_total = totals.tax_total.checked_add(tax).ok_or(overflow)?;
        totals.total = totals.total.checked_add(total).ok_or(overflow)?;
    }
    Ok(totals)
}

/// The tax on an amount, and the amount with it.
fn with_tax(amount: i64, rate: i64, is_included: bool) -> Option<(i64, i64)> {
    if is_included {
        return Some((round_ratio(amount, rate, WHOLE + rate)?, amount));
    }
    let tax = round_ratio(amount, rate, WHOLE)?;
    Some((tax, amount.checked_add(tax)?))
}

/// `amount` split by `weights`, in whole units that add up to it: the largest remainders get one more, the first first.
pub fn split(amount: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().copied().map(i128::from).sum();
    if sum <= 0 || amount <= 0 {
        return vec![0; weights.len()];
    }
    let exact = |weight: &i64| i128::from(amount) * i128::from(*weight);
    let mut parts: Vec<i64> = weights
        .iter()
        .map(|weight| i64::try_from(exact(weight) / sum).unwrap_or(0))
        .collect();
    let mut left = amount - parts.iter().sum::<i64>();
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(exact(&weights[*index]) % sum));
    for index in order {
        if left == 0 {
            break;
        }
        parts[index] += 1;
        left -= 1;
    }
    parts
}

/// What `units` more of a line are worth after `before` of its `quantity`, such that all parts add up to the line's `total`.
pub fn share(total: i64, quantity: i64, before: i64, units: i64) -> i64 {
    let until = |count: i64| round_ratio(total, count, quantity).unwrap_or(0);
    until(before + units) - until(before)
}

#[cfg(test)]
mod tests;
