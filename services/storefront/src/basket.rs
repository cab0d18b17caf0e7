//! The lines of a cart and of an order in words, and their sums.

use crate::{
    availability::is_enough,
    card::product_href,
    clients::{
        cart::{Cart, CartLine},
        orders::{Order, OrderLine, Stock, Totals},
    },
    drawing,
    language::Language,
    listing::attribute_text,
    messages::Plural,
    money::{format_count, format_money},
};
use kit::money::Money;
use std::collections::BTreeMap;

/// A line as it is shown.
pub struct Line {
    pub sku: String,
    pub name: String,
    pub href: Option<String>,
    pub options: String,
    pub art: String,
    pub tint: u32,
    pub quantity: u32,
    pub each: Option<String>,
    pub total: Option<String>,
    /// What has changed since it was chosen.
    pub note: Option<String>,
    /// Why it can't be ordered.
    pub problem: Option<&'static str>,
    pub quantity_label: String,
    pub less_label: String,
    pub more_label: String,
    pub remove_label: String,
}

/// A sum as it is shown.
pub struct Sum {
    pub label: &'static str,
    pub amount: String,
}

/// The sums of an order.
pub struct Sums {
    pub rows: Vec<Sum>,
    pub total: String,
    pub tax: Option<String>,
}

/// The lines of a cart. `short` are the SKUs that an order was just refused for.
pub fn cart_lines(cart: &Cart, stock: &[Stock], short: &[&str], language: Language) -> Vec<Line> {
    cart.lines
        .iter()
        .map(|line| cart_line(line, stock, short, language))
        .collect()
}

fn cart_line(line: &CartLine, stock: &[Stock], short: &[&str], language: Language) -> Line {
    let t = language.messages().cart;
    let name = line.name.text(language).to_owned();
    let lacks = short.contains(&line.sku.as_str()) || !is_enough(&line.sku, line.quantity, stock);
    let note = line
        .unit_price
        .zip(line.price_changed_from)
        .filter(|(now, before)| now.currency == before.currency && now.amount != before.amount)
        .map(|(now, before)| {
            let said = format_money(before, language);
            if now.amount > before.amount {
                (t.price_rose)(&said)
            } else {
                (t.price_fell)(&said)
            }
        });
    Line {
        href: Some(product_href(line.slug.text(language), language)),
        options: options(&line.options, language),
        art: line.illustration.clone().unwrap_or_default(),
        tint: drawing::tint(&line.sku),
        quantity: line.quantity,
        each: line
            .unit_price
            .filter(|_| line.quantity > 1)
            .map(|price| (t.each)(&format_money(price, language))),
        total: line
            .line_total
            .filter(|_| !line.unavailable)
            .map(|total| format_money(total, language)),
        note,
        problem: match (line.unavailable, lacks) {
            (true, _) => Some(t.unavailable),
            (false, true) => Some(t.not_enough),
            (false, false) => None,
        },
        quantity_label: (t.quantity_of)(&name),
        less_label: (t.one_less)(&name),
        more_label: (t.one_more)(&name),
        remove_label: (t.remove_name)(&name),
        sku: line.sku.clone(),
        name,
    }
}

fn options(options: &BTreeMap<String, String>, language: Language) -> String {
    options
        .iter()
        .map(|(key, value)| attribute_text(key, value, language))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The lines of an order.
pub fn order_lines(order: &Order, language: Language) -> Vec<Line> {
    order
        .lines
        .iter()
        .map(|line| order_line(line, language))
        .collect()
}

fn order_line(line: &OrderLine, language: Language) -> Line {
    let messages = language.messages();
    Line {
        sku: line.sku.clone(),
        name: line.name.text(language).to_owned(),
        href: Some(product_href(line.slug.text(language), language)),
        options: options(&line.options, language),
        art: line.illustration.clone().unwrap_or_default(),
        tint: drawing::tint(&line.sku),
        quantity: line.quantity,
        each: (line.quantity > 1)
            .then(|| (messages.cart.each)(&format_money(line.unit_price, language))),
        total: Some(format_money(line.total, language)),
        note: None,
        problem: None,
        quantity_label: (messages.order.quantity)(&format_count(line.quantity.into(), language)),
        less_label: String::new(),
        more_label: String::new(),
        remove_label: String::new(),
    }
}

/// The sums of totals: every part of what is paid, and the tax in it.
pub fn sums(totals: &Totals, language: Language) -> Sums {
    let (cart, checkout) = (language.messages().cart, language.messages().checkout);
    let said = |money: Money| format_money(money, language);
    let mut rows = vec![Sum {
        label: cart.subtotal,
        amount: said(totals.subtotal),
    }];
    if totals.discount_total.amount != 0 {
        let off = Money::new(
            -totals.discount_total.amount.saturating_abs(),
            totals.discount_total.currency,
        );
        rows.push(Sum {
            label: checkout.discount,
            amount: said(off),
        });
    }
    rows.push(Sum {
        label: checkout.delivery,
        amount: if totals.shipping_total.amount == 0 {
            checkout.free.to_owned()
        } else {
            said(totals.shipping_total)
        },
    });
    if !totals.tax_included && totals.tax_total.amount != 0 {
        rows.push(Sum {
            label: checkout.tax,
            amount: said(totals.tax_total),
        });
    }
    Sums {
        rows,
        total: said(totals.total),
        tax: (totals.tax_included && totals.tax_total.amount != 0)
            .then(|| (checkout.tax_in_total)(&said(totals.tax_total))),
    }
}

/// `3 items in your cart`.
pub fn count_things(count: u64, language: Language) -> String {
    (language.messages().cart.things_in_cart)(
        &format_count(count, language),
        Plural::of(count, language),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::money::Currency;

    fn totals(discount: i64, shipping: i64, tax: i64, tax_included: bool) -> Totals {
        let money = |amount| Money::new(amount, Currency::EUR);
        Totals {
            subtotal: money(1000),
            discount_total: money(discount),
            shipping_total: money(shipping),
            tax_total: money(tax),
            total: money(1500),
            tax_included,
        }
    }

    #[test]
    fn every_part_of_the_total_is_said() {
        for (totals, rows, tax) in [
            (
                totals(0, 490, 83, true),
                vec!["€10.00", "€4.90"],
                Some("including €0.83 tax"),
            ),
            (
                totals(200, 0, 83, true),
                vec!["€10.00", "-€2.00", "Free"],
                Some("including €0.83 tax"),
            ),
            (
                totals(0, 490, 83, false),
                vec!["€10.00", "€4.90", "€0.83"],
                None,
            ),
            (totals(0, 490, 0, true), vec!["€10.00", "€4.90"], None),
        ] {
            let sums = sums(&totals, Language::En);
            let shown: Vec<&str> = sums.rows.iter().map(|row| row.amount.as_str()).collect();
            assert_eq!(shown, rows);
            assert_eq!((sums.total.as_str(), sums.tax.as_deref()), ("€15.00", tax));
        }
    }
}
