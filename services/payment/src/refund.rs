//! Giving money back: what a refund is, whether there is money for it, and what its provider may say.

use jiff::Timestamp;
use kit::money::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::payment::{Payment, State};

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundState {
    /// On its way.
    Pending,
    /// The money went back.
    Succeeded,
    /// It did not, and will not.
    Failed,
}

impl RefundState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Succeeded, Self::Failed];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Who wanted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// The shop.
    Requested,
    /// Nobody: the money was not wanted.
    Automatic,
    /// Someone at the provider, past the shop.
    Provider,
}

impl Origin {
    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Automatic => "automatic",
            Self::Provider => "provider",
        }
    }

    /// The origin of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Requested, Self::Automatic, Self::Provider]
            .into_iter()
            .find(|origin| origin.name() == name)
    }
}

/// Money on its way back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Its id; also the key under which the provider is asked, so that asking twice gives back once.
    pub id: Uuid,
    /// The payment it belongs to.
    pub payment_id: Uuid,
    /// The provider's name for the money it gives back.
    pub charge: String,
    /// How much.
    pub amount: Money,
    /// Why, for people.
    pub reason: String,
    /// Who wanted it.
    pub origin: Origin,
    /// How far it is.
    pub state: RefundState,
    /// The provider's name for it.
    pub reference: Option<String>,
    /// Why it failed, in the provider's word.
    pub failed_because: Option<String>,
    /// How often the provider was asked in vain.
    pub attempts: u32,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// What a provider says of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefundFact {
    /// It is on its way.
    Pending,
    /// The money is back.
    Succeeded,
    /// It will not come.
    Failed {
        /// In the provider's word.
        reason: String,
    },
}

/// What follows from a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStep {
    /// The refund changes its state.
    Become(RefundState),
    /// The payment has given this money back.
    Count,
    /// It has not, after all.
    Uncount,
    /// The shop is told that the money is back.
    TellRefunded,
    /// The shop is told that it is not.
    TellFailed,
    /// Staff must look.
    Flag,
}

/// What follows from `fact` for a refund in `state`. A bank may send money back after the provider said that all went well, never the other way round:
/// so a failure is final.
pub fn decide(state: RefundState, origin: Origin, fact: &RefundFact) -> Vec<RefundStep> {
    use RefundState as S;
    use RefundStep as Step;
    let is_told = origin != Origin::Automatic;
    let mut steps = match (state, fact) {
        (S::Pending, RefundFact::Succeeded) => {
            vec![Step::Become(S::Succeeded), Step::Count, Step::TellRefunded]
        }
        (S::Pending, RefundFact::Failed { .. }) => {
            vec![Step::Become(S::Failed), Step::TellFailed, Step::Flag]
        }
        (S::Succeeded, RefundFact::Failed { .. }) => vec![
            Step::Become(S::Failed),
            Step::Uncount,
            Step::TellFailed,
            Step::Flag,
        ],
        (_, RefundFact::Pending) | (S::Succeeded, RefundFact::Succeeded) | (S::Failed, _) => vec![],
    };
    steps.retain(|step| is_told || !matches!(step, Step::TellRefunded | Step::TellFailed));
    steps
}

/// Why a refund can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoRefund {
    /// Nothing was taken.
    #[error("the payment was not captured")]
    NotPaid,
    /// It must be more than nothing.
    #[error("the amount is not positive")]
    NotPositive,
    /// It was paid in another currency.
    #[error("the payment was made in another currency")]
    OtherCurrency,
    /// Less is left of the payment.
    #[error("less than that is left of the payment")]
    NotEnough,
}

/// Whether `amount` can be given back of a payment of which `promised` is given back, or on its way, already.
pub fn check(payment: &Payment, promised: i64, amount: Money) -> Result<(), NoRefund> {
    if payment.charge.is_none() || payment.received == 0 {
        return Err(NoRefund::NotPaid);
    }
    if amount.amount <= 0 {
        return Err(NoRefund::NotPositive);
    }
    if amount.currency != payment.amount.currency {
        return Err(NoRefund::OtherCurrency);
    }
    match promised.checked_add(amount.amount) {
        Some(total) if total <= payment.received => Ok(()),
        _ => Err(NoRefund::NotEnough),
    }
}

/// The state of a payment that received and gave back this much.
pub const fn state_of(received: i64, refunded: i64) -> State {
    if refunded <= 0 {
        State::Captured
    } else if refunded < received {
        State::PartiallyRefunded
    } else {
        State::Refunded
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failed() -> RefundFact {
        RefundFact::Failed {
            reason: "expired_or_canceled_card".to_owned(),
        }
    }

    #[test]
    fn every_state_and_fact() {
        use RefundState as S;
        use RefundStep as Step;
        #[rustfmt::skip]
        let table: [(S, RefundFact, &[Step]); 9] = [
            (S::Pending,   RefundFact::Pending,   &[]),
            (S::Pending,   RefundFact::Succeeded, &[Step::Become(S::Succeeded), Step::Count, Step::TellRefunded]),
            (S::Pending,   failed(),              &[Step::Become(S::Failed), Step::TellFailed, Step::Flag]),
            (S::Succeeded, RefundFact::Pending,   &[]),
            (S::Succeeded, RefundFact::Succeeded, &[]),
            (S::Succeeded, failed(),              &[Step::Become(S::Failed), Step::Uncount, Step::TellFailed, Step::Flag]),
            (S::Failed,    RefundFact::Pending,   &[]),
            (S::Failed,    RefundFact::Succeeded, &[]),
            (S::Failed,    failed(),              &[]),
        ];
        for (state, fact, expected) in table {
            assert_eq!(
                decide(state, Origin::Requested, &fact),
                expected,
                "{state:?} {fact:?}"
            );
            let silent: Vec<Step> = expected
                .iter()
                .copied()
                .filter(|step| !matches!(step, Step::TellRefunded | Step::TellFailed))
                .collect();
            assert_eq!(decide(state, Origin::Automatic, &fact), silent);
        }
    }

    #[test]
    fn the_state_says_how_much_is_back() {
        for (received, refunded, state) in [
            (1000, 0, State::Captured),
            (1000, 1, State::PartiallyRefunded),
            (1000, 999, State::PartiallyRefunded),
            (1000, 1000, State::Refunded),
        ] {
            assert_eq!(state_of(received, refunded), state);
        }
    }

    fn any_fact() -> impl Strategy<Value = RefundFact> {
        prop_oneof![
            Just(RefundFact::Pending),
            Just(RefundFact::Succeeded),
            Just(failed()),
        ]
    }

    proptest! {
        #[test]
        fn money_is_counted_as_often_as_it_is_back(facts in prop::collection::vec(any_fact(), 0..10)) {
            let (mut state, mut counted) = (RefundState::Pending, 0);
            for fact in &facts {
                for step in decide(state, Origin::Requested, fact) {
                    match step {
                        RefundStep::Become(next) => state = next,
                        RefundStep::Count => counted += 1,
                        RefundStep::Uncount => counted -= 1,
                        _ => {}
                    }
                }
            }
            prop_assert_eq!(counted, i32::from(state == RefundState::Succeeded));
        }
    }
}
