//! What a payment is, what its provider may say about it, and what it may become.

use jiff::Timestamp;
use kit::money::Money;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who takes the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// Takes no money: for trying things out.
    Test,
    /// Stripe.
    Stripe,
    /// `PayPal`.
    Paypal,
}

impl Provider {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Stripe, Self::Paypal, Self::Test];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Test => "test",
            Self::Stripe => "stripe",
            Self::Paypal => "paypal",
        }
    }

    /// The provider of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|provider| provider.name() == name)
    }

    /// Whether a shopper who was declined may pay the very same payment after all: Stripe's waits for another card until it is
    /// called off. So money may still come, and a declined payment must be called off like an open one.
    pub const fn waits_after_decline(self) -> bool {
        matches!(self, Self::Stripe)
    }
}

/// How far a payment is.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Kept here; the provider may or may not know of it.
    Created,
    /// The shopper has to act at the provider.
    ActionRequired,
    /// The shopper agreed; the money is not taken yet.
    Authorized,
    /// The money was taken.
    Captured,
    /// Some of it was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
    /// The provider or the bank said no.
    Declined,
    /// Called off.
    Canceled,
    /// Not paid in time.
    Expired,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Created,
        Self::ActionRequired,
        Self::Authorized,
        Self::Captured,
        Self::PartiallyRefunded,
        Self::Refunded,
        Self::Declined,
        Self::Canceled,
        Self::Expired,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::ActionRequired => "action_required",
            Self::Authorized => "authorized",
            Self::Captured => "captured",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// The state of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nobody has said yes or no yet.
    pub const fn is_open(self) -> bool {
        matches!(
            self,
            Self::Created | Self::ActionRequired | Self::Authorized
        )
    }

    /// Whether its money was taken, whatever became of it since.
    pub const fn is_paid(self) -> bool {
        matches!(
            self,
            Self::Captured | Self::PartiallyRefunded | Self::Refunded
        )
    }

    /// The transitions there are. Money that arrives decides over everything that was believed before; nothing but a refund that
    /// failed afterwards leads back.
    pub const fn may_become(self, next: Self) -> bool {
        use State as S;
        match self {
            S::Created => !matches!(next, S::Created | S::PartiallyRefunded | S::Refunded),
            S::ActionRequired => matches!(
                next,
                S::Authorized | S::Captured | S::Declined | S::Canceled | S::Expired
            ),
            S::Authorized => {
                matches!(next, S::Captured | S::Declined | S::Canceled | S::Expired)
            }
            S::Declined => matches!(next, S::Authorized | S::Captured | S::Canceled | S::Expired),
            S::Canceled | S::Expired => matches!(next, S::Captured),
            S::Captured => matches!(next, S::PartiallyRefunded | S::Refunded),
            S::PartiallyRefunded => matches!(next, S::Captured | S::Refunded),
            S::Refunded => matches!(next, S::Captured | S::PartiallyRefunded),
        }
    }
}

/// What staff should look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// Another amount arrived than was asked for.
    AmountMismatch,
    /// Another currency arrived.
    CurrencyMismatch,
    /// The money says that it is for another order.
    OrderMismatch,
    /// The order was paid already.
    PaidTwice,
    /// The order was canceled before.
    Late,
    /// Nothing here asked for this money.
    Unknown,
    /// The shopper's bank asks for the money back.
    Disputed,
    /// Money could not be given back.
    RefundFailed,
}

impl Trouble {
    const ALL: [Self; 8] = [
        Self::AmountMismatch,
        Self::CurrencyMismatch,
        Self::OrderMismatch,
        Self::PaidTwice,
        Self::Late,
        Self::Unknown,
        Self::Disputed,
        Self::RefundFailed,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AmountMismatch => "amount_mismatch",
            Self::CurrencyMismatch => "currency_mismatch",
            Self::OrderMismatch => "order_mismatch",
            Self::PaidTwice => "paid_twice",
            Self::Late => "late",
            Self::Unknown => "unknown",
            Self::Disputed => "disputed",
            Self::RefundFailed => "refund_failed",
        }
    }

    /// The trouble of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|trouble| trouble.name() == name)
    }
}

/// One attempt to pay an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// Its id; also the key under which the provider is asked to make it, so that asking twice makes one.
    pub id: Uuid,
    /// What it pays.
    pub order_id: Uuid,
    /// The order's number, for people.
    pub order_number: String,
    /// Who takes the money.
    pub provider: Provider,
    /// How far it is.
    pub state: State,
    /// What must be paid.
    pub amount: Money,
    /// What was taken for it, in minor units of the same currency.
    pub received: i64,
    /// How much of that was given back.
    pub refunded: i64,
    /// The provider's name for it; none as long as its answer is missing.
    pub reference: Option<String>,
    /// The provider's name for its hosted page, when one was asked for.
    pub hosted_reference: Option<String>,
    /// The provider's name for the money that was taken.
    pub charge: Option<String>,
    /// What the shopper's browser needs to pay (Stripe).
    pub client_secret: Option<String>,
    /// Where the shopper pays (`PayPal`).
    pub approve_url: Option<String>,
    /// Where the shopper comes back to, on our own origin.
    pub return_path: String,
    /// The shopper's language.
    pub locale: Locale,
    /// Opens the pages that a browser without a token is sent to.
    pub page_key: [u8; 16],
    /// What staff should look at.
    pub trouble: Option<Trouble>,
    /// Why it was declined, in the provider's word.
    pub declined_because: Option<String>,
    /// Whether the shopper began anew with another payment.
    pub is_superseded: bool,
    /// How often its provider was asked about it in vain.
    pub attempts: u32,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it is called off.
    pub expires_at: Timestamp,
}

impl Payment {
    /// Whether it is money that nothing here asked for. Every order has a number; only such money came without one.
    pub const fn is_unknown(&self) -> bool {
        self.order_number.is_empty()
    }
}

/// The languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Locale {
    /// English.
    En,
    /// French.
    Fr,
}

impl Locale {
    /// The code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Fr => "fr",
        }
    }

    /// The language of this code, or of one like it; English for all others.
    pub fn like(code: &str) -> Self {
        if code
            .get(..2)
            .is_some_and(|code| code.eq_ignore_ascii_case("fr"))
        {
            Self::Fr
        } else {
            Self::En
        }
    }
}

/// Why an order takes no more money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Closed {
    /// Called off by the shopper or by staff.
    Canceled,
    /// Not paid in time.
    Expired,
}

impl Closed {
    /// The name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// The reason of this name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Canceled, Self::Expired]
            .into_iter()
            .find(|closed| closed.name() == name)
    }
}

/// What is known of the order of a payment: one row an order, locked after the payment's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// The payment that paid it.
    pub paid_by: Option<Uuid>,
    /// Whether it takes no more money.
    pub closed: Option<Closed>,
}

impl Standing {
    /// Whether another payment than this one paid the order.
    pub fn is_paid_by_another(&self, payment: Uuid) -> bool {
        self.paid_by.is_some_and(|paid_by| paid_by != payment)
    }
}

/// Money that a provider says it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Charge {
    /// The provider's name for it: what can be given back.
    pub reference: String,
    /// How much.
    pub amount: Money,
    /// The order that it says it is for; none when the provider kept nothing of what we told it.
    pub order_id: Option<Uuid>,
}

/// What a provider says of a payment, by answer, by webhook or when asked: all the same to the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fact {
    /// It waits for the shopper.
    Waiting,
    /// It knows neither yes nor no yet.
    Processing,
    /// The shopper agreed, the money can be taken.
    Authorized,
    /// The money was taken.
    Charged(Charge),
    /// It, or the bank, said no.
    Declined {
        /// In the provider's word.
        reason: String,
    },
    /// It will never be paid.
    Canceled,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for state in State::ALL {
            assert_eq!(State::named(state.name()), Some(state));
        }
        for provider in Provider::ALL {
            assert_eq!(Provider::named(provider.name()), Some(provider));
        }
        for trouble in Trouble::ALL {
            assert_eq!(Trouble::named(trouble.name()), Some(trouble));
        }
        for closed in [Closed::Canceled, Closed::Expired] {
            assert_eq!(Closed::named(closed.name()), Some(closed));
        }
    }

    #[test]
    fn these_and_no_other_transitions() {
        use State as S;
        let table: [(S, &[S]); 9] = [
            (
                S::Created,
                &[
                    S::ActionRequired,
                    S::Authorized,
                    S::Captured,
                    S::Declined,
                    S::Canceled,
                    S::Expired,
                ],
            ),
            (
                S::ActionRequired,
                &[
                    S::Authorized,
                    S::Captured,
                    S::Declined,
                    S::Canceled,
                    S::Expired,
                ],
            ),
            (
                S::Authorized,
                &[S::Captured, S::Declined, S::Canceled, S::Expired],
            ),
            (S::Captured, &[S::PartiallyRefunded, S::Refunded]),
            (S::PartiallyRefunded, &[S::Captured, S::Refunded]),
            (S::Refunded, &[S::Captured, S::PartiallyRefunded]),
            (
                S::Declined,
                &[S::Authorized, S::Captured, S::Canceled, S::Expired],
            ),
            (S::Canceled, &[S::Captured]),
            (S::Expired, &[S::Captured]),
        ];
        for (from, reachable) in table {
            for to in S::ALL {
                assert_eq!(
                    from.may_become(to),
                    reachable.contains(&to),
                    "{from:?} → {to:?}"
                );
            }
        }
    }

    #[test]
    fn french_for_the_french_english_for_all_others() {
        for (code, locale) in [
            ("fr", Locale::Fr),
            ("fr-CA", Locale::Fr),
            ("FR", Locale::Fr),
            ("en", Locale::En),
            ("de", Locale::En),
            ("", Locale::En),
            ("é", Locale::En),
        ] {
            assert_eq!(Locale::like(code), locale, "{code}");
        }
    }
}
