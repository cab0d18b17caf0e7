//! An order as shoppers, staff, mails and other services see it.

mod line;

use jiff::Timestamp;
use kit::money::{Currency, Money};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use line::LineView;
use line::show_line;

use crate::{
    address::Address,
    order::{
        HistoryEntry, Order, OrderLine, Personal, Refund, RefundState, Return, ReturnKind,
        Shipment, Sums,
    },
    parcel::LineUnits,
    state::{FulfillmentState, ReturnState, States, Status},
    text::{Locale, LocalizedText},
    withdrawal,
};

/// An order.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Order)]
pub struct OrderView {
    /// Its id.
    pub id: Uuid,
    /// Its number for people.
    #[schema(example = "06ADZ-89NPD")]
    pub number: String,
    /// The headline.
    pub status: Status,
    /// What the headline is derived from.
    pub states: States,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Until when it must be paid; only while it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When the last parcel arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// Who is written to; absent once the person was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The language of its mails.
    pub locale: Locale,
    /// Whether it belongs to no account; told to nobody.
    #[serde(skip)]
    pub is_guests: bool,
    /// What was ordered.
    pub lines: Vec<LineView>,
    /// What it costs.
    pub totals: TotalsView,
    /// Which coupon was used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coupon: Option<String>,
    /// Where it goes; absent once the person was forgotten.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub addresses: Option<Addresses>,
    /// How it is sent.
    pub shipping_method: MethodName,
    /// What was paid and what went back.
    pub payment: PaymentView,
    /// Parcels.
    pub shipments: Vec<Shipment>,
    /// What comes back.
    pub returns: Vec<ReturnView>,
    /// What goes back.
    pub refunds: Vec<RefundView>,
    /// What happened.
    pub history: Vec<HistoryEntry>,
    /// The right to withdraw.
    pub withdrawal: WithdrawalView,
    /// Whether it can be called off now.
    pub cancelable: bool,
}

/// Where an order goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Addresses {
    /// Where it is sent.
    pub shipping: Address,
    /// Who is billed.
    pub billing: Address,
}

/// A way to send things, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MethodName {
    /// Its name in the API.
    pub id: String,
    /// Its name for people.
    pub name: LocalizedText,
}

/// What an order costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Totals)]
pub struct TotalsView {
    /// Prices times quantities.
    pub subtotal: Money,
    /// What the coupon takes off goods.
    pub discount_total: Money,
    /// Shipping.
    pub shipping_total: Money,
    /// All tax.
    pub tax_total: Money,
    /// What is charged.
    pub total: Money,
    /// Whether prices and shipping hold the tax already.
    pub tax_included: bool,
}

impl TotalsView {
    /// The sums in their currency.
    pub fn new(sums: &Sums, currency: Currency) -> Self {
        let money = |amount| Money::new(amount, currency);
        Self {
            subtotal: money(sums.subtotal),
            discount_total: money(sums.discount_total),
            shipping_total: money(sums.shipping_total),
            tax_total: money(sums.tax_total),
            total: money(sums.total),
            tax_included: sums.tax_included,
        }
    }
}

/// What was paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PaymentView {
    /// The payment that paid it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    /// What was paid.
    pub paid: Money,
    /// What of it went back.
    pub refunded: Money,
}

/// What comes back.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Return)]
pub struct ReturnView {
    /// Its id.
    pub id: Uuid,
    /// Why.
    pub kind: ReturnKind,
    /// How far it is.
    pub state: ReturnState,
    /// What.
    pub lines: Vec<LineUnits>,
    /// What the shopper wrote.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub reasons: Vec<Reason>,
    /// When it was announced.
    pub requested_at: Timestamp,
    /// When it arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub received_at: Option<Timestamp>,
}

/// What the shopper wrote about a variant that comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reason {
    /// The variant.
    pub sku: String,
    /// In the shopper's words.
    pub reason: String,
}

/// What goes back.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = Refund)]
pub struct RefundView {
    /// Its id.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// How far it is.
    pub state: RefundState,
    /// For which return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub return_id: Option<Uuid>,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When the provider said how it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}

impl From<Refund> for RefundView {
    fn from(refund: Refund) -> Self {
        Self {
            id: refund.id,
            amount: refund.amount,
            reason: refund.reason,
            state: refund.state,
            return_id: refund.return_id,
            created_at: refund.created_at,
            settled_at: refund.settled_at,
        }
    }
}

/// The right to withdraw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WithdrawalView {
    /// Whether it is there now.
    pub possible: bool,
    /// Until when; absent as long as not everything arrived.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub possible_until: Option<Timestamp>,
}

/// Whether a shopper can withdraw from this order now.
pub fn withdrawal(order: &Order, now: Timestamp) -> WithdrawalView {
    use crate::state::OrderState as O;
    let possible_until = order.delivered_at.and_then(withdrawal::possible_until);
    let stands = matches!(order.states.order, O::Confirmed | O::Completed);
    WithdrawalView {
        possible: stands && possible_until.is_none_or(|until| now < until),
        possible_until,
    }
}

/// Everything that belongs to an order.
#[derive(Debug)]
pub struct Parts {
    /// The order itself.
    pub order: Order,
    /// Its lines.
    pub lines: Vec<OrderLine>,
    /// What is personal, if that is still known.
    pub personal: Option<Personal>,
    /// Parcels.
    pub shipments: Vec<Shipment>,
    /// What comes back, with what the shopper wrote.
    pub returns: Vec<(Return, Vec<Reason>)>,
    /// What goes back.
    pub refunds: Vec<Refund>,
    /// What happened after it was placed.
    pub history: Vec<HistoryEntry>,
}

/// Shows an order. `method` is the name of the way it is sent, if the shop still has it.
pub fn show(parts: Parts, method: Option<&LocalizedText>, now: Timestamp) -> OrderView {
    let Parts {
        order,
        lines,
        personal,
        shipments,
        returns,
        refunds,
        history,
    } = parts;
    let money = |amount| Money::new(amount, order.currency);
    let fallback = LocalizedText {
        en: order.shipping_method.clone(),
        fr: order.shipping_method.clone(),
    };
    let placed = HistoryEntry {
        at: order.placed_at,
        what: "placed".to_owned(),
        actor: order
            .person_id
            .map_or_else(|| "guest".to_owned(), |id| id.to_string()),
        details: None,
    };
    let withdrawal = withdrawal(&order, now);
    let (email, addresses) = match personal {
        Some(personal) => {
            let billing = personal
                .billing
                .unwrap_or_else(|| personal.shipping.clone());
            let addresses = Addresses {
                shipping: personal.shipping,
                billing,
            };
            (Some(personal.email), Some(addresses))
        }
        None => (None, None),
    };
    OrderView {
        id: order.id,
        is_guests: order.person_id.is_none(),
        number: dashed(&order.number),
        status: order.states.status(),
        states: order.states,
        placed_at: order.placed_at,
        expires_at: order.expires_at,
        delivered_at: order.delivered_at,
        email,
        locale: order.locale,
        lines: lines
            .into_iter()
            .map(|line| show_line(line, order.currency))
            .collect(),
        totals: TotalsView::new(&order.sums, order.currency),
        coupon: order.coupon,
        addresses,
        shipping_method: MethodName {
            id: order.shipping_method,
            name: method.cloned().unwrap_or(fallback),
        },
        payment: PaymentView {
            id: order.payment_id,
            paid: money(order.paid),
            refunded: money(order.refunded),
        },
        shipments,
        returns: returns.into_iter().map(show_return).collect(),
        refunds: refunds.into_iter().map(RefundView::from).collect(),
        history: [placed].into_iter().chain(history).collect(),
        withdrawal,
        cancelable: order.states.canceled().is_ok(),
    }
}

fn show_return((back, reasons): (Return, Vec<Reason>)) -> ReturnView {
    ReturnView {
        id: back.id,
        kind: back.kind,
        state: back.state,
        lines: back.lines,
        reasons,
        requested_at: back.requested_at,
        received_at: back.received_at,
    }
}

/// `06ADZ-89NPD` of what the database holds.
pub fn dashed(number: &str) -> String {
    match number.split_at_checked(5) {
        Some((first, second)) => format!("{first}-{second}"),
        None => number.to_owned(),
    }
}

/// Which further tables an order in these states may have rows in.
pub fn has_parcels(states: States) -> bool {
    states.fulfillment != FulfillmentState::Unfulfilled
}

/// An order as lists show it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct OrderSummary {
    /// Its id.
    pub id: Uuid,
    /// Its number for people.
    pub number: String,
    /// The headline.
    pub status: Status,
    /// What the headline is derived from.
    pub states: States,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// What was charged.
    pub total: Money,
    /// How many units it has.
    pub units: i64,
}
