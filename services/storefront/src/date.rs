//! Dates as each language writes them, in UTC, and saying so where the hour counts.

use crate::language::Language;
use jiff::{Timestamp, Zoned, tz::TimeZone};

const ENGLISH: [&str; 12] = [
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
];
const FRENCH: [&str; 12] = [
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
];

/// `24 November 2026`, `1er mai 2026`.
pub fn format_date(at: Timestamp, language: Language) -> String {
    let at = utc(at);
    let month = usize::try_from(at.month() - 1).unwrap_or_default();
    match language {
        Language::En => format!("{} {} {}", at.day(), ENGLISH[month.min(11)], at.year()),
        Language::Fr => {
            let first = if at.day() == 1 { "er" } else { "" };
            format!(
                "{}{first} {} {}",
                at.day(),
                FRENCH[month.min(11)],
                at.year()
            )
        }
    }
}

/// `14:05 UTC`, `14 h 05 UTC`.
pub fn format_hour(at: Timestamp, language: Language) -> String {
    let at = utc(at);
    match language {
        Language::En => format!("{}:{:02} UTC", at.hour(), at.minute()),
        Language::Fr => format!("{}\u{a0}h\u{a0}{:02} UTC", at.hour(), at.minute()),
    }
}

/// Day and hour.
pub fn format_instant(at: Timestamp, language: Language) -> String {
    let joined = match language {
        Language::En => "at",
        Language::Fr => "à",
    };
    format!(
        "{} {joined} {}",
        format_date(at, language),
        format_hour(at, language)
    )
}

fn utc(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_each_language_does() {
        for (at, english, french) in [
            (
                "2026-11-24T14:05:09Z",
                "24 November 2026 at 14:05 UTC",
                "24 novembre 2026 à 14\u{a0}h\u{a0}05 UTC",
            ),
            (
                "2026-08-01T23:00:00+02:00",
                "1 August 2026 at 21:00 UTC",
                "1er août 2026 à 21\u{a0}h\u{a0}00 UTC",
            ),
        ] {
            let at: Timestamp = at.parse().expect("an instant");
            assert_eq!(format_instant(at, Language::En), english);
            assert_eq!(format_instant(at, Language::Fr), french);
        }
    }
}
