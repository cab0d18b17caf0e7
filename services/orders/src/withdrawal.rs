//! The right to withdraw from a distance contract: fourteen days, no reason (code de la consommation, articles L221-18 to L221-28).

use jiff::{
    Timestamp, ToSpan as _,
    civil::{Date, Weekday},
    tz::{Offset, TimeZone},
};

/// Days after the day of delivery.
const DAYS: i32 = 14;

/// Until when a shopper can withdraw from what was delivered then.
///
/// The day of delivery does not count, the fourteenth day counts to its end, and an end on a Saturday, a Sunday or a holiday moves to the end of the
/// next working day (L221-19). The day is the one in France; counting its end in UTC gives at most two hours more than the law does.
pub fn possible_until(delivered_at: Timestamp) -> Option<Timestamp> {
    let summer = TimeZone::fixed(Offset::constant(2));
    let delivered_on = delivered_at.to_zoned(summer).date();
    let mut last = delivered_on.checked_add(DAYS.days()).ok()?;
    while matches!(last.weekday(), Weekday::Saturday | Weekday::Sunday) || is_holiday(last)? {
        last = last.tomorrow().ok()?;
    }
    let end = last.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(end.timestamp())
}

/// Whether this is a public holiday in France (code du travail, article L3133-1).
fn is_holiday(date: Date) -> Option<bool> {
    let fixed = [
        (1, 1),
        (5, 1),
        (5, 8),
        (7, 14),
        (8, 15),
        (11, 1),
        (11, 11),
        (12, 25),
    ];
    let easter = easter(date.year())?;
    let moving = [1, 39, 50].map(|days: i32| easter.checked_add(days.days()).ok());
    Some(fixed.contains(&(date.month(), date.day())) || moving.contains(&Some(date)))
}

/// Easter Sunday, by the anonymous Gregorian method.
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let (golden, century, rest) = (year % 19, year / 100, year % 100);
    let leap = century - century / 4 - (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + leap + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (rest / 4) - epact - rest % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    let month = i8::try_from(days / 31).ok()?;
    let day = i8::try_from(days % 31 + 1).ok()?;
    Date::new(i16::try_from(year).ok()?, month, day).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_easter() {
        for (year, expected) in [
            (2024, "2024-03-31"),
            (2025, "2025-04-20"),
            (2026, "2026-04-05"),
            (2027, "2027-03-28"),
            (2038, "2038-04-25"),
        ] {
            assert_eq!(easter(year).expect("a date").to_string(), expected);
        }
    }

    #[test]
    fn the_fourteenth_day_counts_to_its_end() {
        for (delivered, until) in [
            // A Monday, and its fourteenth day is a Monday.
            ("2026-11-02T09:00:00Z", "2026-11-17T00:00:00Z"),
            // Half past midnight in France is the next day already.
            ("2026-11-02T22:30:00Z", "2026-11-18T00:00:00Z"),
            // The fourteenth day is a Saturday: until Monday's end.
            ("2026-11-07T09:00:00Z", "2026-11-24T00:00:00Z"),
            // It is the 25th of December, a Friday: until Monday the 28th.
            ("2026-12-11T09:00:00Z", "2026-12-29T00:00:00Z"),
            // It is Easter Monday.
            ("2026-03-23T09:00:00Z", "2026-04-08T00:00:00Z"),
        ] {
            let delivered: Timestamp = delivered.parse().expect("a time");
            let found = possible_until(delivered).expect("in range").to_string();
            assert_eq!(found, until, "{delivered}");
        }
    }
}
