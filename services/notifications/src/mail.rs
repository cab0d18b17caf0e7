//! The life of a mail: queued, tried again and again, sent or given up.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::language::Language;

/// How often a mail is tried before it is given up: for most of a day.
pub const MOST_ATTEMPTS: u32 = 14;
/// The wait after the first failure; it doubles.
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(30);
/// The longest wait.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(4);
/// How long it is remembered that a mail was sent.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// What became of a mail so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It will be tried.
    Queued,
    /// The mail server took it.
    Sent,
    /// It was given up; staff may try again.
    Failed,
    /// Whoever it was for asked to be forgotten first.
    Erased,
}

impl State {
    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Erased => "erased",
        }
    }
}

/// A mail. Whom it goes to and what it says is sealed, and gone once it is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The id of the event that gave occasion to it: each event gives one mail.
    pub id: Uuid,
    /// What kind of mail it is.
    pub kind: String,
    /// What it is about: the id of the order or person.
    pub about: String,
    /// Its language.
    pub language: Language,
    /// What became of it.
    pub state: State,
    /// How often it was tried.
    pub attempts: u32,
    /// How often it may still be tried.
    pub attempts_left: u32,
    /// When the event was heard.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub next_at: Option<Timestamp>,
    /// When the mail server took it.
    pub sent_at: Option<Timestamp>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// Whose key seals it.
    pub reader: Uuid,
    /// The event's type and data, sealed, in base64.
    pub sealed: Option<String>,
}

/// Why an attempt failed. In words that name nobody: a mail server's own words often repeat the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The mail server will never take it.
    #[error("the mail server refused it ({0})")]
    Refused(String),
    /// It may take it later, or perhaps took it and the answer was lost.
    #[error("the mail server did not take it yet ({0})")]
    Delayed(String),
    /// There is nothing that could be sent.
    #[error("it can't be written ({0})")]
    Unwritable(String),
}

impl Mail {
    /// The mail after the server took it: from now on nobody needs to know whom it was for.
    #[must_use]
    pub fn sent(self, now: Timestamp) -> Self {
        Self {
            state: State::Sent,
            attempts: self.attempts + 1,
            next_at: None,
            sent_at: Some(now),
            error: None,
            sealed: None,
            ..self
        }
    }

    /// The mail after an attempt that failed. `jitter`, of 255, spreads mails that failed together.
    #[must_use]
    pub fn failed(self, failure: &Failure, now: Timestamp, jitter: u8) -> Self {
        let left = match failure {
            Failure::Delayed(_) => self.attempts_left.saturating_sub(1),
            Failure::Refused(_) | Failure::Unwritable(_) => 0,
        };
        let tried = MOST_ATTEMPTS.saturating_sub(left);
        let next_at = now.saturating_add(wait(tried, jitter));
        Self {
            state: if left == 0 {
                State::Failed
            } else {
                State::Queued
            },
            attempts: self.attempts + 1,
            attempts_left: left,
            next_at: (left > 0).then(|| next_at.unwrap_or(Timestamp::MAX)),
            error: Some(failure.to_string()),
            ..self
        }
    }

    /// The mail once more from the beginning; `None` when there is nothing to try.
    pub fn retried(self, now: Timestamp) -> Option<Self> {
        (self.state == State::Failed && self.sealed.is_some()).then_some(Self {
            state: State::Queued,
            attempts_left: MOST_ATTEMPTS,
            next_at: Some(now),
            ..self
        })
    }

    /// The mail without whom it was for.
    #[must_use]
    pub fn erased(self) -> Self {
        let state = match self.state {
            State::Queued | State::Failed => State::Erased,
            ended @ (State::Sent | State::Erased) => ended,
        };
        Self {
            state,
            next_at: None,
            sealed: None,
            reader: Uuid::nil(),
            about: String::new(),
            ..self
        }
    }

    /// Until when it is kept.
    pub fn kept_until(&self) -> Timestamp {
        self.created_at
            .saturating_add(KEPT)
            .unwrap_or(Timestamp::MAX)
    }
}

fn wait(tried: u32, jitter: u8) -> SignedDuration {
    let doubled = 2_i64.saturating_pow(tried.saturating_sub(1).min(16));
    let seconds = FIRST_WAIT
        .as_secs()
        .saturating_mul(doubled)
        .min(LONGEST_WAIT.as_secs());
    let spread = seconds * 250 * i64::from(jitter) / 255;
    SignedDuration::from_millis(seconds * 1000 + spread)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mail() -> Mail {
        Mail {
            id: Uuid::from_u128(1),
            kind: "order_confirmed".to_owned(),
            about: "order".to_owned(),
            language: Language::En,
            state: State::Queued,
            attempts: 0,
            attempts_left: MOST_ATTEMPTS,
            created_at: Timestamp::UNIX_EPOCH,
            next_at: Some(Timestamp::UNIX_EPOCH),
            sent_at: None,
            error: None,
            reader: Uuid::from_u128(2),
            sealed: Some("sealed".to_owned()),
        }
    }

    #[test]
    fn waits_double_up_to_four_hours() {
        for (tried, seconds) in [
            (1, 30),
            (2, 60),
            (3, 120),
            (9, 7_680),
            (10, 14_400),
            (99, 14_400),
        ] {
            assert_eq!(wait(tried, 0).as_secs(), seconds, "{tried}");
            assert_eq!(wait(tried, 255).as_secs(), seconds * 5 / 4, "{tried}");
        }
    }

    #[test]
    fn is_given_up_when_refused_and_can_be_tried_again() {
        let now = Timestamp::UNIX_EPOCH;
        let failed = mail().failed(&Failure::Refused("550".to_owned()), now, 0);
        assert_eq!((failed.state, failed.next_at), (State::Failed, None));
        let again = failed.retried(now).expect("tried again");
        assert_eq!(
            (again.state, again.attempts, again.attempts_left),
            (State::Queued, 1, MOST_ATTEMPTS)
        );
        assert_eq!(again.clone().sent(now).retried(now), None);
        assert_eq!(again.retried(now), None, "it is being tried");
    }

    #[test]
    fn nobody_is_named_once_it_is_sent_or_erased() {
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(mail().sent(now).sealed, None);
        let erased = mail().erased();
        assert_eq!(
            (erased.state, erased.sealed, erased.reader),
            (State::Erased, None, Uuid::nil())
        );
        assert_eq!(mail().sent(now).erased().state, State::Sent);
    }

    proptest! {
        #[test]
        fn a_mail_that_is_delayed_for_ever_is_given_up_in_the_end(jitters in proptest::collection::vec(any::<u8>(), 20)) {
            let (mut mail, mut now) = (mail(), Timestamp::UNIX_EPOCH);
            for jitter in jitters {
                if mail.state != State::Queued { break }
                let before = now;
                mail = mail.failed(&Failure::Delayed("421".to_owned()), now, jitter);
                if let Some(next) = mail.next_at {
                    prop_assert!(next > before);
                    now = next;
                }
            }
            prop_assert_eq!((mail.state, mail.attempts), (State::Failed, MOST_ATTEMPTS));
        }
    }
}
