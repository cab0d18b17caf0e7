//! What changes make of carts, as tables and for any history.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use kit::money::{Currency, Money};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::variant::LocalizedText;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a time")
}

pub(crate) fn variant(sku: &str, price: i64) -> Arc<Variant> {
    let text = |text: &str| LocalizedText {
        en: text.to_owned(),
        fr: text.to_owned(),
    };
    Arc::new(Variant {
        sku: sku.to_owned(),
        product_id: Uuid::nil(),
        slug: text("slug"),
        name: text("name"),
        options: std::collections::BTreeMap::new(),
        illustration: None,
        prices: vec![Money::new(price, Currency::EUR)],
        published: true,
        read_at: at(1),
    })
}

fn guest(id: u128) -> Cart {
    let (owner, _) = Owner::guest([1; 32]);
    let opened = Change::Opened {
        owner,
        currency: Currency::EUR,
    };
    Cart::absent(Uuid::from_u128(id), Currency::EUR).after(&opened, at(1))
}

fn with(cart: Cart, lines: &[(&str, u32)]) -> Cart {
    lines.iter().fold(cart, |cart, (sku, quantity)| {
        match put(&cart, &variant(sku, 100), *quantity).expect("allowed") {
            Some(change) => cart.after(&change, at(2)),
            None => cart,
        }
    })
}

fn lines(cart: &Cart) -> Vec<(&str, u32)> {
    cart.lines
        .iter()
        .map(|line| (line.variant.sku.as_str(), line.quantity()))
        .collect()
}

fn full() -> Cart {
    let skus: Vec<String> = (0..MOST_LINES).map(|n| format!("s{n}")).collect();
    let lines: Vec<(&str, u32)> = skus.iter().map(|sku| (sku.as_str(), 1)).collect();
    with(guest(1), &lines)
}

#[test]
fn quantities_are_set_added_and_taken_out() {
    let cart = with(guest(1), &[("a", 2), ("b", 1), ("a", 5), ("b", 0)]);
    assert_eq!(lines(&cart), [("a", 5)]);
    let change = add(&cart, &variant("a", 100), 3).expect("allowed");
    let cart = cart.after(&change.expect("a change"), at(3));
    assert_eq!(lines(&cart), [("a", 8)]);
}

#[test]
fn what_is_so_already_changes_nothing() {
    let cart = with(guest(1), &[("a", 2)]);
    assert_eq!(put(&cart, &variant("a", 100), 2), Ok(None));
    assert_eq!(put(&cart, &variant("b", 100), 0), Ok(None));
    assert_eq!(add(&cart, &variant("b", 100), 0), Ok(None));
    let dearer = put(&cart, &variant("a", 120), 2).expect("allowed");
    assert!(dearer.is_some(), "the new price was seen");
}

#[test]
fn refuses_what_goes_beyond_the_limits() {
    let cart = with(guest(1), &[("a", 97)]);
    let too_many = |has| Refusal::TooMany {
        sku: "a".to_owned(),
        has,
    };
    assert_eq!(put(&cart, &variant("a", 1), 100), Err(too_many(97)));
    assert_eq!(add(&cart, &variant("a", 1), 3), Err(too_many(97)));
    assert_eq!(add(&cart, &variant("a", 1), u32::MAX), Err(too_many(97)));
    assert!(add(&cart, &variant("a", 1), 2).is_ok());
    assert_eq!(put(&full(), &variant("new", 1), 1), Err(Refusal::Full));
    assert!(put(&full(), &variant("s7", 1), 9).is_ok());
}

#[test]
fn refuses_what_is_not_for_sale_but_lets_it_be_taken_out() {
    let cart = with(guest(1), &[("a", 1)]);
    let mut archived = (*variant("a", 1)).clone();
    archived.published = false;
    for unfit in [
        archived,
        (*variant("a", -1)).clone(),
        (*variant("a", i64::MAX)).clone(),
    ] {
        let unfit = Arc::new(unfit);
        let refused = put(&cart, &unfit, 2);
        assert_eq!(refused, Err(Refusal::NotForSale("a".to_owned())));
        assert!(put(&cart, &unfit, 0).expect("allowed").is_some());
    }
}

#[test]
fn merging_adds_up_to_the_limit_and_happens_once() {
    let mine = with(guest(1), &[("a", 60), ("b", 1)]);
    let theirs = with(guest(2), &[("a", 60), ("c", 2)]);
    let change = merge(&mine, &theirs).expect("a change");
    let merged = mine.after(&change, at(3));
    assert_eq!(lines(&merged), [("a", 99), ("b", 1), ("c", 2)]);
    assert!(left_out(&merged, &theirs).is_empty());
    assert_eq!(merge(&merged, &theirs), None);
    assert_eq!(merge(&mine, &guest(3)), None, "nothing to bring");
}

#[test]
fn merging_into_a_full_cart_says_what_stays_out() {
    let theirs = with(guest(2), &[("s3", 4), ("x", 1), ("y", 1)]);
    let change = merge(&full(), &theirs).expect("a change");
    let merged = full().after(&change, at(3));
    assert_eq!(merged.line("s3").map(Line::quantity), Some(5));
    assert_eq!(merged.lines.len(), MOST_LINES);
    assert_eq!(left_out(&merged, &theirs), ["x", "y"]);
}

#[test]
fn a_coupon_comes_along_unless_there_is_one() {
    let coupon = |cart: Cart, code: &str| {
        let change = Change::CouponSet {
            code: Some(code.to_owned()),
        };
        cart.after(&change, at(2))
    };
    let theirs = coupon(guest(2), "THEIRS");
    for (mine, expected) in [(guest(1), "THEIRS"), (coupon(guest(1), "MINE"), "MINE")] {
        let change = merge(&mine, &theirs).expect("a change");
        let merged = mine.after(&change, at(3));
        assert_eq!(merged.coupon.expect("a coupon").code, expected);
    }
}

#[test]
fn an_order_takes_out_what_was_ordered_and_leaves_what_came_later() {
    let ordered = with(guest(1), &[("a", 2), ("b", 1), ("c", 3)]);
    let revision = ordered.revision;
    let cart = with(ordered, &[("a", 5), ("c", 1), ("d", 1)]);
    let id = Uuid::from_u128(9);
    let change = order(&cart, &cart, id, revision).expect("a change");
    let left = cart.after(&change, at(3));
    assert_eq!(lines(&left), [("a", 3), ("d", 1)]);
    assert_eq!(order(&left, &left, id, revision), None, "heard before");
}

#[test]
fn what_was_taken_out_and_put_in_again_was_not_ordered() {
    let ordered = with(guest(1), &[("a", 2)]);
    let revision = ordered.revision;
    let cart = with(ordered, &[("a", 0), ("a", 1)]);
    assert_eq!(order(&cart, &cart, Uuid::from_u128(9), revision), None);
}

#[test]
fn a_used_coupon_goes_with_the_order() {
    let set = |cart: Cart, code: &str| {
        let change = Change::CouponSet {
            code: Some(code.to_owned()),
        };
        cart.after(&change, at(2))
    };
    let ordered = set(with(guest(1), &[("a", 1)]), "TEN");
    let revision = ordered.revision;
    for (cart, left) in [
        (ordered.clone(), None),
        (set(ordered, "NEXT"), Some("NEXT")),
    ] {
        let change = order(&cart, &cart, Uuid::from_u128(9), revision).expect("a change");
        let coupon = cart.after(&change, at(3)).coupon;
        assert_eq!(coupon.as_ref().map(|coupon| coupon.code.as_str()), left);
    }
}

#[test]
fn guests_carts_last_30_days_and_personal_ones_90() {
    let opened = Change::Opened {
        owner: Owner::Person,
        currency: Currency::EUR,
    };
    let personal = Cart::absent(Uuid::nil(), Currency::EUR).after(&opened, at(1));
    for (cart, days) in [(guest(1), 30), (personal, 90)] {
        let last = at(1) + SignedDuration::from_hours(24 * days);
        assert!(cart.is_open(last - SignedDuration::from_secs(1)));
        assert!(!cart.is_open(last));
    }
}

#[test]
fn closing_leaves_nothing_and_opening_begins_anew() {
    let cart = with(guest(1), &[("a", 1)]);
    let closed = cart.after(&Change::Closed { erased: true }, at(3));
    assert!(closed.lines.is_empty() && !closed.is_open(at(4)));
    let opened = Change::Opened {
        owner: Owner::Person,
        currency: Currency::USD,
    };
    let again = closed.after(&opened, at(4));
    assert!(again.is_open(at(5)));
    assert_eq!(
        (again.revision, again.currency),
        (closed.revision + 1, Currency::USD)
    );
}

/// A wish of a shopper, or something that happens.
#[derive(Debug, Clone)]
enum Step {
    Put(u8, u32),
    Add(u8, u32),
    Coupon(Option<u8>),
    Merge(Vec<(u8, u32)>),
    Order(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (any::<u8>(), 0..120_u32).prop_map(|(sku, quantity)| Step::Put(sku, quantity)),
        (any::<u8>(), 0..120_u32).prop_map(|(sku, quantity)| Step::Add(sku, quantity)),
        any::<Option<u8>>().prop_map(Step::Coupon),
        proptest::collection::vec((any::<u8>(), 1..100_u32), 0..220).prop_map(Step::Merge),
        any::<u8>().prop_map(Step::Order),
    ]
}

fn change(cart: &Cart, step: &Step, id: u128) -> Option<Change> {
    let sku = |sku: u8| variant(&format!("s{sku}"), i64::from(sku));
    match step {
        Step::Put(of, quantity) => put(cart, &sku(*of), *quantity).ok().flatten(),
        Step::Add(of, quantity) => add(cart, &sku(*of), *quantity).ok().flatten(),
        Step::Coupon(code) => Some(Change::CouponSet {
            code: code.map(|code| format!("C{code}")),
        }),
        Step::Merge(lines) => {
            let guest = lines.iter().fold(guest(id), |guest, (of, quantity)| {
                match put(&guest, &sku(*of), *quantity) {
                    Ok(Some(change)) => guest.after(&change, at(1)),
                    _ => guest,
                }
            });
            merge(cart, &guest)
        }
        Step::Order(back) => {
            let revision = cart.revision.saturating_sub(u64::from(*back % 8));
            order(cart, cart, Uuid::from_u128(id), revision)
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_history_breaks_the_limits(steps in proptest::collection::vec(step(), 0..40)) {
        let mut cart = guest(1);
        for (id, step) in (10..).zip(&steps) {
            let Some(change) = change(&cart, step, id) else { continue };
            let next = cart.after(&change, at(2));
            prop_assert_eq!(next.revision, cart.revision + 1);
            cart = next;
            prop_assert!(cart.lines.len() <= MOST_LINES);
            let mut skus: Vec<&str> = lines(&cart).into_iter().map(|(sku, _)| sku).collect();
            skus.sort_unstable();
            skus.dedup();
            prop_assert_eq!(skus.len(), cart.lines.len(), "one line a SKU");
            for line in &cart.lines {
                prop_assert!((1..=MOST_PIECES).contains(&line.quantity()));
                prop_assert!((1..=STEPS).contains(&line.steps.len()));
            }
        }
    }

    #[test]
    fn a_cart_that_was_written_down_goes_on_as_if_it_had_not_been(steps in proptest::collection::vec(step(), 0..30), pause in 0..30_usize) {
        let (mut whole, mut resumed) = (guest(1), guest(1));
        for (id, (number, step)) in (10..).zip(steps.iter().enumerate()) {
            if number == pause {
                let json = serde_json::to_string(&resumed).expect("JSON");
                resumed = serde_json::from_str(&json).expect("the same");
            }
            let Some(change) = change(&whole, step, id) else { continue };
            let json = serde_json::to_string(&change).expect("JSON");
            let told: Change = serde_json::from_str(&json).expect("the same");
            whole = whole.after(&change, at(2));
            resumed = resumed.after(&told, at(2));
        }
        prop_assert_eq!(whole, resumed);
    }

    #[test]
    fn merging_loses_nothing_that_fits(mine in proptest::collection::vec((any::<u8>(), 1..100_u32), 0..60), theirs in proptest::collection::vec((any::<u8>(), 1..100_u32), 0..60)) {
        let fill = |cart: Cart, lines: &[(u8, u32)]| lines.iter().fold(cart, |cart, (of, quantity)| with(cart, &[(&format!("s{of}"), *quantity)]));
        let (mine, theirs) = (fill(guest(1), &mine), fill(guest(2), &theirs));
        let merged = merge(&mine, &theirs).map_or_else(|| mine.clone(), |change| mine.after(&change, at(3)));
        prop_assert!(left_out(&merged, &theirs).is_empty(), "120 lines fit");
        for line in mine.lines.iter().chain(&theirs.lines) {
            let sku = &line.variant.sku;
            let sum = mine.line(sku).map_or(0, Line::quantity) + theirs.line(sku).map_or(0, Line::quantity);
            prop_assert_eq!(merged.line(sku).map(Line::quantity), Some(sum.min(MOST_PIECES)));
        }
    }
}
