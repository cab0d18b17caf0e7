//! What leaves and what comes back, unit by unit: requests name variants, orders have lines.

use serde::{Deserialize, Serialize};

use crate::{invalid::Mistakes, totals::share};

/// How many units of a variant a request is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wish {
    /// The variant.
    pub sku: String,
    /// How many.
    #[schema(minimum = 1)]
    pub quantity: i64,
}

/// A line of an order, as far as it matters here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its place in the order.
    pub line: u16,
    /// The variant.
    pub sku: String,
    /// How many were ordered.
    pub quantity: i64,
    /// How many left.
    pub shipped: i64,
    /// How many are announced to come back.
    pub coming_back: i64,
    /// How many came back.
    pub returned: i64,
    /// What was paid for the line.
    pub total: i64,
}

impl Line {
    /// How many have not left.
    pub fn unsent(&self) -> i64 {
        self.quantity - self.shipped
    }

    /// How many can still be given back.
    pub fn returnable(&self) -> i64 {
        self.shipped - self.coming_back - self.returned
    }
}

/// Units of one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LineUnits {
    /// The line's place in the order.
    #[serde(default)]
    pub line: u16,
    /// The variant.
    pub sku: String,
    /// How many.
    pub quantity: i64,
}

/// Spreads wishes over lines that have units `open` for them, first lines first; names the wish that asks for more.
pub fn spread(
    lines: &[Line],
    open: impl Fn(&Line) -> i64,
    wishes: &[Wish],
    too_many: &str,
) -> Result<Vec<LineUnits>, Mistakes> {
    let mut left: Vec<i64> = lines.iter().map(open).collect();
    let mut taken: Vec<LineUnits> = Vec::new();
    let mut mistakes = Mistakes::default();
    mistakes.require(!wishes.is_empty(), "lines", "must name at least one line");
    for (index, wish) in wishes.iter().enumerate() {
        let at = format!("lines[{index}]");
        if wish.quantity < 1 {
            mistakes.require(false, format!("{at}.quantity"), "must be at least 1");
            continue;
        }
        let mut wanted = wish.quantity;
        for (line, left) in lines
            .iter()
            .zip(&mut left)
            .filter(|(line, _)| line.sku == wish.sku)
        {
            let part = wanted.min(*left).max(0);
            if part > 0 {
                *left -= part;
                wanted -= part;
                taken.push(LineUnits {
                    line: line.line,
                    sku: line.sku.clone(),
                    quantity: part,
                });
            }
        }
        let is_known = lines.iter().any(|line| line.sku == wish.sku);
        mistakes.require(is_known, format!("{at}.sku"), "is not in this order");
        mistakes.require(!is_known || wanted == 0, format!("{at}.quantity"), too_many);
    }
    mistakes.none()?;
    Ok(taken)
}

/// All that is open.
pub fn all(lines: &[Line], open: impl Fn(&Line) -> i64) -> Vec<LineUnits> {
    let units = |line: &Line| LineUnits {
        line: line.line,
        sku: line.sku.clone(),
        quantity: open(line),
    };
    lines
        .iter()
        .map(units)
        .filter(|units| units.quantity > 0)
        .collect()
}

/// What these units were paid, given what came back before. All units of a line are worth the line's total, to the cent.
pub fn worth(lines: &[Line], units: &[LineUnits]) -> i64 {
    let mut returned: Vec<i64> = lines.iter().map(|line| line.returned).collect();
    let mut sum = 0;
    for part in units {
        for (line, before) in lines
            .iter()
            .zip(&mut returned)
            .filter(|(line, _)| line.line == part.line)
        {
            sum += share(line.total, line.quantity, *before, part.quantity);
            *before += part.quantity;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(line: u16, sku: &str, quantity: i64, shipped: i64, returned: i64) -> Line {
        Line {
            line,
            sku: sku.to_owned(),
            quantity,
            shipped,
            coming_back: 0,
            returned,
            total: 1000,
        }
    }

    fn wish(sku: &str, quantity: i64) -> Wish {
        Wish {
            sku: sku.to_owned(),
            quantity,
        }
    }

    #[test]
    fn wishes_are_spread_over_the_lines_of_a_variant() {
        let lines = [
            line(0, "a", 3, 1, 0),
            line(1, "b", 1, 0, 0),
            line(2, "a", 2, 0, 0),
        ];
        let taken =
            spread(&lines, Line::unsent, &[wish("a", 3), wish("b", 1)], "").expect("enough");
        let taken: Vec<_> = taken
            .iter()
            .map(|units| (units.line, units.quantity))
            .collect();
        assert_eq!(taken, [(0, 2), (2, 1), (1, 1)]);
        let rest: Vec<_> = all(&lines, Line::unsent)
            .iter()
            .map(|units| (units.line, units.quantity))
            .collect();
        assert_eq!(rest, [(0, 2), (1, 1), (2, 2)]);
    }

    #[test]
    fn nothing_leaves_or_comes_back_twice() {
        let lines = [line(0, "a", 3, 2, 1)];
        for (wishes, expected) in [
            (vec![], vec!["lines"]),
            (vec![wish("a", 2)], vec!["lines[0].quantity"]),
            (vec![wish("a", 1), wish("a", 1)], vec!["lines[1].quantity"]),
            (vec![wish("a", 0)], vec!["lines[0].quantity"]),
            (vec![wish("c", 1)], vec!["lines[0].sku"]),
        ] {
            let mistakes =
                spread(&lines, Line::returnable, &wishes, "too many").expect_err("refused");
            assert_eq!(
                mistakes.fields().collect::<Vec<_>>(),
                expected,
                "{wishes:?}"
            );
        }
    }

    #[test]
    fn units_are_worth_what_was_paid() {
        let units = |quantity| {
            [LineUnits {
                line: 0,
                sku: "a".to_owned(),
                quantity,
            }]
        };
        assert_eq!(worth(&[line(0, "a", 3, 3, 0)], &units(1)), 333);
        assert_eq!(worth(&[line(0, "a", 3, 3, 1)], &units(1)), 334);
        assert_eq!(worth(&[line(0, "a", 3, 3, 2)], &units(1)), 333);
        assert_eq!(worth(&[line(0, "a", 3, 3, 0)], &units(3)), 1000);
        let twice = [units(1), units(2)].concat();
        assert_eq!(worth(&[line(0, "a", 3, 3, 0)], &twice), 1000);
    }
}
