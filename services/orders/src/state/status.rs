use serde::{Deserialize, Serialize};

/// The one word for all four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Placed, not paid.
    AwaitingPayment,
    /// Placed; the last attempt to pay was refused.
    PaymentFailed,
    /// Paid, in the warehouse.
    Confirmed,
    /// Some on the way.
    PartiallyShipped,
    /// All on the way.
    Shipped,
    /// All arrived.
    Delivered,
    /// Something is to come back.
    ReturnRequested,
    /// Something came back.
    Returned,
    /// Paid back in full.
    Refunded,
    /// Called off.
    Canceled,
    /// Not paid in time.
    Expired,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::AwaitingPayment,
        Self::PaymentFailed,
        Self::Confirmed,
        Self::PartiallyShipped,
        Self::Shipped,
        Self::Delivered,
        Self::ReturnRequested,
        Self::Returned,
        Self::Refunded,
        Self::Canceled,
        Self::Expired,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AwaitingPayment => "awaiting_payment",
            Self::PaymentFailed => "payment_failed",
            Self::Confirmed => "confirmed",
            Self::PartiallyShipped => "partially_shipped",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
            Self::ReturnRequested => "return_requested",
            Self::Returned => "returned",
            Self::Refunded => "refunded",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }
}
