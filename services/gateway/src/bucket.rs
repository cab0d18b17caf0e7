//! Token buckets.

use crate::route::Class;
use std::{str::FromStr, time::Duration};

/// A token bucket: so many requests a second in the long run, so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// Requests a second; 0 means that nothing is limited.
    pub per_second: u32,
    /// Requests at once, after a pause.
    pub burst: u32,
}

/// A limit that replaces a class's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LimitOverride {
    /// Which class.
    pub class: Class,
    /// Its limit.
    pub limit: Limit,
}

/// What is not a limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be class=requests-per-second:burst with one of the classes {}, such as pages=50:200",
    classes()
)]
pub struct NotALimit;

fn classes() -> String {
    Class::ALL.map(Class::name).join(", ")
}

impl FromStr for LimitOverride {
    type Err = NotALimit;

    fn from_str(text: &str) -> Result<Self, NotALimit> {
        let (name, limit) = text.split_once('=').ok_or(NotALimit)?;
        let (per_second, burst) = limit.split_once(':').ok_or(NotALimit)?;
        let class = Class::ALL
            .into_iter()
            .find(|class| class.name() == name.trim())
            .ok_or(NotALimit)?;
        let number = |text: &str| text.trim().parse().map_err(|_not_a_number| NotALimit);
        let limit = Limit {
            per_second: number(per_second)?,
            burst: number(burst)?,
        };
        let possible = limit.burst > 0 || limit.per_second == 0;
        possible.then_some(Self { class, limit }).ok_or(NotALimit)
    }
}

/// The limits of every class unless configured otherwise, for one client. A page needs a dozen assets and a shopper opens a few
/// pages a second at most; a shop behind one address (an office, a school) is still served.
pub const fn default_limit(class: Class) -> Limit {
    let (per_second, burst) = match class {
        Class::Assets => (200, 1000),
        Class::Pages | Class::Reads => (50, 250),
        Class::Searches => (20, 60),
        Class::Writes => (10, 50),
        Class::Imports => (2, 10),
        Class::Logins => (2, 20),
        Class::Webhooks => (100, 1000),
    };
    Limit { per_second, burst }
}

impl Limit {
    /// As `RateLimit-Policy` says it: the burst is the quota, the time to refill it the window.
    pub fn policy(self, class: Class) -> String {
        let window = self.burst.div_ceil(self.per_second.max(1)).max(1);
        format!("\"{}\";q={};w={window}", class.name(), self.burst)
    }

    /// Microseconds in which one token comes back.
    pub fn interval(self) -> u64 {
        1_000_000 / u64::from(self.per_second.max(1))
    }
}

/// A bucket as one number: the instant (in microseconds since any epoch) at which it will be full again. It needs no timer,
/// and its age is its content (the generic cell rate algorithm).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Bucket(u64);

impl Bucket {
    /// Takes up to `wanted` tokens at `now` and returns how many were there; with none, how long until the next one is.
    pub fn take(&mut self, limit: Limit, wanted: u32, now: u64) -> Result<u32, Duration> {
        let interval = limit.interval();
        let full_at = self.0.max(now);
        let missing = full_at - now;
        let room = (interval * u64::from(limit.burst)).saturating_sub(missing);
        let there = u32::try_from(room / interval).unwrap_or(u32::MAX);
        if there == 0 {
            return Err(Duration::from_micros(interval - room % interval));
        }
        let taken = there.min(wanted);
        self.0 = full_at + interval * u64::from(taken);
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn overrides_name_a_class_and_a_possible_limit() {
        let pages = LimitOverride {
            class: Class::Pages,
            limit: Limit {
                per_second: 50,
                burst: 200,
            },
        };
        assert_eq!("pages=50:200".parse(), Ok(pages));
        assert!("writes=0:0".parse::<LimitOverride>().is_ok());
        for text in [
            "",
            "pages",
            "pages=50",
            "pages=50:0",
            "page=1:1",
            "pages=-1:1",
            "pages=1.5:1",
        ] {
            assert_eq!(text.parse::<LimitOverride>(), Err(NotALimit), "{text}");
        }
    }

    #[test]
    fn policy_names_quota_and_window() {
        let limit = Limit {
            per_second: 50,
            burst: 250,
        };
        assert_eq!(limit.policy(Class::Reads), "\"reads\";q=250;w=5");
    }

    #[test]
    fn says_when_the_next_token_is_there() {
        let limit = Limit {
            per_second: 10,
            burst: 2,
        };
        let mut bucket = Bucket::default();
        assert_eq!(bucket.take(limit, 5, 1_000_000), Ok(2));
        assert_eq!(
            bucket.take(limit, 1, 1_000_000),
            Err(Duration::from_millis(100))
        );
        assert_eq!(
            bucket.take(limit, 1, 1_099_999),
            Err(Duration::from_micros(1))
        );
        assert_eq!(bucket.take(limit, 1, 1_100_000), Ok(1));
    }

    proptest! {
        #[test]
        fn never_gives_more_than_burst_and_rate_allow(
            per_second in 1_u32..2000,
            burst in 1_u32..500,
            steps in prop::collection::vec((0_u64..200_000, 1_u32..20), 1..200),
        ) {
            let limit = Limit { per_second, burst };
            let (mut bucket, mut now, mut given) = (Bucket::default(), 1_u64, 0_u64);
            for (pause, wanted) in steps {
                now += pause;
                if let Ok(taken) = bucket.take(limit, wanted, now) {
                    prop_assert!((1..=wanted).contains(&taken));
                    given += u64::from(taken);
                }
                prop_assert!(given <= u64::from(burst) + now / limit.interval() + 1);
            }
        }

        #[test]
        fn who_waits_as_told_is_let_in(per_second in 1_u32..2000, burst in 1_u32..500, now in 1_u64..1_000_000_000) {
            let limit = Limit { per_second, burst };
            let mut bucket = Bucket::default();
            prop_assert_eq!(bucket.take(limit, burst, now), Ok(burst));
            let wait = bucket.take(limit, 1, now).expect_err("it is empty");
            let told = u64::try_from(wait.as_micros()).expect("short");
            prop_assert!(bucket.take(limit, 1, now + told).is_ok());
        }

        #[test]
        fn is_full_again_after_the_window(per_second in 1_u32..2000, burst in 1_u32..500, taken in 1_u32..500) {
            let limit = Limit { per_second, burst };
            let mut bucket = Bucket::default();
            let _ = bucket.take(limit, taken, 1);
            let window = limit.interval() * u64::from(burst);
            prop_assert_eq!(bucket.take(limit, burst, 1 + window), Ok(burst));
        }
    }
}
