//! Stock: what is there, what is promised, and what shoppers are told of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// From here down, shoppers are told how many are left.
const FEW: i64 = 5;

/// A number of units of one variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Units {
    /// The variant.
    pub sku: String,
    /// How many.
    pub quantity: i64,
}

/// One entry a variant, in the order in which rows are locked everywhere: two lines of one variant are one wish, and two orders
/// never wait for each other.
pub fn sum_by_sku<'a>(lines: impl IntoIterator<Item = (&'a str, i64)>) -> Vec<Units> {
    let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
    for (sku, quantity) in lines {
        let sum = sums.entry(sku).or_default();
        *sum = sum.saturating_add(quantity);
    }
    let units = |(sku, quantity): (&str, i64)| Units {
        sku: sku.to_owned(),
        quantity,
    };
    sums.into_iter().map(units).collect()
}

/// How much a shopper may know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// Enough.
    InStock,
    /// A few.
    Low,
    /// None.
    Out,
}

/// What is told of `available` units: how many are left only when they are few.
pub fn tell(available: i64) -> (Availability, Option<i64>) {
    match available {
        ..=0 => (Availability::Out, None),
        1..=FEW => (Availability::Low, Some(available)),
        _ => (Availability::InStock, None),
    }
}

/// Why stock moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MovementKind {
    /// Staff counted, found, lost or bought some.
    Adjusted,
    /// An import said how many there are.
    Imported,
    /// An order was paid.
    Sold,
    /// A paid order was called off before it left.
    Released,
    /// A return went back on the shelf.
    Restocked,
}

impl MovementKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Adjusted,
        Self::Imported,
        Self::Sold,
        Self::Released,
        Self::Restocked,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Adjusted => "adjusted",
            Self::Imported => "imported",
            Self::Sold => "sold",
            Self::Released => "released",
            Self::Restocked => "restocked",
        }
    }
}

/// Whether this can name a variant: what the catalog allows.
pub fn is_sku(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    (1..=64).contains(&text.len()) && text.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tells_how_many_are_left_only_when_few() {
        for (available, expected) in [
            (-1, (Availability::Out, None)),
            (0, (Availability::Out, None)),
            (1, (Availability::Low, Some(1))),
            (5, (Availability::Low, Some(5))),
            (6, (Availability::InStock, None)),
        ] {
            assert_eq!(tell(available), expected, "{available}");
        }
    }

    #[test]
    fn two_lines_of_one_variant_are_one_wish() {
        let units = sum_by_sku([("b", 2), ("a", 1), ("b", 3)]);
        let pairs: Vec<_> = units
            .iter()
            .map(|units| (units.sku.as_str(), units.quantity))
            .collect();
        assert_eq!(pairs, [("a", 1), ("b", 5)]);
    }

    proptest! {
        #[test]
        fn sums_are_sorted_whole_and_without_doubles(lines in prop::collection::vec(("[a-c]{1,2}", 1_i64..10), 0..30)) {
            let units = sum_by_sku(lines.iter().map(|(sku, quantity)| (sku.as_str(), *quantity)));
            prop_assert!(units.is_sorted_by(|a, b| a.sku < b.sku));
            prop_assert_eq!(units.iter().map(|units| units.quantity).sum::<i64>(), lines.iter().map(|(_, quantity)| quantity).sum::<i64>());
        }
    }
}
