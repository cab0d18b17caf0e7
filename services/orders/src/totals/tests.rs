use std::collections::BTreeMap;

use kit::money::Currency;
use proptest::prelude::*;

use super::*;

fn rule(included: bool, standard: i64, books: i64) -> TaxRule {
    TaxRule {
        countries: Vec::new(),
        included,
        standard,
        categories: BTreeMap::from([("books".to_owned(), books)]),
    }
}

fn item(category: &str, quantity: i64, amount: i64) -> Item {
    Item {
        sku: "a".to_owned(),
        category: category.to_owned(),
        quantity,
        unit_price: Money::new(amount, Currency::EUR),
    }
}

const FREE: ShippingPrice = ShippingPrice {
    price: 0,
    free_from: None,
};

#[test]
fn tax_is_held_in_prices_or_added_as_declared() {
    for (included, amount, rate, tax, total) in [
        (true, 1200, 2000, 200, 1200),
        (true, 1055, 550, 55, 1055),
        (true, 999, 2000, 167, 999),
        (true, 100, 0, 0, 100),
        (false, 1000, 2000, 200, 1200),
        (false, 999, 550, 55, 1054),
        (false, 1, 2000, 0, 1),
    ] {
        let totals = count(
            &[item("", 1, amount)],
            &rule(included, rate, 0),
            FREE,
            &Discount::None,
        )
        .expect("small");
        assert_eq!(
            (totals.tax_total, totals.total),
            (tax, total),
            "{included} {amount} {rate}"
        );
    }
}

#[test]
fn each_category_has_its_rate_and_shipping_the_standard_one() {
    let shipping = ShippingPrice {
        price: 600,
        free_from: None,
    };
    let totals = count(
        &[item("books/novels", 2, 1055), item("toys", 1, 1200)],
        &rule(true, 2000, 550),
        shipping,
        &Discount::None,
    )
    .expect("small");
    assert_eq!(
        totals
            .lines
            .iter()
            .map(|line| (line.tax_rate, line.tax))
            .collect::<Vec<_>>(),
        [(550, 110), (2000, 200)]
    );
    assert_eq!(
        (totals.shipping_tax, totals.tax_total, totals.total),
        (100, 410, 2110 + 1200 + 600)
    );
}

#[test]
fn shipping_is_free_from_what_remains_after_the_discount() {
    let shipping = ShippingPrice {
        price: 490,
        free_from: Some(5000),
    };
    for (amount, discount, expected) in [
        (4999, Discount::None, 490),
        (5000, Discount::None, 0),
        (5000, Discount::Lines(vec![1]), 490),
        (100, Discount::FreeShipping, 0),
    ] {
        let totals = count(
            &[item("", 1, amount)],
            &rule(true, 0, 0),
            shipping,
            &discount,
        )
        .expect("small");
        assert_eq!(totals.shipping_total, expected, "{amount} {discount:?}");
    }
}

#[test]
fn a_discount_never_makes_a_line_negative() {
    let totals = count(
        &[item("", 1, 100)],
        &rule(true, 0, 0),
        FREE,
        &Discount::Lines(vec![500]),
    )
    .expect("small");
    assert_eq!((totals.discount_total, totals.total), (100, 0));
}

#[test]
fn refuses_what_does_not_fit_and_what_does_not_mix() {
    let huge = [item("", 2, i64::MAX / 2), item("", 1, 100)];
    assert_eq!(
        count(&huge, &rule(true, 0, 0), FREE, &Discount::None),
        Err(MoneyError::Overflow)
    );
    let mut mixed = [item("", 1, 1), item("", 1, 1)];
    mixed[1].unit_price.currency = Currency::USD;
    assert!(matches!(
        count(&mixed, &rule(true, 0, 0), FREE, &Discount::None),
        Err(MoneyError::CurrencyMismatch(..))
    ));
}

#[test]
fn parts_add_up() {
    for (amount, weights, expected) in [
        (100, vec![1, 1, 1], vec![34, 33, 33]),
        (10, vec![0, 5, 5], vec![0, 5, 5]),
        (1, vec![3, 7], vec![0, 1]),
        (7, vec![0, 0], vec![0, 0]),
    ] {
        assert_eq!(split(amount, &weights), expected, "{amount} {weights:?}");
    }
    assert_eq!(
        [
            share(100, 3, 0, 1),
            share(100, 3, 1, 1),
            share(100, 3, 2, 1)
        ],
        [33, 34, 33]
    );
}

fn currency() -> impl Strategy<Value = Currency> {
    // None, two and three digits after the point.
    prop::sample::select(vec!["JPY", "EUR", "KWD"])
        .prop_map(|code| code.parse().expect("a currency"))
}

prop_compose! {
    fn items()(currency in currency(), rows in prop::collection::vec((1_i64..=99, 0_i64..=5_000_000, any::<bool>()), 1..40)) -> Vec<Item> {
        rows.into_iter().map(|(quantity, amount, is_book)| Item {
            sku: "a".to_owned(),
            category: if is_book { "books" } else { "toys" }.to_owned(),
            quantity,
            unit_price: Money::new(amount, currency),
        }).collect()
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_or_made(
        items in items(), included in any::<bool>(), standard in 0_i64..=10_000, books in 0_i64..=10_000,
        price in 0_i64..100_000, free_from in prop::option::of(0_i64..10_000_000), off in 0_i64..10_000_000,
    ) {
        let weights: Vec<i64> = items.iter().map(|item| item.subtotal().expect("small")).collect();
        let discount = Discount::Lines(split(off.min(weights.iter().sum()), &weights));
        let rule = rule(included, standard, books);
        let totals = count(&items, &rule, ShippingPrice { price, free_from }, &discount).expect("small");

        let added = if included { 0 } else { totals.tax_total };
        prop_assert_eq!(totals.subtotal + added + totals.shipping_total - totals.discount_total, totals.total);
        let shipping_tax_added = if included { 0 } else { totals.shipping_tax };
        prop_assert_eq!(totals.lines.iter().map(|line| line.total).sum::<i64>() + totals.shipping_total + shipping_tax_added, totals.total);
        prop_assert_eq!(totals.lines.iter().map(|line| line.tax).sum::<i64>() + totals.shipping_tax, totals.tax_total);
        prop_assert_eq!(totals.lines.iter().map(|line| line.discount).sum::<i64>(), totals.discount_total);
        prop_assert_eq!(totals.discount_total, off.min(weights.iter().sum()));
        prop_assert!(totals.lines.iter().all(|line| line.total >= 0 && line.tax >= 0 && line.tax <= line.total));
    }

    #[test]
    fn splits_add_up_and_never_exceed_their_weight(amount in 0_i64..1_000_000, weights in prop::collection::vec(0_i64..100_000, 1..50)) {
        let sum: i64 = weights.iter().sum();
        let parts = split(amount.min(sum), &weights);
        prop_assert_eq!(parts.iter().sum::<i64>(), amount.min(sum));
        prop_assert!(parts.iter().zip(&weights).all(|(part, weight)| part <= weight));
    }

    #[test]
    fn shares_of_a_line_add_up_however_they_are_taken(total in 0_i64..10_000_000, steps in prop::collection::vec(1_i64..10, 1..12)) {
        let quantity: i64 = steps.iter().sum();
        let mut before = 0;
        let mut given = 0;
        for units in steps {
            let part = share(total, quantity, before, units);
            prop_assert!(part >= 0);
            given += part;
            before += units;
        }
        prop_assert_eq!(given, total);
    }
}
