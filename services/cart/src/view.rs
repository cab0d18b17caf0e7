//! A cart as its shopper sees it: at the prices of now, with what has changed since they last looked.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use kit::money::Money;
use serde::Serialize;
use uuid::Uuid;

use crate::{
    cart::{Cart, Line},
    variant::{LocalizedText, Variant},
};

/// What the catalog last said of some SKUs.
pub type Known = HashMap<String, Reading>;

/// What the catalog last said of a SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// When.
    pub at: Timestamp,
    /// What it is; none when the catalog knows no such thing any more.
    pub variant: Option<Arc<Variant>>,
}

/// A cart.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = Cart)]
pub struct CartView<'a> {
    /// Its id.
    pub id: Uuid,
    /// How many changes made it; its `ETag`.
    pub revision: u64,
    /// The currency of its prices.
    #[schema(value_type = String, pattern = "^[A-Z]{3}$", example = "EUR")]
    pub currency: kit::money::Currency,
    /// What is in it, in the order in which it was put there.
    pub lines: Vec<LineView<'a>>,
    /// A coupon to be tried when ordering.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<&'a str>,
    /// The sum of the lines that can be bought.
    pub subtotal: Money,
    /// How many pieces there are.
    pub count: u32,
    /// When the cart is given up unless it changes before.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// What opens it: shown once, when a guest's cart is made. Sent back as the header `Cart-Token`.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<&'a str>,
    /// After merging: the SKUs there was no room for.
    #[schema(value_type = Option<Vec<String>>)]
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    pub left_out: &'a [String],
}

/// So and so many of one thing.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[schema(as = CartLine)]
pub struct LineView<'a> {
    /// What.
    #[schema(value_type = String)]
    pub sku: &'a str,
    /// Its product.
    pub product_id: Uuid,
    /// The product's address on the site.
    #[schema(value_type = LocalizedText)]
    pub slug: &'a LocalizedText,
    /// The product's name.
    #[schema(value_type = LocalizedText)]
    pub name: &'a LocalizedText,
    /// A value for each of the product's options.
    #[schema(value_type = BTreeMap<String, String>)]
    pub options: &'a BTreeMap<String, String>,
    /// The category's drawing.
    #[schema(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub illustration: Option<&'a str>,
    /// How many.
    pub quantity: u32,
    /// What one costs, or last cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Money>,
    /// When that price was read from the catalog.
    #[schema(value_type = String, format = DateTime)]
    pub price_read_at: Timestamp,
    /// What all of them cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line_total: Option<Money>,
    /// What one cost when the shopper last set this line, if that was another price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_changed_from: Option<Money>,
    /// It can't be bought any more, or not in this currency: it doesn't count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unavailable: bool,
}

/// The view of a cart.
pub fn of<'a>(cart: &'a Cart, known: &'a Known) -> CartView<'a> {
    let lines: Vec<LineView<'a>> = cart
        .lines
        .iter()
        .map(|line| line_view(cart, line, known.get(&line.variant.sku)))
        .collect();
    let buyable = lines.iter().filter(|line| !line.unavailable);
    // Neither sum can overflow: lines, pieces and prices are bounded where they come in.
    let subtotal = buyable
        .filter_map(|line| line.line_total)
        .map(|total| total.amount)
        .fold(0, i64::saturating_add);
    CartView {
        id: cart.id,
        revision: cart.revision,
        currency: cart.currency,
        count: lines.iter().map(|line| line.quantity).sum(),
        lines,
        coupon: cart.coupon.as_ref().map(|coupon| coupon.code.as_str()),
        subtotal: Money::new(subtotal, cart.currency),
        expires_at: cart.expires_at(),
        token: None,
        left_out: &[],
    }
}

fn line_view<'a>(cart: &Cart, line: &'a Line, reading: Option<&'a Reading>) -> LineView<'a> {
    let seen = &*line.variant;
    // What was read last counts, wherever it was read.
    let reading = reading.filter(|reading| reading.at >= seen.read_at);
    let is_gone = reading.is_some_and(|reading| reading.variant.is_none());
    let now = reading
        .and_then(|reading| reading.variant.as_deref())
        .unwrap_or(seen);
    let (seen_price, price) = (seen.price(cart.currency), now.price(cart.currency));
    let unavailable = is_gone || price.is_none();
    let unit_price = price.or(seen_price);
    let quantity = line.quantity();
    LineView {
        sku: &seen.sku,
        product_id: now.product_id,
        slug: &now.slug,
        name: &now.name,
        options: &now.options,
        illustration: now.illustration.as_deref(),
        quantity,
        unit_price,
        price_read_at: reading.map_or(seen.read_at, |reading| reading.at),
        line_total: unit_price.and_then(|price| price.checked_mul(quantity.into()).ok()),
        price_changed_from: seen_price.filter(|seen| !unavailable && Some(*seen) != price),
        unavailable,
    }
}

#[cfg(test)]
mod tests {
    use kit::money::Currency;

    use super::*;
    use crate::cart::{Change, tests::variant};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("a time")
    }

    fn cart(lines: &[(&str, i64, u32)]) -> Cart {
        lines.iter().fold(
            Cart::absent(Uuid::nil(), Currency::EUR),
            |cart, (sku, price, quantity)| {
                let change = Change::LineSet {
                    variant: variant(sku, *price),
                    quantity: *quantity,
                };
                cart.after(&change, at(1))
            },
        )
    }

    fn reading(variant: Option<Arc<Variant>>) -> Reading {
        Reading { at: at(9), variant }
    }

    #[test]
    fn sums_what_can_be_bought() {
        let cart = cart(&[("a", 100, 2), ("b", 50, 3), ("c", 7, 1)]);
        let known = Known::from([("b".to_owned(), reading(None))]);
        let view = of(&cart, &known);
        assert_eq!((view.subtotal.amount, view.count), (207, 6));
        assert!(view.lines[1].unavailable);
        assert_eq!(
            view.lines[1].line_total,
            Some(Money::new(150, Currency::EUR))
        );
    }

    #[test]
    fn a_new_price_counts_and_the_one_seen_is_told() {
        let cart = cart(&[("a", 100, 2)]);
        for (now, told) in [(100, None), (120, Some(100)), (80, Some(100))] {
            let known = Known::from([("a".to_owned(), reading(Some(variant("a", now))))]);
            let view = of(&cart, &known);
            assert_eq!(view.subtotal.amount, 2 * now);
            let from = view.lines[0].price_changed_from;
            assert_eq!(from.map(|from| from.amount), told, "{now}");
            assert_eq!(view.lines[0].price_read_at, at(9));
        }
    }

    #[test]
    fn what_was_read_before_the_line_was_set_says_nothing() {
        let cart = cart(&[("a", 100, 1)]);
        let old = Reading {
            at: Timestamp::UNIX_EPOCH,
            variant: Some(variant("a", 1)),
        };
        let known = Known::from([("a".to_owned(), old)]);
        assert_eq!(of(&cart, &known).subtotal.amount, 100);
    }

    #[test]
    fn a_price_in_another_currency_is_no_price() {
        let mut cart = cart(&[("a", 100, 1)]);
        cart.currency = Currency::USD;
        let known = Known::new();
        let view = of(&cart, &known);
        assert!(view.lines[0].unavailable && view.lines[0].unit_price.is_none());
        assert_eq!(view.subtotal, Money::new(0, Currency::USD));
    }
}
