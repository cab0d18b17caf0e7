//! What the test provider does: everything that a real one does to a shop, on demand.

use serde::{Deserialize, Serialize};

/// What becomes of a test payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The money is taken and the shop is told.
    Succeed,
    /// The bank says no.
    Decline,
    /// The bank wants to hear from the shopper first (3-D Secure).
    Action,
    /// The money is taken, but the shop is not told: it has to ask.
    NoAnswer,
    /// The shop is told twice at once.
    Twice,
    /// The money is taken later.
    Late,
}

impl Outcome {
    /// All of them, as the page offers them.
    pub const ALL: [Self; 6] = [
        Self::Succeed,
        Self::Decline,
        Self::Action,
        Self::NoAnswer,
        Self::Twice,
        Self::Late,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeed => "succeed",
            Self::Decline => "decline",
            Self::Action => "action",
            Self::NoAnswer => "no_answer",
            Self::Twice => "twice",
            Self::Late => "late",
        }
    }

    /// The outcome of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }

    /// What an address such as `ann+decline@example.org` asks for; nothing in particular is a success. So a load that goes through
    /// the whole shop says by the address alone what is to become of its payments.
    pub fn of_email(email: &str) -> Self {
        email
            .rsplit_once('@')
            .and_then(|(name, _)| name.rsplit_once('+'))
            .and_then(|(_, tag)| Self::named(&tag.to_ascii_lowercase().replace('-', "_")))
            .unwrap_or(Self::Succeed)
    }
}

/// How far the money of a test payment is, on the side of the test provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TestState {
    /// The bank wants to hear from the shopper.
    Action,
    /// It comes later.
    Late,
    /// It was taken.
    Charged,
    /// It was refused.
    Declined,
    /// It was called off.
    Canceled,
}

impl TestState {
    const ALL: [Self; 5] = [
        Self::Action,
        Self::Late,
        Self::Charged,
        Self::Declined,
        Self::Canceled,
    ];

    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Action => "action",
            Self::Late => "late",
            Self::Charged => "charged",
            Self::Declined => "declined",
            Self::Canceled => "canceled",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// What choosing `outcome` leads to; none when it is too late to choose.
    pub const fn after(before: Option<Self>, outcome: Outcome) -> Option<Self> {
        match before {
            None | Some(Self::Action | Self::Declined) => Some(match outcome {
                Outcome::Succeed | Outcome::NoAnswer | Outcome::Twice => Self::Charged,
                Outcome::Decline => Self::Declined,
                Outcome::Action => Self::Action,
                Outcome::Late => Self::Late,
            }),
            Some(Self::Late | Self::Charged | Self::Canceled) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_what_is_to_become_of_its_payments() {
        for (email, outcome) in [
            ("ann@example.org", Outcome::Succeed),
            ("ann+decline@example.org", Outcome::Decline),
            ("ann+7+decline@example.org", Outcome::Decline),
            ("ann+Twice@example.org", Outcome::Twice),
            ("ann+no-answer@example.org", Outcome::NoAnswer),
            ("ann+late@example.org", Outcome::Late),
            ("ann+action@example.org", Outcome::Action),
            ("ann+books@example.org", Outcome::Succeed),
            ("decline@example.org", Outcome::Succeed),
            ("", Outcome::Succeed),
        ] {
            assert_eq!(Outcome::of_email(email), outcome, "{email}");
        }
    }

    #[test]
    fn money_that_is_taken_stays_taken() {
        for outcome in Outcome::ALL {
            for (before, may_choose) in [
                (None, true),
                (Some(TestState::Action), true),
                (Some(TestState::Declined), true),
                (Some(TestState::Late), false),
                (Some(TestState::Charged), false),
                (Some(TestState::Canceled), false),
            ] {
                assert_eq!(TestState::after(before, outcome).is_some(), may_choose);
            }
        }
    }

    #[test]
    fn names_lead_back() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::named(outcome.name()), Some(outcome));
        }
        for state in TestState::ALL {
            assert_eq!(TestState::named(state.name()), Some(state));
        }
    }
}
