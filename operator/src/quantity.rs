//! Quantities as Kubernetes writes them: `100m`, `64Mi`, `1.5`. The API server rewrites them, so they are compared by value.

/// The value in units of 10⁻⁹, or nothing when it is not a quantity.
pub fn nanos(text: &str) -> Option<i128> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.contains('.') || fraction.len() > 9 {
        return None;
    }
    let scale = scale(suffix)?;
    let whole = if whole.is_empty() {
        0
    } else {
        whole.parse::<i128>().ok()?
    }
    .checked_mul(scale)?;
    let fraction = if fraction.is_empty() {
        0
    } else {
        let places = u32::try_from(fraction.len()).ok()?;
        fraction
            .parse::<i128>()
            .ok()?
            .checked_mul(scale)?
            .checked_div(10_i128.checked_pow(places)?)?
    };
    whole.checked_add(fraction)?.checked_mul(sign)
}

/// The value in whole units, such as bytes, rounded down.
pub fn units(text: &str) -> Option<i64> {
    i64::try_from(nanos(text)? / 1_000_000_000).ok()
}

fn scale(suffix: &str) -> Option<i128> {
    const ONE: i128 = 1_000_000_000;
    let binary = |power: u32| ONE.checked_mul(1024_i128.checked_pow(power)?);
    let decimal = |power: u32| ONE.checked_mul(10_i128.checked_pow(power)?);
    match suffix {
        "" => Some(ONE),
        "n" => Some(1),
        "u" => Some(1_000),
        "m" => Some(1_000_000),
        "k" => decimal(3),
        "M" => decimal(6),
        "G" => decimal(9),
        "T" => decimal(12),
        "P" => decimal(15),
        "E" => decimal(18),
        "Ki" => binary(1),
        "Mi" => binary(2),
        "Gi" => binary(3),
        "Ti" => binary(4),
        "Pi" => binary(5),
        "Ei" => binary(6),
        exponent => match exponent.strip_prefix(['e', 'E'])?.parse::<i32>().ok()? {
            power @ 0..=18 => decimal(u32::try_from(power).ok()?),
            power @ -9..0 => 10_i128.checked_pow(u32::try_from(9 + power).ok()?),
            _ => None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::{nanos, units};

    #[test]
    fn different_spellings_of_one_value_are_equal() {
        for (a, b) in [
            ("1000m", "1"),
            ("0.5", "500m"),
            ("1.5Gi", "1536Mi"),
            ("1e3", "1k"),
            ("128Mi", "134217728"),
        ] {
            assert_eq!(
                nanos(a).expect("a quantity"),
                nanos(b).expect("a quantity"),
                "{a} and {b}"
            );
        }
    }

    #[test]
    fn what_is_no_quantity_has_no_value() {
        for text in ["", "Mi", "1Mb", "1.2.3", "one", "1e99"] {
            assert_eq!(nanos(text), None, "{text}");
        }
    }

    #[test]
    fn bytes_are_whole() {
        assert_eq!(units("128Mi"), Some(134_217_728));
        assert_eq!(units("1500m"), Some(1));
    }
}
