//! When an erasure that did not get through is tried again.

use jiff::{SignedDuration, Timestamp};

use crate::session::later;

const FIRST: SignedDuration = SignedDuration::from_secs(30);
/// A service that is away for days is asked each hour: the law gives a month.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// When to try again after so many attempts.
pub fn next_at(attempts: u32, now: Timestamp) -> Timestamp {
    let wait = 2_i32
        .checked_pow(attempts.min(20))
        .and_then(|factor| FIRST.checked_mul(factor))
        .map_or(LONGEST, |wait| wait.min(LONGEST));
    later(now, wait)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_tried_less_and_less_often_and_never_given_up() {
        let now = Timestamp::UNIX_EPOCH;
        let waits: Vec<i64> = [0, 1, 2, 6, 7, 100, u32::MAX]
            .into_iter()
            .map(|attempts| next_at(attempts, now).as_second())
            .collect();
        assert_eq!(waits, [30, 60, 120, 1920, 3600, 3600, 3600]);
    }
}
