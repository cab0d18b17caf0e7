//! Sessions: a family of refresh tokens, of which each is used once.
//!
//! A token that comes a second time means that two hold it, and nobody can tell which of them stole it: the family ends
//! (RFC 9700, section 4.14.2). One exception keeps shoppers logged in whose connection broke: for a moment, and as long as the
//! successor was not used, the same token gets the same successor again.

use jiff::{SignedDuration, Timestamp};

/// How long an access token is valid. Roles and logouts act at once through the list of revocations; this bounds what happens
/// when a service can't read that list.
pub const ACCESS_TTL: SignedDuration = SignedDuration::from_mins(10);
/// How long a used token gets its successor again.
pub const GRACE: SignedDuration = SignedDuration::from_secs(10);
/// A session that is not used ends.
pub const IDLE_TTL: SignedDuration = SignedDuration::from_hours(30 * 24);
/// A session ends, used or not.
pub const ABSOLUTE_TTL: SignedDuration = SignedDuration::from_hours(90 * 24);
/// The same for those who can do harm to the shop.
pub const STAFF_ABSOLUTE_TTL: SignedDuration = SignedDuration::from_hours(24);

/// What is known of the session that a token belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family {
    /// When it ends whatever happens.
    pub ends_at: Timestamp,
    /// When it was last used.
    pub last_used_at: Timestamp,
    /// Logged out, or ended by a replay.
    pub is_revoked: bool,
}

/// What is known of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Presented {
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// Whether the token it was exchanged for has been used in turn.
    pub is_successor_used: bool,
}

/// What happens to a token that is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Its first use: it gets a successor.
    Rotate,
    /// The answer was lost: it gets the same successor.
    Repeat,
    /// Used before: the family ends.
    Replayed,
    /// The session is over.
    Ended,
}

/// When a session that begins now ends at the latest.
pub fn ends_at(now: Timestamp, is_staff: bool) -> Timestamp {
    later(
        now,
        if is_staff {
            STAFF_ABSOLUTE_TTL
        } else {
            ABSOLUTE_TTL
        },
    )
}

/// `now` and some time; the end of time where that is out of range.
pub fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// Whether the session can still be used.
pub fn is_live(family: &Family, now: Timestamp) -> bool {
    !family.is_revoked && now < family.ends_at && now < later(family.last_used_at, IDLE_TTL)
}

/// What happens to a token of this family that is presented now.
pub fn judge(family: &Family, token: &Presented, now: Timestamp) -> Verdict {
    if !is_live(family, now) {
        return Verdict::Ended;
    }
    match token.used_at {
        None => Verdict::Rotate,
        Some(used_at) if !token.is_successor_used && now < later(used_at, GRACE) => Verdict::Repeat,
        Some(_) => Verdict::Replayed,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).expect("in range")
    }

    fn family(is_revoked: bool) -> Family {
        Family {
            ends_at: ends_at(at(0), false),
            last_used_at: at(0),
            is_revoked,
        }
    }

    #[test]
    fn a_token_is_used_once_with_a_moment_for_lost_answers() {
        for (used_at, is_successor_used, now, expected) in [
            (None, false, 0, Verdict::Rotate),
            (None, false, 29 * 86_400, Verdict::Rotate),
            (Some(5), false, 5, Verdict::Repeat),
            (Some(5), false, 14, Verdict::Repeat),
            (Some(5), false, 15, Verdict::Replayed),
            (Some(5), true, 6, Verdict::Replayed),
            (None, false, 30 * 86_400, Verdict::Ended),
            (Some(5), false, 91 * 86_400, Verdict::Ended),
        ] {
            let token = Presented {
                used_at: used_at.map(at),
                is_successor_used,
            };
            assert_eq!(
                judge(&family(false), &token, at(now)),
                expected,
                "used at {used_at:?}, now {now}"
            );
            assert_eq!(judge(&family(true), &token, at(now)), Verdict::Ended);
        }
    }

    #[test]
    fn use_prolongs_a_session_to_its_absolute_end_only() {
        let mut family = family(false);
        let mut day = 0;
        while is_live(&family, at(day * 86_400)) {
            family.last_used_at = at(day * 86_400);
            day += 1;
        }
        assert_eq!(day, 90);
        assert_eq!(ends_at(at(0), true), at(86_400), "staff log in each day");
    }

    /// A model of what clients and thieves do: whoever holds a token may present any of those it ever saw.
    #[derive(Debug, Default)]
    struct Chain {
        used_at: Vec<i64>,
        is_revoked: bool,
    }

    impl Chain {
        fn present(&mut self, index: usize, now: i64) -> Verdict {
            let family = Family {
                ends_at: at(1_000_000),
                last_used_at: at(0),
                is_revoked: self.is_revoked,
            };
            let token = Presented {
                used_at: self.used_at.get(index).copied().map(at),
                is_successor_used: self.used_at.len() > index + 1,
            };
            let verdict = judge(&family, &token, at(now));
            match verdict {
                Verdict::Rotate => self.used_at.push(now),
                Verdict::Replayed => self.is_revoked = true,
                Verdict::Repeat | Verdict::Ended => {}
            }
            verdict
        }
    }

    proptest! {
        #[test]
        fn two_who_hold_a_family_never_both_go_on(steps in prop::collection::vec((0_usize..6, 0_i64..30), 1..40)) {
            let (mut chain, mut now) = (Chain::default(), 0);
            for (back, wait) in steps {
                now += wait;
                let newest = chain.used_at.len();
                let index = newest.saturating_sub(back);
                let was_revoked = chain.is_revoked;
                let verdict = chain.present(index, now);
                // Only the newest token makes a new one, only the one before it gets the newest again, anything else ends it all.
                match verdict {
                    Verdict::Rotate => prop_assert!(index == newest && !was_revoked),
                    Verdict::Repeat => prop_assert!(index + 1 == newest && now - chain.used_at[index] < 10),
                    Verdict::Replayed => prop_assert!(chain.is_revoked && index < newest),
                    Verdict::Ended => prop_assert!(was_revoked),
                }
            }
        }
    }
}
