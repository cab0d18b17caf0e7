//! A circuit breaker: after several failures in a row a neighbour is left alone for a while, so that its callers fail at
//! once instead of waiting, and it is not hammered while it recovers.

use std::{
    sync::atomic::{AtomicU32, AtomicU64, Ordering},
    time::{Duration, Instant},
};

/// Decides whether a call may be tried. Closed (all pass) → open (none pass) → half-open (one passes and decides).
#[derive(Debug)]
pub struct Breaker {
    epoch: Instant,
    failures_to_open: u32,
    open_for: Duration,
    failures: AtomicU32,
    /// Milliseconds since `epoch` until which calls are refused; 0 when closed.
    open_until: AtomicU64,
}

/// What a breaker does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Calls pass.
    Closed,
    /// Calls are refused.
    Open,
    /// The next call decides.
    HalfOpen,
}

impl Breaker {
    /// Opens after `failures_to_open` failures in a row, for `open_for`.
    pub fn new(failures_to_open: u32, open_for: Duration) -> Self {
        Self {
            epoch: Instant::now(),
            failures_to_open,
            open_for,
            failures: AtomicU32::new(0),
            open_until: AtomicU64::new(0),
        }
    }

    /// Whether a call may be tried now. When the time is up, one caller gets through and the others wait for its outcome.
    pub fn allows(&self) -> bool {
        self.allows_at(Instant::now())
    }

    /// The call worked: all pass again.
    pub fn succeeded(&self) {
        // Reading first keeps the common case free of writes to memory that all cores share.
        if self.failures.load(Ordering::Relaxed) != 0 {
            self.failures.store(0, Ordering::Relaxed);
        }
        if self.open_until.load(Ordering::Relaxed) != 0 {
            self.open_until.store(0, Ordering::Relaxed);
        }
    }

    /// The call failed in a way that says the neighbour is not well.
    pub fn failed(&self) {
        self.failed_at(Instant::now());
    }

    /// What the breaker does now.
    pub fn state(&self) -> State {
        match self.open_until.load(Ordering::Relaxed) {
            0 => State::Closed,
            until if self.millis(Instant::now()) < until => State::Open,
            _ => State::HalfOpen,
        }
    }

    fn allows_at(&self, now: Instant) -> bool {
        let until = self.open_until.load(Ordering::Relaxed);
        if until == 0 {
            return true;
        }
        let now = self.millis(now);
        // The one that moves the deadline on is the one that tries.
        now >= until
            && self
                .open_until
                .compare_exchange(
                    until,
                    now + self.open_for_millis(),
                    Ordering::Relaxed,
                    Ordering::Relaxed,
                )
                .is_ok()
    }

    fn failed_at(&self, now: Instant) {
        let failures = self
            .failures
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1);
        if failures >= self.failures_to_open {
            self.open_until
                .store(self.millis(now) + self.open_for_millis(), Ordering::Relaxed);
        }
    }

    fn millis(&self, now: Instant) -> u64 {
        // One is added because zero means closed.
        u64::try_from(now.duration_since(self.epoch).as_millis()).unwrap_or(u64::MAX / 2) + 1
    }

    fn open_for_millis(&self) -> u64 {
        u64::try_from(self.open_for.as_millis()).unwrap_or(u64::MAX / 4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(1);

    #[test]
    fn opens_after_failures_in_a_row_and_lets_one_through_when_the_time_is_up() {
        let breaker = Breaker::new(3, OPEN_FOR);
        let start = Instant::now();
        breaker.failed_at(start);
        breaker.failed_at(start);
        breaker.succeeded();
        breaker.failed_at(start);
        breaker.failed_at(start);
        assert!(
            breaker.allows_at(start),
            "a success in between starts the count anew"
        );
        breaker.failed_at(start);
        assert!(!breaker.allows_at(start));

        let later = start + OPEN_FOR + Duration::from_millis(1);
        assert!(breaker.allows_at(later));
        assert!(!breaker.allows_at(later), "only one tries");
        breaker.failed_at(later);
        assert!(!breaker.allows_at(later), "it failed: open again");

        let later = later + OPEN_FOR + Duration::from_millis(1);
        assert!(breaker.allows_at(later));
        breaker.succeeded();
        assert!(breaker.allows_at(later) && breaker.allows_at(later));
        assert_eq!(breaker.state(), State::Closed);
    }
}
