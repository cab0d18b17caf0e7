//! What is asked of others: the providers, and the shop's orders.
//!
//! Three providers, one enum: what each is asked is the same, and `match` says that none was forgotten.

pub mod https;
pub mod orders;
pub mod paypal;
pub mod stripe;
pub mod test;

use std::error::Error;

use jiff::Timestamp;
use kit::money::Money;
use sqlx::MySqlPool;

use self::{paypal::Paypal, stripe::Stripe, test::TestProvider};
use crate::{
    payment::{Fact, Payment, Provider},
    paypal as paypal_words,
    refund::{Refund, RefundFact},
    stripe as stripe_words,
};

/// The providers that have their settings.
#[derive(Default)]
pub struct Providers {
    /// The test provider.
    pub test: Option<TestProvider>,
    /// Stripe.
    pub stripe: Option<Stripe>,
    /// `PayPal`.
    pub paypal: Option<Paypal>,
}

/// Why a provider's answer decides nothing.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// Whether it did what was asked is unknown: it is asked again, under the same key.
    #[error("{provider} gave no answer that decides", provider = .provider.name())]
    Unsure {
        /// Who.
        provider: Provider,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// It says no, and will say no again.
    #[error("{provider} refuses: {reason}", provider = .provider.name())]
    Refused {
        /// Who.
        provider: Provider,
        /// In its own word.
        reason: String,
    },
}

/// Its settings are gone.
#[derive(Debug, thiserror::Error)]
#[error("its settings are missing")]
struct NotOffered;

impl ProviderError {
    fn unsure(provider: Provider, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Unsure {
            provider,
            source: source.into(),
        }
    }
}

/// What a provider answers about a payment, with what the shopper needs to pay it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// Its name for the payment.
    pub reference: Option<String>,
    /// What the shopper's browser needs to pay there.
    pub client_secret: Option<String>,
    /// Where the shopper pays.
    pub approve_url: Option<String>,
    /// Its name for its hosted page.
    pub hosted_reference: Option<String>,
}

/// What a provider answers about a refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefundAnswer {
    /// Its name for it.
    pub reference: Option<String>,
    /// What is the case.
    pub fact: RefundFact,
}

impl Providers {
    /// Whether this provider takes this amount, or any amount of its currency when it is zero.
    pub fn takes(&self, provider: Provider, amount: Money) -> bool {
        match provider {
            Provider::Test => self.test.is_some(),
            Provider::Stripe => {
                let any = Money::new(amount.amount.max(1000), amount.currency);
                let amount = if amount.amount == 0 { any } else { amount };
                self.stripe.is_some() && stripe_words::amount_of(amount).is_some()
            }
            Provider::Paypal => self.paypal.is_some() && paypal_words::takes(amount.currency),
        }
    }

    fn stripe(&self) -> Result<&Stripe, ProviderError> {
        self.stripe
            .as_ref()
            .ok_or_else(|| ProviderError::unsure(Provider::Stripe, NotOffered))
    }

    fn paypal(&self) -> Result<&Paypal, ProviderError> {
        self.paypal
            .as_ref()
            .ok_or_else(|| ProviderError::unsure(Provider::Paypal, NotOffered))
    }

    /// Asks the provider to make the payment; asked again, it answers with the same one.
    pub async fn open(&self, payment: &Payment) -> Result<(Details, Fact), ProviderError> {
        match payment.provider {
            // There is nothing to make: its books begin with the shopper's choice.
            Provider::Test => Ok((test::details(payment), Fact::Waiting)),
            Provider::Stripe => self.stripe()?.open(payment).await,
            Provider::Paypal => self.paypal()?.open(payment).await,
        }
    }

    /// Asks how the payment stands.
    pub async fn ask(
        &self,
        pool: &MySqlPool,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Fact, ProviderError> {
        match payment.provider {
            Provider::Test => test::ask(pool, payment, now).await,
            Provider::Stripe => self.stripe()?.ask(payment).await,
            Provider::Paypal => self.paypal()?.ask(payment).await,
        }
    }

    /// Takes the money that the shopper agreed to.
    pub async fn take(
        &self,
        pool: &MySqlPool,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Fact, ProviderError> {
        match payment.provider {
            Provider::Test => test::ask(pool, payment, now).await,
            Provider::Stripe => self.stripe()?.take(payment).await,
            Provider::Paypal => self.paypal()?.take(payment).await,
        }
    }

    /// Calls the payment off. It may turn out to be paid.
    pub async fn call_off(
        &self,
        pool: &MySqlPool,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<Fact, ProviderError> {
        match payment.provider {
            Provider::Test => test::call_off(pool, payment, now).await,
            Provider::Stripe => self.stripe()?.call_off(payment).await,
            // Only we take its money, so it is off when we say so; the provider forgets it by itself.
            Provider::Paypal => Ok(Fact::Canceled),
        }
    }

    /// Gives money back; asked again, it answers with the same refund.
    pub async fn give_back(
        &self,
        provider: Provider,
        refund: &Refund,
    ) -> Result<RefundAnswer, ProviderError> {
        match provider {
            Provider::Test => Ok(test::give_back(refund)),
            Provider::Stripe => self.stripe()?.give_back(refund).await,
            Provider::Paypal => self.paypal()?.give_back(refund).await,
        }
    }

    /// Asks how a refund stands.
    pub async fn ask_refund(
        &self,
        provider: Provider,
        refund: &Refund,
        reference: &str,
    ) -> Result<RefundAnswer, ProviderError> {
        match provider {
            Provider::Test => Ok(test::give_back(refund)),
            Provider::Stripe => self.stripe()?.ask_refund(reference).await,
            Provider::Paypal => self.paypal()?.ask_refund(reference).await,
        }
    }
}
