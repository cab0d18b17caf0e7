//! What payment tells orders, and what it hears from there.

use kit::{
    money::Money,
    outbox::{self, Event},
};
use serde::{Deserialize, Serialize};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::App;

/// An order is paid.
pub const CAPTURED: &str = "amazoff.payment.captured";
/// An attempt came to nothing.
pub const FAILED: &str = "amazoff.payment.failed";
/// Money went back.
pub const REFUNDED: &str = "amazoff.payment.refunded";
/// Money did not go back.
pub const REFUND_FAILED: &str = "amazoff.payment.refund_failed";
/// Heard: money is to go back.
pub const REFUND_REQUESTED: &str = "amazoff.order.refund_requested";
/// Heard: an order takes no more money.
pub const CLOSED: &str = "amazoff.order.closed";

/// The one who hears all of it.
pub const SINKS: &[&str] = &["orders"];

/// The data of [`CAPTURED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The payment.
    pub payment_id: Uuid,
    /// What it paid.
    pub order_id: Uuid,
    /// With how much.
    pub amount: Money,
}

/// The data of [`FAILED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failed {
    /// The payment.
    pub payment_id: Uuid,
    /// What it was to pay.
    pub order_id: Uuid,
    /// Why, in the provider's word.
    pub reason: String,
}

/// The data of [`REFUNDED`] and [`REFUND_FAILED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundEnded {
    /// The refund.
    pub refund_id: Uuid,
    /// The payment whose money it is.
    pub payment_id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// How much.
    pub amount: Money,
    /// Why not, when it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// The data of [`REFUND_REQUESTED`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundRequested {
    /// What the refund is called, here too.
    pub refund_id: Uuid,
    /// The order.
    pub order_id: Uuid,
    /// The payment; the one that paid the order when absent.
    #[serde(default)]
    pub payment_id: Option<Uuid>,
    /// How much.
    pub amount: Money,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
}

/// The data of [`CLOSED`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderClosed {
    /// The order.
    pub order_id: Uuid,
    /// Why.
    pub reason: crate::payment::Closed,
}

/// Tells, in the transaction of what is told. Its subject is the order, so that all that is told of one arrives in order.
pub async fn tell(
    app: &App,
    connection: &mut MySqlConnection,
    kind: &'static str,
    order_id: Uuid,
    data: &(impl Serialize + Sync),
) -> sqlx::Result<()> {
    let event = Event::new(&app.clock, kind, order_id, data);
    outbox::emit(connection, SINKS, &event).await
}
