//! How fast passwords can be tried.
//!
//! An attempt is charged before the password is looked at, so that a thousand attempts at once are a thousand, and given back when
//! it succeeds. An account is never locked: whoever waits may try, so that nobody can shut its owner out for long.

use std::net::{IpAddr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use crate::session::later;

/// How failures turn into waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// So many in a row cost nothing: people mistype.
    pub free: u32,
    /// The wait after the first that costs something; it doubles with each further one.
    pub first_wait: SignedDuration,
    /// It grows no further.
    pub longest_wait: SignedDuration,
    /// Without a failure for so long, all is forgotten.
    pub memory: SignedDuration,
}

/// For one account, from wherever.
pub const ACCOUNT: Rule = Rule {
    free: 10,
    first_wait: SignedDuration::from_secs(1),
    longest_wait: SignedDuration::from_mins(5),
    memory: SignedDuration::from_hours(24),
};

/// For one client, against whichever account. Offices and mobile networks share an address.
pub const CLIENT: Rule = Rule {
    free: 50,
    first_wait: SignedDuration::from_secs(1),
    longest_wait: SignedDuration::from_mins(15),
    memory: SignedDuration::from_hours(1),
};

/// Mails that somebody can have us send to one address.
pub const MAIL: Rule = Rule {
    free: 3,
    first_wait: SignedDuration::from_mins(1),
    longest_wait: SignedDuration::from_hours(6),
    memory: SignedDuration::from_hours(24),
};

/// Mails that one client can have us send, to whomever.
pub const MAILING_CLIENT: Rule = Rule {
    free: 30,
    first_wait: SignedDuration::from_secs(2),
    longest_wait: SignedDuration::from_mins(15),
    memory: SignedDuration::from_hours(1),
};

/// What is remembered of one account or client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// Failures in a row.
    pub failures: u32,
    /// The last of them.
    pub last_at: Timestamp,
}

impl Rule {
    /// How long to wait before the next attempt; `None` when it may be now.
    pub fn wait(&self, record: Option<&Record>, now: Timestamp) -> Option<SignedDuration> {
        let record = record?;
        let paid = record.failures.checked_sub(self.free.checked_add(1)?)?;
        let factor = 2_i32.checked_pow(paid.min(30))?;
        let wait = self
            .first_wait
            .checked_mul(factor)
            .map_or(self.longest_wait, |wait| wait.min(self.longest_wait));
        let left = later(record.last_at, wait).duration_since(now);
        left.is_positive().then_some(left)
    }

    /// The record with one failure more.
    pub fn charge(&self, record: Option<&Record>, now: Timestamp) -> Record {
        let before = record
            .filter(|record| now < later(record.last_at, self.memory))
            .map_or(0, |record| record.failures);
        Record {
            failures: before.saturating_add(1),
            last_at: now,
        }
    }
}

/// Whole seconds, rounded up: what `Retry-After` can say.
pub fn whole_seconds(wait: SignedDuration) -> i64 {
    wait.as_secs()
        .saturating_add(i64::from(wait.subsec_nanos() > 0))
        .max(1)
}

/// What counts as one client: an IPv6 network of 64 bits is one household, or one machine with 2⁶⁴ addresses.
pub fn client(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("in range")
    }

    fn after(rule: &Rule, failures: u32) -> Option<SignedDuration> {
        let record = Record {
            failures,
            last_at: at(0),
        };
        rule.wait(Some(&record), at(0))
    }

    #[test]
    fn waiting_doubles_after_what_is_free_up_to_a_limit() {
        for (failures, seconds) in [
            (0, None),
            (10, None),
            (11, Some(1)),
            (12, Some(2)),
            (13, Some(4)),
            (19, Some(256)),
            (20, Some(300)),
            (1000, Some(300)),
            (u32::MAX, Some(300)),
        ] {
            assert_eq!(
                after(&ACCOUNT, failures).map(whole_seconds),
                seconds,
                "{failures}"
            );
        }
        assert_eq!(ACCOUNT.wait(None, at(0)), None);
    }

    #[test]
    fn waiting_ends_and_is_forgotten() {
        let record = Record {
            failures: 12,
            last_at: at(0),
        };
        assert!(ACCOUNT.wait(Some(&record), at(1)).is_some());
        assert!(ACCOUNT.wait(Some(&record), at(2)).is_none());
        assert_eq!(ACCOUNT.charge(Some(&record), at(60)).failures, 13);
        assert_eq!(ACCOUNT.charge(Some(&record), at(86_400)).failures, 1);
    }

    #[test]
    fn a_guesser_gets_few_guesses_a_day() {
        let (mut record, mut now, mut guesses) = (None, 0, 0);
        while now < 86_400 {
            if ACCOUNT.wait(record.as_ref(), at(now)).is_none() {
                record = Some(ACCOUNT.charge(record.as_ref(), at(now)));
                guesses += 1;
            } else {
                now += 1;
            }
        }
        assert!(
            guesses < 320,
            "{guesses} guesses of what is not among the most used passwords"
        );
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        for (address, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ] {
            assert_eq!(client(address.parse().expect("an address")), expected);
        }
    }

    proptest! {
        #[test]
        fn waiting_never_exceeds_the_longest_wait(failures in any::<u32>(), later_by in 0_i64..10_000) {
            for rule in [ACCOUNT, CLIENT, MAIL, MAILING_CLIENT] {
                let record = Record { failures, last_at: at(0) };
                let wait = rule.wait(Some(&record), at(later_by));
                prop_assert!(wait.is_none_or(|wait| wait <= rule.longest_wait && wait.is_positive()));
            }
        }
    }
}
