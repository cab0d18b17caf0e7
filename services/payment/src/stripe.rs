//! Stripe's words and ours: amounts, `PaymentIntent`s, refunds, events. No card number is in any of them.

use std::collections::HashMap;

use kit::money::{Currency, Money};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    notice::{News, Notice, RefundNews},
    payment::{Charge, Fact},
    refund::RefundFact,
};

/// The keys under which we tell Stripe what is ours.
pub const PAYMENT_ID: &str = "payment_id";
/// The order.
pub const ORDER_ID: &str = "order_id";
/// The refund.
pub const REFUND_ID: &str = "refund_id";

/// How many digits Stripe keeps after the point, which is not always what ISO 4217 says
/// (<https://docs.stripe.com/currencies#zero-decimal>).
fn digits(currency: Currency) -> u32 {
    match currency.code() {
        // No decimals in Stripe's eyes, two in ISO's.
        "MGA" => 0,
        // Written with two decimals for the sake of old programs, though they have none.
        "ISK" | "UGX" => 2,
        _ => currency.minor_unit_digits(),
    }
}

/// An amount as Stripe writes it; none when Stripe can't take it.
pub fn amount_of(money: Money) -> Option<i64> {
    let (ours, theirs) = (money.currency.minor_unit_digits(), digits(money.currency));
    let amount = if theirs >= ours {
        money
            .amount
            .checked_mul(10_i64.checked_pow(theirs - ours)?)?
    } else {
        let unit = 10_i64.checked_pow(ours - theirs)?;
        (money.amount % unit == 0).then_some(money.amount / unit)?
    };
    // Three decimals are written, but the last must be zero.
    let fits = theirs < 3 || amount % 10 == 0;
    (amount > 0 && fits).then_some(amount)
}

/// What an amount of Stripe's is worth; none when it is no whole number of our units.
pub fn money_of(amount: i64, currency: &str) -> Option<Money> {
    let currency: Currency = currency.to_ascii_uppercase().parse().ok()?;
    let (ours, theirs) = (currency.minor_unit_digits(), digits(currency));
    let amount = if ours >= theirs {
        amount.checked_mul(10_i64.checked_pow(ours - theirs)?)?
    } else {
        let unit = 10_i64.checked_pow(theirs - ours)?;
        (amount % unit == 0).then_some(amount / unit)?
    };
    Some(Money::new(amount, currency))
}

/// A `PaymentIntent`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Intent {
    /// Its id, `pi_…`.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// What was taken.
    #[serde(default)]
    pub amount_received: i64,
    /// In lower case.
    pub currency: String,
    /// For the shopper's browser. Absent in events.
    #[serde(default)]
    pub client_secret: Option<String>,
    /// What we told.
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    /// Why the last try came to nothing.
    #[serde(default)]
    pub last_payment_error: Option<Reason>,
}

/// Why something came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Reason {
    /// Such as `card_declined`.
    #[serde(default)]
    pub code: Option<String>,
    /// Such as `insufficient_funds`.
    #[serde(default)]
    pub decline_code: Option<String>,
}

impl Reason {
    /// The most exact word there is.
    pub fn word(&self) -> String {
        self.decline_code
            .clone()
            .or_else(|| self.code.clone())
            .unwrap_or_else(|| "declined".to_owned())
    }
}

fn id_in(metadata: &HashMap<String, String>, key: &str) -> Option<Uuid> {
    metadata.get(key)?.parse().ok()
}

impl Intent {
    /// Which of our payments it says it is.
    pub fn payment_id(&self) -> Option<Uuid> {
        id_in(&self.metadata, PAYMENT_ID)
    }

    /// What it says.
    pub fn fact(&self) -> Fact {
        match self.status.as_str() {
            "requires_payment_method" => match &self.last_payment_error {
                Some(reason) => Fact::Declined {
                    reason: reason.word(),
                },
                None => Fact::Waiting,
            },
            "requires_confirmation" | "requires_action" => Fact::Waiting,
            "requires_capture" => Fact::Authorized,
            "canceled" => Fact::Canceled,
            "succeeded" => match money_of(self.amount_received, &self.currency) {
                Some(amount) => Fact::Charged(Charge {
                    reference: self.id.clone(),
                    amount,
                    order_id: id_in(&self.metadata, ORDER_ID),
                }),
                None => Fact::Processing,
            },
            // `processing`, and whatever Stripe may add.
            _ => Fact::Processing,
        }
    }
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct StripeRefund {
    /// Its id, `re_…`.
    pub id: String,
    /// Where it stands.
    #[serde(default)]
    pub status: Option<String>,
    /// In Stripe's units.
    pub amount: i64,
    /// In lower case.
    pub currency: String,
    /// The payment that it gives back.
    #[serde(default)]
    pub payment_intent: Option<String>,
    /// What we told.
    #[serde(default)]
    pub metadata: HashMap<String, String>,
    /// Why it failed.
    #[serde(default)]
    pub failure_reason: Option<String>,
}

impl StripeRefund {
    /// What it says.
    pub fn fact(&self) -> RefundFact {
        match self.status.as_deref() {
            Some("succeeded") => RefundFact::Succeeded,
            Some(status @ ("failed" | "canceled")) => RefundFact::Failed {
                reason: self
                    .failure_reason
                    .clone()
                    .unwrap_or_else(|| status.to_owned()),
            },
            _ => RefundFact::Pending,
        }
    }

    fn news(self) -> Option<RefundNews> {
        Some(RefundNews {
            amount: money_of(self.amount, &self.currency)?,
            fact: self.fact(),
            refund_id: id_in(&self.metadata, REFUND_ID),
            charge: self.payment_intent,
            reference: self.id,
        })
    }
}

/// A page of Stripe's where a payment is made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CheckoutSession {
    /// Its id, `cs_…`.
    pub id: String,
    /// Where it is.
    #[serde(default)]
    pub url: Option<String>,
    /// `open`, `complete` or `expired`.
    #[serde(default)]
    pub status: Option<String>,
    /// The payment that was made there.
    #[serde(default)]
    pub payment_intent: Option<Expandable>,
}

/// What Stripe writes out when asked with `expand`, and else only names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Expandable {
    /// Written out.
    Intent(Box<Intent>),
    /// Its id.
    Id(String),
}

#[derive(Deserialize)]
struct Event {
    id: String,
    r#type: String,
    data: EventData,
}

#[derive(Deserialize)]
struct EventData {
    object: serde_json::Value,
}

#[derive(Deserialize)]
struct Dispute {
    #[serde(default)]
    payment_intent: Option<String>,
}

/// Reads an event. Only called once its signature is verified.
pub fn notice(body: &[u8]) -> Result<Notice, serde_json::Error> {
    let event: Event = serde_json::from_slice(body)?;
    let object = event.data.object;
    let news = match event.r#type.as_str() {
        kind if kind.starts_with("payment_intent.") => {
            let intent: Intent = serde_json::from_value(object)?;
            News::Payment {
                fact: intent.fact(),
                payment_id: intent.payment_id(),
                reference: intent.id,
            }
        }
        "refund.created" | "refund.updated" | "refund.failed" | "charge.refund.updated" => {
            let refund: StripeRefund = serde_json::from_value(object)?;
            refund.news().map_or(News::Nothing, News::Refund)
        }
        "charge.dispute.created" => {
            let dispute: Dispute = serde_json::from_value(object)?;
            dispute
                .payment_intent
                .map_or(News::Nothing, |charge| News::Dispute { charge })
        }
        _ => News::Nothing,
    };
    Ok(Notice {
        event: event.id,
        news,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn currency(code: &str) -> Currency {
        code.parse().expect("a currency")
    }

    #[test]
    fn amounts_are_in_stripes_units() {
        for (ours, code, theirs) in [
            (1099, "EUR", Some(1099)),
            (500, "JPY", Some(500)),
            (5, "ISK", Some(500)),
            (5, "UGX", Some(500)),
            (500, "MGA", Some(5)),
            (501, "MGA", None),
            (5120, "KWD", Some(5120)),
            (5124, "KWD", None),
            (0, "EUR", None),
            (-1, "EUR", None),
            (i64::MAX, "ISK", None),
        ] {
            assert_eq!(
                amount_of(Money::new(ours, currency(code))),
                theirs,
                "{ours} {code}"
            );
        }
        assert_eq!(money_of(501, "isk"), None);
        assert_eq!(money_of(1, "€"), None);
    }

    proptest! {
        #[test]
        fn an_amount_that_stripe_takes_comes_back(amount in 1_i64..1_000_000_000, code in prop::sample::select(vec!["EUR", "JPY", "ISK", "UGX", "MGA", "KWD", "CLP", "TND"])) {
            let money = Money::new(amount, currency(code));
            if let Some(theirs) = amount_of(money) {
                prop_assert_eq!(money_of(theirs, &code.to_ascii_lowercase()), Some(money));
            }
        }
    }

    #[test]
    fn each_status_is_a_fact() {
        let order = Uuid::from_u128(2);
        let charged = Fact::Charged(Charge {
            reference: "pi_1".to_owned(),
            amount: Money::new(1099, Currency::EUR),
            order_id: Some(order),
        });
        let declined = |reason: &str| Fact::Declined {
            reason: reason.to_owned(),
        };
        for (status, error, fact) in [
            ("requires_payment_method", json!(null), Fact::Waiting),
            (
                "requires_payment_method",
                json!({"code": "card_declined", "decline_code": "insufficient_funds"}),
                declined("insufficient_funds"),
            ),
            (
                "requires_payment_method",
                json!({"code": "payment_intent_authentication_failure"}),
                declined("payment_intent_authentication_failure"),
            ),
            ("requires_payment_method", json!({}), declined("declined")),
            ("requires_confirmation", json!(null), Fact::Waiting),
            ("requires_action", json!(null), Fact::Waiting),
            // An earlier try failed, the present one goes on.
            (
                "requires_action",
                json!({"code": "card_declined"}),
                Fact::Waiting,
            ),
            ("processing", json!(null), Fact::Processing),
            ("requires_capture", json!(null), Fact::Authorized),
            ("canceled", json!(null), Fact::Canceled),
            ("succeeded", json!(null), charged),
            ("something_new", json!(null), Fact::Processing),
        ] {
            let intent: Intent = serde_json::from_value(json!({
                "id": "pi_1", "status": status, "amount_received": 1099, "currency": "eur", "last_payment_error": error,
                "metadata": {"order_id": order, "payment_id": Uuid::from_u128(1)},
            }))
            .expect("an intent");
            assert_eq!(intent.fact(), fact, "{status}");
            assert_eq!(intent.payment_id(), Some(Uuid::from_u128(1)));
        }
    }

    fn event(kind: &str, object: &serde_json::Value) -> News {
        let body = json!({"id": "evt_1", "type": kind, "data": {"object": object}}).to_string();
        let notice = notice(body.as_bytes()).expect("an event");
        assert_eq!(notice.event, "evt_1");
        notice.news
    }

    #[test]
    fn events_are_news() {
        let refund_id = Uuid::from_u128(3);
        let news = event(
            "charge.refund.updated",
            &json!({"id": "re_1", "status": "succeeded", "amount": 500, "currency": "eur", "payment_intent": "pi_1", "metadata": {"refund_id": refund_id}}),
        );
        assert_eq!(
            news,
            News::Refund(RefundNews {
                reference: "re_1".to_owned(),
                charge: Some("pi_1".to_owned()),
                refund_id: Some(refund_id),
                amount: Money::new(500, Currency::EUR),
                fact: RefundFact::Succeeded,
            })
        );
        assert_eq!(
            event("charge.dispute.created", &json!({"payment_intent": "pi_1"})),
            News::Dispute {
                charge: "pi_1".to_owned()
            }
        );
        assert_eq!(event("customer.created", &json!({})), News::Nothing);
        let news = event(
            "payment_intent.canceled",
            &json!({"id": "pi_1", "status": "canceled", "currency": "eur"}),
        );
        assert_eq!(
            news,
            News::Payment {
                reference: "pi_1".to_owned(),
                payment_id: None,
                fact: Fact::Canceled
            }
        );
        assert!(notice(b"{}").is_err());
    }

    #[test]
    fn a_page_names_its_payment_or_writes_it_out() {
        let page = |payment: serde_json::Value| {
            let page = json!({"id": "cs_1", "payment_intent": payment});
            let page: CheckoutSession = serde_json::from_value(page).expect("a page");
            page.payment_intent
        };
        assert_eq!(page(json!(null)), None);
        assert_eq!(page(json!("pi_1")), Some(Expandable::Id("pi_1".to_owned())));
        let intent = json!({"id": "pi_1", "status": "succeeded", "currency": "eur"});
        assert!(matches!(page(intent), Some(Expandable::Intent(_))));
    }

    #[test]
    fn each_status_of_a_refund_is_a_fact() {
        for (status, fact) in [
            ("pending", RefundFact::Pending),
            ("requires_action", RefundFact::Pending),
            ("succeeded", RefundFact::Succeeded),
            (
                "failed",
                RefundFact::Failed {
                    reason: "lost_or_stolen_card".to_owned(),
                },
            ),
            (
                "canceled",
                RefundFact::Failed {
                    reason: "lost_or_stolen_card".to_owned(),
                },
            ),
        ] {
            let refund: StripeRefund = serde_json::from_value(json!({
                "id": "re_1", "status": status, "amount": 1, "currency": "eur", "failure_reason": "lost_or_stolen_card",
            }))
            .expect("a refund");
            assert_eq!(refund.fact(), fact);
        }
    }
}
