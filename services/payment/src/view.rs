//! A payment as the API shows it.

use jiff::Timestamp;
use kit::money::Money;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    payment::{Payment, Provider, State, Trouble},
    refund::{Origin, Refund, RefundState},
    signature::hex,
};

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaymentView {
    /// Its id.
    pub id: Uuid,
    /// What it pays.
    pub order_id: Uuid,
    /// Who takes the money.
    pub provider: Provider,
    /// How far it is.
    pub state: State,
    /// What must be paid.
    pub amount: Money,
    /// What was given back of it.
    pub refunded: Money,
    /// What the shopper has to do; null when there is nothing to do.
    pub action: Option<Action>,
    /// Why it was declined or called off, in the provider's word.
    pub declined_because: Option<String>,
    /// Where the shopper comes back to.
    pub return_url: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it is called off if it is not paid.
    pub expires_at: Timestamp,
}

/// What the shopper has to do to pay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// Go there, and come back.
    Redirect {
        /// Where.
        url: String,
    },
    /// Type the card's number into Stripe's own fields, which only Stripe sees; or, without JavaScript, on its page.
    StripeElements {
        /// What its script needs for this payment.
        client_secret: String,
        /// What its script needs for this shop.
        publishable_key: String,
        /// A way to its page.
        hosted_url: String,
    },
}

/// A payment as staff see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct StaffPayment {
    /// What shoppers see, without what they pay with.
    #[serde(flatten)]
    pub payment: PaymentView,
    /// The order's number.
    pub order_number: String,
    /// What to look at.
    pub problem: Option<Trouble>,
    /// The provider's name for it.
    pub reference: Option<String>,
    /// The provider's name for the money that paid.
    pub charge: Option<String>,
    /// What went back, or is on its way.
    pub refunds: Vec<RefundView>,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct RefundView {
    /// Its id.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// How far it is.
    pub state: RefundState,
    /// Who wanted it.
    pub origin: Origin,
    /// Why.
    pub reason: String,
    /// Why it failed.
    pub failed_because: Option<String>,
    /// The provider's name for the money it gives back.
    pub charge: String,
    /// The provider's name for it.
    pub reference: Option<String>,
    /// When it was asked for.
    pub created_at: Timestamp,
}

impl From<Refund> for RefundView {
    fn from(refund: Refund) -> Self {
        let Refund {
            id,
            payment_id: _,
            charge,
            amount,
            reason,
            origin,
            state,
            reference,
            failed_because,
            attempts: _,
            created_at,
        } = refund;
        Self {
            id,
            amount,
            state,
            origin,
            reason,
            failed_because,
            charge,
            reference,
            created_at,
        }
    }
}

/// What an action is made of beside the payment.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// Where shoppers reach the shop, without a slash at the end.
    pub public_url: &'a str,
    /// Stripe's key for browsers.
    pub publishable_key: Option<&'a str>,
}

/// The payment as its shopper sees it.
pub fn show(payment: &Payment, surroundings: Surroundings<'_>) -> PaymentView {
    PaymentView {
        id: payment.id,
        order_id: payment.order_id,
        provider: payment.provider,
        state: payment.state,
        amount: payment.amount,
        refunded: Money::new(payment.refunded, payment.amount.currency),
        action: action(payment, surroundings),
        declined_because: payment.declined_because.clone(),
        return_url: payment.return_path.clone(),
        created_at: payment.created_at,
        expires_at: payment.expires_at,
    }
}

/// The payment as staff see it: nothing in it lets them pay.
pub fn show_staff(payment: &Payment, refunds: Vec<Refund>) -> StaffPayment {
    let nothing = Surroundings {
        public_url: "",
        publishable_key: None,
    };
    StaffPayment {
        payment: PaymentView {
            action: None,
            ..show(payment, nothing)
        },
        order_number: payment.order_number.clone(),
        problem: payment.trouble,
        reference: payment.reference.clone(),
        charge: payment.charge.clone(),
        refunds: refunds.into_iter().map(RefundView::from).collect(),
    }
}

fn action(payment: &Payment, surroundings: Surroundings<'_>) -> Option<Action> {
    let is_waiting = payment.state == State::ActionRequired && !payment.is_superseded;
    if !is_waiting {
        return None;
    }
    let base = surroundings.public_url;
    let (id, key) = (payment.id, hex(&payment.page_key));
    match payment.provider {
        Provider::Test => Some(Action::Redirect {
            url: format!("{base}/v1/test-provider/{id}?key={key}"),
        }),
        Provider::Paypal => payment
            .approve_url
            .clone()
            .map(|url| Action::Redirect { url }),
        Provider::Stripe => Some(Action::StripeElements {
            client_secret: payment.client_secret.clone()?,
            publishable_key: surroundings.publishable_key?.to_owned(),
            hosted_url: format!("{base}/v1/payments/{id}/hosted?key={key}"),
        }),
    }
}
