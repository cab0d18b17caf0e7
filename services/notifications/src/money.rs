//! How amounts and times are written in each language: numbers as CLDR says.

use icu_decimal::{DecimalFormatter, input::Decimal, options::DecimalFormatterOptions};
use icu_locale_core::{Locale, locale};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use kit::money::{Currency, Money};

use crate::language::Language;

/// Keeps what belongs together on one line.
const NO_BREAK_SPACE: char = '\u{a0}';

thread_local! {
    // A formatter's data does not cross threads; each thread makes its own, once.
    static ENGLISH: Option<DecimalFormatter> = formatter(locale!("en"));
    static FRENCH: Option<DecimalFormatter> = formatter(locale!("fr"));
}

/// `1 234,56 €` in French, `€1,234.56` in English.
pub fn format_money(money: Money, language: Language) -> String {
    let mut number = Decimal::from(money.amount.unsigned_abs());
    let digits = money.currency.minor_unit_digits();
    number.multiply_pow10(i16::try_from(digits).map_or(0, |digits| -digits));
    let formatter = match language {
        Language::En => &ENGLISH,
        Language::Fr => &FRENCH,
    };
    let number = formatter.with(|formatter| match formatter {
        Some(formatter) => formatter.format(&number).to_string(),
        None => number.to_string(),
    });
    let sign = if money.amount < 0 { "-" } else { "" };
    match (language, symbol(money.currency, language)) {
        (Language::En, Some(symbol)) => format!("{sign}{symbol}{number}"),
        (Language::En, None) => format!("{sign}{}{NO_BREAK_SPACE}{number}", money.currency),
        (Language::Fr, Some(symbol)) => format!("{sign}{number}{NO_BREAK_SPACE}{symbol}"),
        (Language::Fr, None) => format!("{sign}{number}{NO_BREAK_SPACE}{}", money.currency),
    }
}

/// `24 November 2026, 13:48 UTC`, `24 novembre 2026 à 13:48 UTC`.
pub fn format_time(at: Timestamp, language: Language) -> String {
    let at: DateTime = at.to_zoned(TimeZone::UTC).datetime();
    let names = match language {
        Language::En => [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ],
        Language::Fr => [
            "janvier",
            "février",
            "mars",
            "avril",
            "mai",
            "juin",
            "juillet",
            "août",
            "septembre",
            "octobre",
            "novembre",
            "décembre",
        ],
    };
    let month = usize::try_from(at.month() - 1)
        .ok()
        .and_then(|month| names.get(month));
    let date = format!("{} {} {}", at.day(), month.unwrap_or(&""), at.year());
    let time = format!("{:02}:{:02}{NO_BREAK_SPACE}UTC", at.hour(), at.minute());
    match language {
        Language::En => format!("{date}, {time}"),
        Language::Fr => format!("{date} à {time}"),
    }
}

fn formatter(locale: Locale) -> Option<DecimalFormatter> {
    DecimalFormatter::try_new(locale.into(), DecimalFormatterOptions::default()).ok()
}

/// CLDR's symbol of a currency in a language; `None` where CLDR shows the code.
fn symbol(currency: Currency, language: Language) -> Option<&'static str> {
    match (currency.code(), language) {
        ("EUR", _) => Some("€"),
        ("USD", Language::En) => Some("$"),
        ("USD", Language::Fr) => Some("$US"),
        ("GBP", Language::En) => Some("£"),
        ("GBP", Language::Fr) => Some("£GB"),
        ("CAD", Language::En) => Some("CA$"),
        ("CAD", Language::Fr) => Some("$CA"),
        ("JPY", Language::En) => Some("¥"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_as_cldr_says() {
        for (amount, code, english, french) in [
            (123_456, "EUR", "€1,234.56", "1\u{202f}234,56\u{a0}€"),
            (5, "EUR", "€0.05", "0,05\u{a0}€"),
            (-349, "EUR", "-€3.49", "-3,49\u{a0}€"),
            (100, "USD", "$1.00", "1,00\u{a0}$US"),
            (1_234, "JPY", "¥1,234", "1\u{202f}234\u{a0}JPY"),
            (1_234, "KWD", "KWD\u{a0}1.234", "1,234\u{a0}KWD"),
        ] {
            let money = Money::new(amount, code.parse().expect("a currency"));
            assert_eq!(format_money(money, Language::En), english);
            assert_eq!(format_money(money, Language::Fr), french);
        }
    }

    #[test]
    fn times_are_written_out() {
        let at = "2026-08-01T09:05:59Z".parse().expect("a time");
        assert_eq!(
            format_time(at, Language::En),
            "1 August 2026, 09:05\u{a0}UTC"
        );
        assert_eq!(
            format_time(at, Language::Fr),
            "1 août 2026 à 09:05\u{a0}UTC"
        );
    }
}
