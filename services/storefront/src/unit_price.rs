//! What a package costs by weight, volume or piece, so that sizes can be compared; and sizes as each language writes them.

use kit::money::{Money, round_ratio};

/// What a price is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// 1 kg.
    Kilogram,
    /// 1 l.
    Liter,
    /// An ounce. Sellers write it for weight and for volume alike, so it can't be turned into either.
    Ounce,
    /// One of a count.
    Piece,
}

/// The price of one unit when `size` says how much there is, such as `1.5 L`, `16 oz (454 g)`, `12 × 12 fl oz (355 ml)` or `×12`;
/// nothing when it says something else, or exactly one unit.
pub fn unit_price(price: Money, size: &str) -> Option<(Money, Unit)> {
    let size = size.trim().to_lowercase();
    let (packs, size) = match size.split_once('×') {
        Some(("", count)) => (thousandths(count.trim())?, "1 ct"),
        Some((packs, each)) => (thousandths(packs.trim())?, each.trim()),
        None => (1000, size.as_str()),
    };
    let (size, metric) = size.split_once('(').unwrap_or((size, ""));
    let size = size.trim();
    let end = size.find(|character: char| {
        !character.is_ascii_digit() && character != '.' && character != ','
    })?;
    let (number, unit) = size.split_at(end);
    let is_weight = metric.trim_end_matches(')').ends_with('g');
    let (unit, numerator, denominator) = measure(unit.trim().trim_end_matches('.'), is_weight)?;
    // Exact until the one rounding: quantities are thousandths of packs times thousandths of what each holds.
    let quantity = i128::from(packs) * i128::from(thousandths(number)?) * i128::from(numerator);
    let one = 1_000_000 * i128::from(denominator);
    if quantity == one {
        return None;
    }
    let common = greatest_common_divisor(quantity, one);
    let amount = round_ratio(
        price.amount,
        i64::try_from(one / common).ok()?,
        i64::try_from(quantity / common).ok()?,
    )?;
    (amount > 0).then_some((Money::new(amount, price.currency), unit))
}

/// The unit that a price is given for, and how many of it one of the written unit is, as a ratio.
fn measure(written: &str, is_weight: bool) -> Option<(Unit, i64, i64)> {
    Some(match written {
        "kg" => (Unit::Kilogram, 1, 1),
        "g" | "gr" => (Unit::Kilogram, 1, 1000),
        "lb" | "lbs" => (Unit::Kilogram, 45_359_237, 100_000_000),
        "oz" if is_weight => (Unit::Kilogram, 28_349_523_125, 1_000_000_000_000),
        "oz" => (Unit::Ounce, 1, 1),
        "l" | "liter" | "liters" => (Unit::Liter, 1, 1),
        "cl" => (Unit::Liter, 1, 100),
        "ml" => (Unit::Liter, 1, 1000),
        "gal" => (Unit::Liter, 3_785_411_784, 1_000_000_000),
        "qt" => (Unit::Liter, 946_352_946, 1_000_000_000),
        "pt" => (Unit::Liter, 473_176_473, 1_000_000_000),
        "fl oz" => (Unit::Liter, 295_735_295_625, 10_000_000_000_000),
        "ct" => (Unit::Piece, 1, 1),
        _ => return None,
    })
}

fn greatest_common_divisor(mut one: i128, mut other: i128) -> i128 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one.max(1)
}

/// A size as French readers expect it: metric first, with a decimal comma, such as `454 g (16 oz)`.
pub fn french_size(size: &str) -> String {
    let (packs, each) = match size.rsplit_once(" × ") {
        Some((packs, each)) => (format!("{packs} × "), each),
        None => (String::new(), size),
    };
    let swapped = match each
        .strip_suffix(')')
        .and_then(|each| each.split_once(" ("))
    {
        Some((customary, metric)) => format!("{metric} ({customary})"),
        None => each.to_owned(),
    };
    let mut text = packs;
    let mut previous = ' ';
    for character in swapped.chars() {
        text.push(if character == '.' && previous.is_ascii_digit() {
            ','
        } else {
            character
        });
        previous = character;
    }
    text
}

fn thousandths(number: &str) -> Option<i64> {
    let number = number.replace(',', ".");
    let (whole, fraction) = number.split_once('.').unwrap_or((number.as_str(), ""));
    if whole.len() > 6 || fraction.len() > 3 || fraction.contains('.') {
        return None;
    }
    let value = format!("{whole}{fraction:0<3}").parse().ok()?;
    (value > 0).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit::money::Currency;

    #[test]
    fn sizes_become_unit_prices() {
        for (amount, size, expected) in [
            (349, "500 g", Some((698, Unit::Kilogram))),
            (349, "1.5 L", Some((233, Unit::Liter))),
            (349, "1,5 l", Some((233, Unit::Liter))),
            (349, "1 GAL", Some((92, Unit::Liter))),
            (349, "16 OZ", Some((22, Unit::Ounce))),
            (349, "16 oz.", Some((22, Unit::Ounce))),
            (349, "16 oz (454 g)", Some((769, Unit::Kilogram))),
            (349, "8 fl oz (237 ml)", Some((1475, Unit::Liter))),
            (849, "12 × 12 fl oz (355 ml)", Some((199, Unit::Liter))),
            (200, "×12", Some((17, Unit::Piece))),
            (200, "×1", None),
            (200, "×", None),
            (200, "0 × 5 g", None),
            (200, "12CT", Some((17, Unit::Piece))),
            (200, "2 lb", Some((220, Unit::Kilogram))),
            (200, "1 kg", None),
            (200, "1 ct", None),
            (200, "0 oz", None),
            (200, "", None),
            (200, "large", None),
            (200, "12 by 16 oz", None),
            (200, "1.2.3 oz", None),
            (200, ".5 l", Some((400, Unit::Liter))),
            (349, "1000000000 g", None),
            (1, "500 ct", None),
            (i64::MAX, "1 ml", None),
            (
                i64::MAX,
                "×7",
                Some((1_317_624_576_693_539_401, Unit::Piece)),
            ),
        ] {
            let unit_price = unit_price(Money::new(amount, Currency::EUR), size);
            assert_eq!(
                unit_price.map(|(price, unit)| (price.amount, unit)),
                expected,
                "{size}"
            );
        }
    }

    #[test]
    fn french_sizes_are_metric_first() {
        for (size, french) in [
            ("16 oz (454 g)", "454 g (16 oz)"),
            ("1 gal (3.8 L)", "3,8 L (1 gal)"),
            ("12 × 12 fl oz (355 ml)", "12 × 355 ml (12 fl oz)"),
            ("1.5 L", "1,5 L"),
            ("×12", "×12"),
            ("large.", "large."),
        ] {
            assert_eq!(french_size(size), french);
        }
    }
}
