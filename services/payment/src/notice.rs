//! What a provider says in a webhook, in our words.

use kit::money::Money;
use uuid::Uuid;

use crate::{payment::Fact, refund::RefundFact};

/// One event of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// The provider's id of the event: one that comes again has no effect again.
    pub event: String,
    /// What it is about.
    pub news: News,
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A payment.
    Payment {
        /// The provider's name for it.
        reference: String,
        /// Which of ours it says it is.
        payment_id: Option<Uuid>,
        /// What is the case.
        fact: Fact,
    },
    /// A refund.
    Refund(RefundNews),
    /// The shopper's bank asks for money back.
    Dispute {
        /// The provider's name for the money.
        charge: String,
    },
    /// Nothing that concerns us.
    Nothing,
}

/// What is said of a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundNews {
    /// The provider's name for it.
    pub reference: String,
    /// The provider's name for the money it gives back.
    pub charge: Option<String>,
    /// Which of ours it says it is.
    pub refund_id: Option<Uuid>,
    /// How much.
    pub amount: Money,
    /// What is the case.
    pub fact: RefundFact,
}
