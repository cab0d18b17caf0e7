//! Coupons: what they take off, and when they can be used. How often is counted by the database, under a lock.

use jiff::Timestamp;
use kit::money::{Money, MoneyError, round_ratio};
use serde::{Deserialize, Serialize};

use crate::{
    invalid::Mistakes,
    terms::WHOLE,
    totals::{Item, split},
};

/// What a coupon does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// Takes off a part of what it is for.
    Percent {
        /// 1,000 is 10 %.
        #[schema(minimum = 1, maximum = 10000)]
        basis_points: i64,
    },
    /// Takes off an amount, as far as what it is for costs that much.
    Amount {
        /// How much.
        amount: Money,
    },
    /// Nothing is paid for shipping.
    FreeShipping {},
}

/// When a coupon can be used, and for what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponRule {
    /// What it does.
    pub effect: Effect,
    /// Goods must cost this much before it is taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_subtotal: Option<Money>,
    /// Only for these variants (and these categories), if any are named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skus: Vec<String>,
    /// Only for these categories and those below.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// How often one person can use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    pub max_uses_per_person: Option<i32>,
    /// Not before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    /// Not from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    /// Whether it can be used at all.
    #[serde(default = "yes")]
    pub active: bool,
}

fn yes() -> bool {
    true
}

/// What is taken off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discount {
    /// Nothing.
    None,
    /// An amount of each line.
    Lines(Vec<i64>),
    /// The shipping.
    FreeShipping,
}

impl Discount {
    /// What is taken off a line.
    pub fn of_line(&self, index: usize) -> i64 {
        match self {
            Self::Lines(lines) => lines.get(index).copied().unwrap_or(0),
            Self::None | Self::FreeShipping => 0,
        }
    }
}

/// Why a coupon can't be used.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema, thiserror::Error,
)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// There is none of this code.
    #[error("there is no such coupon")]
    Unknown,
    /// Staff have switched it off.
    #[error("this coupon can't be used any more")]
    Inactive,
    /// Its time has not come.
    #[error("this coupon can't be used yet")]
    NotStarted,
    /// Its time is over.
    #[error("this coupon has ended")]
    Ended,
    /// Others have used it as often as it may be.
    #[error("this coupon has been used up")]
    UsedUp,
    /// This person has.
    #[error("you have used this coupon already")]
    UsedByYou,
    /// The cart is too small.
    #[error("the cart is too small for this coupon")]
    BelowMinimum,
    /// It is about another currency.
    #[error("this coupon is for another currency")]
    WrongCurrency,
    /// Nothing in the cart is what it is for.
    #[error("nothing in the cart is what this coupon is for")]
    NothingEligible,
    /// The amounts are beyond counting.
    #[error("the amounts are too large")]
    TooLarge,
}

impl From<MoneyError> for Unusable {
    fn from(error: MoneyError) -> Self {
        match error {
            MoneyError::CurrencyMismatch(..) => Self::WrongCurrency,
            MoneyError::Overflow => Self::TooLarge,
        }
    }
}

impl CouponRule {
    /// What it takes off these items now.
    pub fn discount(&self, items: &[Item], now: Timestamp) -> Result<Discount, Unusable> {
        if !self.active {
            return Err(Unusable::Inactive);
        }
        if self.starts_at.is_some_and(|starts| now < starts) {
            return Err(Unusable::NotStarted);
        }
        if self.ends_at.is_some_and(|ends| now >= ends) {
            return Err(Unusable::Ended);
        }
        let mut subtotal = 0_i64;
        let mut weights = Vec::with_capacity(items.len());
        for item in items {
            let line = item.subtotal()?;
            subtotal = subtotal.checked_add(line).ok_or(Unusable::TooLarge)?;
            weights.push(if self.is_for(item) { line } else { 0 });
        }
        if let Some(minimum) = self.min_subtotal {
            check_currency(minimum, items)?;
            if subtotal < minimum.amount {
                return Err(Unusable::BelowMinimum);
            }
        }
        if !items.iter().any(|item| self.is_for(item)) {
            return Err(Unusable::NothingEligible);
        }
        let eligible: i64 = weights.iter().sum();
        let off = match &self.effect {
            Effect::FreeShipping {} => return Ok(Discount::FreeShipping),
            Effect::Percent { basis_points } => {
                round_ratio(eligible, *basis_points, WHOLE).ok_or(Unusable::TooLarge)?
            }
            Effect::Amount { amount } => {
                check_currency(*amount, items)?;
                amount.amount.min(eligible)
            }
        };
        Ok(Discount::Lines(split(off, &weights)))
    }

    fn is_for(&self, item: &Item) -> bool {
        let is_below = |category: &String| {
            item.category
                .strip_prefix(category.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let is_for_all = self.skus.is_empty() && self.categories.is_empty();
        is_for_all || self.skus.contains(&item.sku) || self.categories.iter().any(is_below)
    }

    /// What is wrong with it as staff wrote it.
    pub fn check(&self, mistakes: &mut Mistakes) {
        match &self.effect {
            Effect::Percent { basis_points } => mistakes.require(
                (1..=WHOLE).contains(basis_points),
                "rule.effect.basis_points",
                "must be between 1 (0.01 %) and 10000 (100 %)",
            ),
            Effect::Amount { amount } => {
                mistakes.require(
                    amount.amount > 0,
                    "rule.effect.amount.amount",
                    "must be above zero",
                );
            }
            Effect::FreeShipping {} => {}
        }
        let is_positive = self.min_subtotal.is_none_or(|minimum| minimum.amount > 0);
        mistakes.require(
            is_positive,
            "rule.min_subtotal.amount",
            "must be above zero",
        );
        let is_positive = self.max_uses_per_person.is_none_or(|most| most > 0);
        mistakes.require(
            is_positive,
            "rule.max_uses_per_person",
            "must be at least 1",
        );
        let is_forward = match (self.starts_at, self.ends_at) {
            (Some(starts), Some(ends)) => starts < ends,
            _ => true,
        };
        mistakes.require(is_forward, "rule.ends_at", "must be after starts_at");
        let few = self.skus.len() <= 1000 && self.categories.len() <= 100;
        mistakes.require(
            few,
            "rule.skus",
            "must be at most 1000, with at most 100 categories",
        );
    }
}

fn check_currency(money: Money, items: &[Item]) -> Result<(), Unusable> {
    let is_same = |item: &Item| item.unit_price.currency == money.currency;
    if items.iter().all(is_same) {
        Ok(())
    } else {
        Err(Unusable::WrongCurrency)
    }
}

/// A code as it is kept: capitals, so that people may type it as they like; `None` for what can't be one.
pub fn code(text: &str) -> Option<String> {
    let code = text.trim().to_ascii_uppercase();
    let is_plain =
        |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    ((3..=40).contains(&code.len()) && code.bytes().all(is_plain)).then_some(code)
}

#[cfg(test)]
mod tests {
    use kit::money::Currency;

    use super::*;

    fn rule(effect: Effect) -> CouponRule {
        CouponRule {
            effect,
            min_subtotal: None,
            skus: Vec::new(),
            categories: Vec::new(),
            max_uses_per_person: None,
            starts_at: None,
            ends_at: None,
            active: true,
        }
    }

    fn euros(amount: i64) -> Money {
        Money::new(amount, Currency::EUR)
    }

    fn cart() -> Vec<Item> {
        [("a", "toys/wood", 2, 500), ("b", "books", 1, 333)]
            .map(|(sku, category, quantity, amount)| Item {
                sku: sku.to_owned(),
                category: category.to_owned(),
                quantity,
                unit_price: euros(amount),
            })
            .to_vec()
    }

    fn second(second: i64) -> Option<Timestamp> {
        Timestamp::from_second(second).ok()
    }

    #[test]
    fn takes_off_what_it_says() {
        let percent = |basis_points| rule(Effect::Percent { basis_points });
        let amount = |amount| {
            rule(Effect::Amount {
                amount: euros(amount),
            })
        };
        for (rule, expected) in [
            (percent(1000), Discount::Lines(vec![100, 33])),
            (percent(10_000), Discount::Lines(vec![1000, 333])),
            (amount(400), Discount::Lines(vec![300, 100])),
            (amount(99_999), Discount::Lines(vec![1000, 333])),
            (
                CouponRule {
                    skus: vec!["b".to_owned()],
                    ..percent(5000)
                },
                Discount::Lines(vec![0, 167]),
            ),
            (
                CouponRule {
                    categories: vec!["toys".to_owned()],
                    ..amount(99_999)
                },
                Discount::Lines(vec![1000, 0]),
            ),
            (
                CouponRule {
                    categories: vec!["toys".to_owned()],
                    skus: vec!["b".to_owned()],
                    ..percent(1000)
                },
                Discount::Lines(vec![100, 33]),
            ),
            (rule(Effect::FreeShipping {}), Discount::FreeShipping),
        ] {
            assert_eq!(
                rule.discount(&cart(), Timestamp::UNIX_EPOCH),
                Ok(expected),
                "{rule:?}"
            );
        }
    }

    #[test]
    fn says_why_it_cant_be_used() {
        let ten = rule(Effect::Percent { basis_points: 1000 });
        let now = second(1000).expect("a time");
        for (rule, expected) in [
            (
                CouponRule {
                    active: false,
                    ..ten.clone()
                },
                Unusable::Inactive,
            ),
            (
                CouponRule {
                    starts_at: second(1001),
                    ..ten.clone()
                },
                Unusable::NotStarted,
            ),
            (
                CouponRule {
                    ends_at: second(1000),
                    ..ten.clone()
                },
                Unusable::Ended,
            ),
            (
                CouponRule {
                    min_subtotal: Some(euros(1334)),
                    ..ten.clone()
                },
                Unusable::BelowMinimum,
            ),
            (
                CouponRule {
                    min_subtotal: Some(Money::new(1, Currency::USD)),
                    ..ten.clone()
                },
                Unusable::WrongCurrency,
            ),
            (
                rule(Effect::Amount {
                    amount: Money::new(1, Currency::USD),
                }),
                Unusable::WrongCurrency,
            ),
            (
                CouponRule {
                    skus: vec!["c".to_owned()],
                    ..ten.clone()
                },
                Unusable::NothingEligible,
            ),
            (
                CouponRule {
                    categories: vec!["toy".to_owned()],
                    ..ten.clone()
                },
                Unusable::NothingEligible,
            ),
        ] {
            assert_eq!(rule.discount(&cart(), now), Err(expected), "{rule:?}");
        }
        let exactly = CouponRule {
            min_subtotal: Some(euros(1333)),
            starts_at: second(1000),
            ends_at: second(1001),
            ..ten
        };
        assert!(exactly.discount(&cart(), now).is_ok());
    }

    #[test]
    fn names_each_field_that_is_wrong() {
        for (rule, expected) in [
            (
                rule(Effect::Percent {
                    basis_points: 10_001,
                }),
                vec!["rule.effect.basis_points"],
            ),
            (
                rule(Effect::Amount { amount: euros(0) }),
                vec!["rule.effect.amount.amount"],
            ),
            (
                CouponRule {
                    min_subtotal: Some(euros(0)),
                    max_uses_per_person: Some(0),
                    starts_at: second(2),
                    ends_at: second(2),
                    ..rule(Effect::FreeShipping {})
                },
                vec![
                    "rule.min_subtotal.amount",
                    "rule.max_uses_per_person",
                    "rule.ends_at",
                ],
            ),
        ] {
            let mut mistakes = Mistakes::default();
            rule.check(&mut mistakes);
            assert_eq!(mistakes.fields().collect::<Vec<_>>(), expected, "{rule:?}");
        }
    }

    #[test]
    fn codes_are_typed_as_people_like() {
        for (text, expected) in [
            (" spring-10 ", Some("SPRING-10")),
            ("ab", None),
            ("a b c", None),
            ("été", None),
        ] {
            assert_eq!(code(text).as_deref(), expected, "{text}");
        }
    }
}
