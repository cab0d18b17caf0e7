//! How amounts, numbers and percentages are written in each language, as CLDR says.

use crate::language::Language;
use icu_decimal::{DecimalFormatter, input::Decimal};
use icu_locale_core::{Locale, locale};
use kit::money::{Currency, Money, round_ratio};

/// Keeps what belongs together on one line.
const NO_BREAK_SPACE: char = '\u{a0}';

thread_local! {
    // A formatter keeps its data in shared pointers that don't cross threads; each thread makes its own, once.
    static ENGLISH: Option<DecimalFormatter> = formatter(locale!("en"));
    static FRENCH: Option<DecimalFormatter> = formatter(locale!("fr"));
}

/// `1 234,56 €` in French, `€1,234.56` in English.
pub fn format_money(money: Money, language: Language) -> String {
    let number = format_decimal(
        money.amount.unsigned_abs(),
        money.currency.minor_unit_digits(),
        language,
    );
    let sign = if money.amount < 0 { "-" } else { "" };
    let symbol = symbol(money.currency, language);
    match (language, symbol) {
        (Language::En, Some(symbol)) => format!("{sign}{symbol}{number}"),
        (Language::En, None) => format!("{sign}{}{NO_BREAK_SPACE}{number}", money.currency),
        (Language::Fr, symbol) => format!(
            "{sign}{number}{NO_BREAK_SPACE}{}",
            symbol.unwrap_or_else(|| money.currency.code())
        ),
    }
}

/// `92 331` in French, `92,331` in English.
pub fn format_count(count: u64, language: Language) -> String {
    format_decimal(count, 0, language)
}

/// How much cheaper `now` is than `was`, such as `−20 %`; nothing when it is not, or by less than one percent.
pub fn format_saving(now: Money, was: Money, language: Language) -> Option<String> {
    if now.currency != was.currency {
        return None;
    }
    let saved = was
        .amount
        .checked_sub(now.amount)
        .filter(|saved| *saved > 0)?;
    let percent = round_ratio(saved, 100, was.amount).filter(|percent| *percent > 0)?;
    Some(match language {
        Language::En => format!("−{percent}%"),
        Language::Fr => format!("−{percent}{NO_BREAK_SPACE}%"),
    })
}

/// An amount that a form field holds: the currency's decimals, no grouping, no symbol; `12.5` and `12,50` are read alike.
pub fn parse_amount(text: &str, currency: Currency) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = usize::try_from(currency.minor_unit_digits()).ok()?;
    let is_number = !whole.is_empty() && whole.len() <= 9 && fraction.len() <= digits;
    if !is_number
        || !whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    format!("{whole}{fraction:0<digits$}").parse().ok()
}

/// What [`parse_amount`] reads back, in the language's own decimal sign.
pub fn format_amount(amount: i64, currency: Currency, language: Language) -> String {
    let plain = plain_decimal(amount, currency);
    match language {
        Language::En => plain,
        Language::Fr => plain.replace('.', ","),
    }
}

/// The amount with a decimal point and nothing else, as schema.org wants it.
pub fn plain_decimal(amount: i64, currency: Currency) -> String {
    decimal(amount.into(), currency.minor_unit_digits()).to_string()
}

fn format_decimal(magnitude: u64, fraction_digits: u32, language: Language) -> String {
    let number = decimal(magnitude.into(), fraction_digits);
    let key = match language {
        Language::En => &ENGLISH,
        Language::Fr => &FRENCH,
    };
    key.with(|formatter| match formatter {
        Some(formatter) => formatter.format(&number).to_string(),
        None => number.to_string(),
    })
}

fn decimal(minor_units: i128, fraction_digits: u32) -> Decimal {
    let mut number = Decimal::from(minor_units);
    number.multiply_pow10(i16::try_from(fraction_digits).map_or(0, |digits| -digits));
    number
}

fn formatter(locale: Locale) -> Option<DecimalFormatter> {
    DecimalFormatter::try_new(
        locale.into(),
        icu_decimal::options::DecimalFormatterOptions::default(),
    )
    .ok()
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
        ("JPY", Language::Fr) => Some("JPY"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(amount: i64, code: &str) -> Money {
        Money::new(amount, code.parse().expect("a currency"))
    }

    #[test]
    fn money_is_written_as_cldr_says() {
        for (amount, code, english, french) in [
            (123_456, "EUR", "€1,234.56", "1\u{202f}234,56\u{a0}€"),
            (349, "EUR", "€3.49", "3,49\u{a0}€"),
            (5, "EUR", "€0.05", "0,05\u{a0}€"),
            (0, "EUR", "€0.00", "0,00\u{a0}€"),
            (-349, "EUR", "-€3.49", "-3,49\u{a0}€"),
            (100, "USD", "$1.00", "1,00\u{a0}$US"),
            (1_234, "JPY", "¥1,234", "1\u{202f}234\u{a0}JPY"),
            (1_234, "CHF", "CHF\u{a0}12.34", "12,34\u{a0}CHF"),
            (1_234, "KWD", "KWD\u{a0}1.234", "1,234\u{a0}KWD"),
            (
                i64::MIN,
                "JPY",
                "-¥9,223,372,036,854,775,808",
                "-9\u{202f}223\u{202f}372\u{202f}036\u{202f}854\u{202f}775\u{202f}808\u{a0}JPY",
            ),
        ] {
            assert_eq!(format_money(money(amount, code), Language::En), english);
            assert_eq!(format_money(money(amount, code), Language::Fr), french);
        }
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(format_count(92_331, Language::En), "92,331");
        assert_eq!(format_count(92_331, Language::Fr), "92\u{202f}331");
    }

    #[test]
    fn a_saving_is_a_whole_percentage() {
        for (now, was, expected) in [
            (80, 100, Some("−20%")),
            (199, 299, Some("−33%")),
            (100, 100, None),
            (120, 100, None),
            (9_990, 10_000, None),
        ] {
            assert_eq!(
                format_saving(money(now, "EUR"), money(was, "EUR"), Language::En).as_deref(),
                expected,
                "{now} {was}"
            );
        }
        assert_eq!(
            format_saving(money(80, "EUR"), money(100, "USD"), Language::En),
            None
        );
        assert_eq!(
            format_saving(money(80, "EUR"), money(100, "EUR"), Language::Fr).as_deref(),
            Some("−20\u{a0}%")
        );
    }

    #[test]
    fn reads_amounts_as_people_type_them() {
        for (text, expected) in [
            ("12", Some(1200)),
            ("12.5", Some(1250)),
            (" 12,50 ", Some(1250)),
            ("0", Some(0)),
            ("", None),
            (".5", None),
            ("12.505", None),
            ("-1", None),
            ("1e3", None),
            ("1 000", None),
            ("9999999999", None),
            ("１２", None),
        ] {
            assert_eq!(parse_amount(text, Currency::EUR), expected, "{text}");
        }
        assert_eq!(format_amount(1250, Currency::EUR, Language::Fr), "12,50");
        assert_eq!(format_amount(1250, Currency::EUR, Language::En), "12.50");
    }
}
