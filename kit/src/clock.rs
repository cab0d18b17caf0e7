//! The clock and the source of ids: inputs, so that expiry, backoff and ids can be tested.

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use jiff::Timestamp;
use uuid::Uuid;

/// Tells the time and makes ids. Cloning is cheap; clones of a fixed clock share its hands.
#[derive(Debug, Clone)]
pub struct Clock(Hands);

#[derive(Debug, Clone)]
enum Hands {
    System,
    Fixed {
        millisecond: Arc<AtomicI64>,
        ids: Arc<AtomicU64>,
    },
}

impl Clock {
    /// The machine's clock. Only `main.rs` makes one.
    pub fn system() -> Self {
        Self(Hands::System)
    }

    /// A clock that stands at `at` until [`Clock::advance`] moves it, and whose ids count up: for tests.
    pub fn fixed(at: Timestamp) -> Self {
        Self(Hands::Fixed {
            millisecond: Arc::new(AtomicI64::new(at.as_millisecond())),
            ids: Arc::new(AtomicU64::new(0)),
        })
    }

    /// The current instant, to the millisecond (as finely as every database keeps it).
    pub fn now(&self) -> Timestamp {
        let millisecond = match &self.0 {
            #[expect(
                clippy::disallowed_methods,
                reason = "this is the one place that reads the machine's clock"
            )]
            Hands::System => Timestamp::now().as_millisecond(),
            Hands::Fixed { millisecond, .. } => millisecond.load(Ordering::SeqCst),
        };
        Timestamp::from_millisecond(millisecond).unwrap_or(Timestamp::MAX)
    }

    /// A new id (UUID version 7, RFC 9562): sorts by the time of its making.
    pub fn uuid(&self) -> Uuid {
        let millisecond = u64::try_from(self.now().as_millisecond()).unwrap_or(0);
        let random = match &self.0 {
            Hands::System => random_bytes(),
            Hands::Fixed { ids, .. } => {
                let mut bytes = [0; 10];
                bytes[2..].copy_from_slice(&ids.fetch_add(1, Ordering::SeqCst).to_be_bytes());
                bytes
            }
        };
        uuid::Builder::from_unix_timestamp_millis(millisecond, &random).into_uuid()
    }

    /// Moves a fixed clock forward; the machine's clock can't be moved, so there it does nothing.
    pub fn advance(&self, by: std::time::Duration) {
        if let Hands::Fixed { millisecond, .. } = &self.0 {
            let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            millisecond.fetch_add(by, Ordering::SeqCst);
        }
    }
}

/// Random bytes that nobody can guess (from a generator that the operating system's seeds), for ids, jitter, nonces and keys.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    use rand::RngExt as _;
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that makes randomness"
    )]
    rand::rng().random()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        assert_eq!(clock.now(), clock.now());
        clock.clone().advance(Duration::from_secs(5));
        assert_eq!(clock.now().as_second(), 5);
    }

    #[test]
    fn ids_differ_and_sort_by_time() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let first = clock.uuid();
        let second = clock.uuid();
        clock.advance(Duration::from_millis(1));
        let third = clock.uuid();
        assert!(first < second && second < third);
        assert_eq!(first.get_version_num(), 7);
        assert_ne!(Clock::system().uuid(), Clock::system().uuid());
    }
}
