//! The test provider as the shop calls it. Its books are a table of their own.

use jiff::Timestamp;
use sqlx::MySqlPool;

use super::{Details, ProviderError, RefundAnswer};
use crate::{
    db::test_charges,
    outcome::TestState,
    payment::{Charge, Fact, Payment, Provider},
    refund::{Refund, RefundFact},
};

/// What the test provider is told.
#[derive(Debug, Clone)]
pub struct TestProvider {
    /// What its webhooks are signed with.
    pub webhook_secret: String,
    /// How many seconds late money is late.
    pub late_seconds: u32,
}

/// Its name for a payment is ours.
pub fn details(payment: &Payment) -> Details {
    Details {
        reference: Some(payment.id.to_string()),
        ..Details::default()
    }
}

/// How the payment stands in its books.
pub async fn ask(
    pool: &MySqlPool,
    payment: &Payment,
    now: Timestamp,
) -> Result<Fact, ProviderError> {
    let state = test_charges::read(pool, payment.id, now)
        .await
        .map_err(unsure)?;
    Ok(fact(payment, state))
}

/// Calls it off, unless its money was taken or is on its way.
pub async fn call_off(
    pool: &MySqlPool,
    payment: &Payment,
    now: Timestamp,
) -> Result<Fact, ProviderError> {
    test_charges::cancel(pool, payment.id)
        .await
        .map_err(unsure)?;
    ask(pool, payment, now).await
}

/// Gives everything back at once.
pub fn give_back(refund: &Refund) -> RefundAnswer {
    RefundAnswer {
        reference: Some(format!("refund-{}", refund.id)),
        fact: RefundFact::Succeeded,
    }
}

/// What a state of its books says.
pub fn fact(payment: &Payment, state: Option<TestState>) -> Fact {
    match state {
        None | Some(TestState::Action) => Fact::Waiting,
        Some(TestState::Late) => Fact::Processing,
        Some(TestState::Charged) => Fact::Charged(Charge {
            reference: payment.id.to_string(),
            amount: payment.amount,
            order_id: Some(payment.order_id),
        }),
        Some(TestState::Declined) => Fact::Declined {
            reason: "card_declined".to_owned(),
        },
        Some(TestState::Canceled) => Fact::Canceled,
    }
}

fn unsure(error: sqlx::Error) -> ProviderError {
    ProviderError::unsure(Provider::Test, error)
}
