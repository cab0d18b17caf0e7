//! `PayPal`'s words and ours: decimal amounts, orders, captures, refunds, events, and what a webhook's signature is of.

use kit::money::{Currency, Money};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    notice::{News, Notice, RefundNews},
    payment::{Charge, Fact},
    refund::RefundFact,
};

/// The currencies that `PayPal` takes (<https://developer.paypal.com/api/rest/reference/currency-codes/>), without HUF and TWD, whose
/// decimals it refuses.
const CURRENCIES: [&str; 22] = [
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "ILS", "JPY", "MXN",
    "MYR", "NOK", "NZD", "PHP", "PLN", "SEK", "SGD", "THB", "USD",
];

/// Whether `PayPal` takes this currency.
pub fn takes(currency: Currency) -> bool {
    CURRENCIES.contains(&currency.code())
}

/// An amount as `PayPal` writes it, such as `10.99`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Amount {
    /// ISO 4217.
    pub currency_code: String,
    /// Decimal.
    pub value: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        let digits = usize::try_from(money.currency.minor_unit_digits()).unwrap_or(2);
        let sign = if money.amount < 0 { "-" } else { "" };
        let amount = format!("{:0>1$}", money.amount.unsigned_abs(), digits + 1);
        let (whole, fraction) = amount.split_at(amount.len() - digits);
        let point = if digits == 0 { "" } else { "." };
        Self {
            currency_code: money.currency.code().to_owned(),
            value: format!("{sign}{whole}{point}{fraction}"),
        }
    }
}

impl Amount {
    /// What it is worth; none when it is no amount, or finer than our units.
    pub fn money(&self) -> Option<Money> {
        let currency: Currency = self.currency_code.parse().ok()?;
        let digits = usize::try_from(currency.minor_unit_digits()).ok()?;
        let (sign, value) = match self.value.strip_prefix('-') {
            Some(value) => (-1, value),
            None => (1, self.value.as_str()),
        };
        let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
        let is_number = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
        // Zeros behind the last digit that counts say nothing.
        let (fraction, rest) = fraction.split_at_checked(digits).unwrap_or((fraction, ""));
        let is_plain = !whole.is_empty()
            && is_number(whole)
            && is_number(fraction)
            && rest.bytes().all(|digit| digit == b'0');
        if !is_plain {
            return None;
        }
        let amount: i64 = format!("{whole}{fraction:0<digits$}").parse().ok()?;
        Some(Money::new(sign * amount, currency))
    }
}

/// What we tell `PayPal` about a payment; it comes back with everything that concerns it.
pub fn custom_id(payment_id: Uuid, order_id: Uuid) -> String {
    format!("{payment_id} {order_id}")
}

/// The payment and the order in it.
fn ours(custom_id: Option<&str>) -> (Option<Uuid>, Option<Uuid>) {
    let Some((payment, order)) = custom_id.and_then(|id| id.split_once(' ')) else {
        return (None, None);
    };
    (payment.parse().ok(), order.parse().ok())
}

/// What we tell about a refund.
pub fn refund_custom_id(refund_id: Uuid) -> String {
    format!("refund {refund_id}")
}

/// An order of `PayPal`'s: our payment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaypalOrder {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// Where to go.
    #[serde(default)]
    pub links: Vec<Link>,
    /// What is bought; one, always.
    #[serde(default)]
    pub purchase_units: Vec<Unit>,
}

/// A link.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Link {
    /// What for.
    pub rel: String,
    /// Where to.
    pub href: String,
}

/// What is bought.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Unit {
    /// What we told.
    #[serde(default)]
    pub custom_id: Option<String>,
    /// What was paid.
    #[serde(default)]
    pub payments: Option<Payments>,
}

/// What was paid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Payments {
    /// Money taken.
    #[serde(default)]
    pub captures: Vec<Capture>,
}

/// Money taken.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Capture {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// How much. Absent in short answers.
    #[serde(default)]
    pub amount: Option<Amount>,
    /// What we told.
    #[serde(default)]
    pub custom_id: Option<String>,
    /// The order it belongs to.
    #[serde(default)]
    pub supplementary_data: Option<Supplement>,
}

/// What a capture belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Supplement {
    /// Ids.
    #[serde(default)]
    pub related_ids: Option<RelatedIds>,
}

/// Ids of what a capture belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RelatedIds {
    /// `PayPal`'s order.
    #[serde(default)]
    pub order_id: Option<String>,
}

impl PaypalOrder {
    /// Where the shopper pays.
    pub fn approve_url(&self) -> Option<&str> {
        self.links
            .iter()
            .find(|link| matches!(link.rel.as_str(), "payer-action" | "approve"))
            .map(|link| link.href.as_str())
    }

    /// What it says.
    pub fn fact(&self) -> Fact {
        let captures = self.purchase_units.iter().flat_map(|unit| {
            let captures = unit.payments.iter().flat_map(|payments| &payments.captures);
            captures.map(move |capture| capture.fact_of(unit.custom_id.as_deref()))
        });
        // Money that was taken says more than one that was refused before.
        let mut facts: Vec<Fact> = captures.collect();
        facts.sort_by_key(|fact| match fact {
            Fact::Charged(_) => 0,
            Fact::Processing => 1,
            _ => 2,
        });
        if let Some(fact) = facts.into_iter().next() {
            return fact;
        }
        match self.status.as_str() {
            "APPROVED" => Fact::Authorized,
            "VOIDED" => Fact::Canceled,
            "COMPLETED" => Fact::Processing,
            // CREATED, SAVED, PAYER_ACTION_REQUIRED.
            _ => Fact::Waiting,
        }
    }
}

impl Capture {
    /// What it says, of an order that we told this about.
    fn fact_of(&self, custom_id: Option<&str>) -> Fact {
        let (_, order_id) = ours(self.custom_id.as_deref().or(custom_id));
        match self.status.as_str() {
            // Money that went back since has come first.
            "COMPLETED" | "PARTIALLY_REFUNDED" | "REFUNDED" => {
                match self.amount.as_ref().and_then(Amount::money) {
                    Some(amount) => Fact::Charged(Charge {
                        reference: self.id.clone(),
                        amount,
                        order_id,
                    }),
                    None => Fact::Processing,
                }
            }
            "DECLINED" | "FAILED" => Fact::Declined {
                reason: self.status.to_ascii_lowercase(),
            },
            _ => Fact::Processing,
        }
    }
}

/// A refund of `PayPal`'s.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaypalRefund {
    /// Its id.
    pub id: String,
    /// Where it stands.
    pub status: String,
    /// How much. Absent in short answers.
    #[serde(default)]
    pub amount: Option<Amount>,
    /// What we told.
    #[serde(default)]
    pub custom_id: Option<String>,
    /// Where its capture is.
    #[serde(default)]
    pub links: Vec<Link>,
}

impl PaypalRefund {
    /// What it says.
    pub fn fact(&self) -> RefundFact {
        match self.status.as_str() {
            "COMPLETED" => RefundFact::Succeeded,
            "FAILED" | "CANCELLED" => RefundFact::Failed {
                reason: self.status.to_ascii_lowercase(),
            },
            _ => RefundFact::Pending,
        }
    }

    fn news(self) -> Option<RefundNews> {
        let refund_id = self
            .custom_id
            .as_deref()
            .and_then(|id| id.strip_prefix("refund "))
            .and_then(|id| id.parse().ok());
        let charge = self
            .links
            .iter()
            .find(|link| link.rel == "up")
            .and_then(|link| link.href.rsplit_once("/captures/"))
            .map(|(_, capture)| capture.to_owned());
        Some(RefundNews {
            amount: self.amount.as_ref()?.money()?,
            fact: self.fact(),
            refund_id,
            charge,
            reference: self.id,
        })
    }
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "event_type")]
    kind: String,
    resource: serde_json::Value,
}

#[derive(Deserialize)]
struct Dispute {
    #[serde(default)]
    disputed_transactions: Vec<DisputedTransaction>,
}

#[derive(Deserialize)]
struct DisputedTransaction {
    #[serde(default)]
    seller_transaction_id: Option<String>,
}

/// Reads an event. Only called once its signature is verified.
pub fn notice(body: &[u8]) -> Result<Notice, serde_json::Error> {
    let event: Event = serde_json::from_slice(body)?;
    let resource = event.resource;
    let news = match event.kind.as_str() {
        kind if kind.starts_with("CHECKOUT.ORDER.") => {
            let order: PaypalOrder = serde_json::from_value(resource)?;
            let custom_id = order
                .purchase_units
                .first()
                .and_then(|unit| unit.custom_id.as_deref());
            News::Payment {
                payment_id: ours(custom_id).0,
                fact: order.fact(),
                reference: order.id,
            }
        }
        "PAYMENT.CAPTURE.REFUNDED" => {
            let refund: PaypalRefund = serde_json::from_value(resource)?;
            refund.news().map_or(News::Nothing, News::Refund)
        }
        // Taken back by PayPal: the resource is the capture; what was given back, nobody says. Staff must look.
        "PAYMENT.CAPTURE.REVERSED" => {
            let capture: Capture = serde_json::from_value(resource)?;
            News::Dispute { charge: capture.id }
        }
        kind if kind.starts_with("PAYMENT.CAPTURE.") => {
            let capture: Capture = serde_json::from_value(resource)?;
            let related = capture
                .supplementary_data
                .as_ref()
                .and_then(|data| data.related_ids.as_ref())
                .and_then(|ids| ids.order_id.clone());
            News::Payment {
                payment_id: ours(capture.custom_id.as_deref()).0,
                fact: capture.fact_of(None),
                reference: related.unwrap_or_default(),
            }
        }
        "CUSTOMER.DISPUTE.CREATED" => {
            let dispute: Dispute = serde_json::from_value(resource)?;
            let charge = dispute
                .disputed_transactions
                .into_iter()
                .find_map(|transaction| transaction.seller_transaction_id);
            charge.map_or(News::Nothing, |charge| News::Dispute { charge })
        }
        _ => News::Nothing,
    };
    Ok(Notice {
        event: event.id,
        news,
    })
}

/// What the signature of a webhook is of. `webhook_id` is that of our webhook at `PayPal`, not the event's.
pub fn signed_text(
    transmission_id: &str,
    transmission_time: &str,
    webhook_id: &str,
    body: &[u8],
) -> String {
    let checksum = crc32fast::hash(body);
    format!("{transmission_id}|{transmission_time}|{webhook_id}|{checksum}")
}

/// Whether a certificate may be fetched from `url`: only from below `from`, so that no sender chooses whom we ask, or believe.
pub fn is_certificate_url(url: &str, from: &url::Url) -> bool {
    let Ok(url) = url::Url::parse(url) else {
        return false;
    };
    url.origin() == from.origin()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.path().starts_with("/v1/notifications/certs/")
}

#[cfg(test)]
mod tests;
