//! How long until a store is looked at again.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// The longest pause between tries.
const LONGEST: Duration = Duration::from_mins(5);

/// The pause after a number of failures in a row: it doubles.
pub(super) fn pause(attempt: u32) -> Duration {
    Duration::from_secs(1)
        .saturating_mul(2_u32.saturating_pow(attempt.clamp(1, 16) - 1))
        .min(LONGEST)
}

/// A little less for some than for others, so that they do not all come at once.
pub(super) fn spread(interval: Duration, seed: &str) -> Duration {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    let percent = u32::try_from(hasher.finish() % 20).unwrap_or_default();
    interval / 100 * (100 - percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_five_minutes() {
        let pauses = [1, 2, 3, 9, 10, 1000].map(|attempt| pause(attempt).as_secs());
        assert_eq!(pauses, [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn spreads_by_at_most_a_fifth() {
        let interval = Duration::from_mins(5);
        for seed in ["a", "b", "c", "d"] {
            let spread = spread(interval, seed);
            assert!(spread <= interval && spread >= interval / 5 * 4, "{seed}");
        }
    }
}
