//! The four state machines of an order, and the one word that people read.
//!
//! Each transition is a total function: it says for every state and event what follows, or that nothing does. What happens twice
//! because an event came twice is refused here, and the caller, who knows that it is a repetition, leaves things as they are.

mod status;

use serde::{Deserialize, Serialize};

pub use status::Status;

/// What an order can't do in its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {state} can't {event}")]
pub struct Refused {
    /// The state.
    pub state: &'static str,
    /// What was tried.
    pub event: &'static str,
}

fn refuse<S>(state: &'static str, event: &'static str) -> Result<S, Refused> {
    Err(Refused { state, event })
}

/// Whether an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Stock is held, money is awaited.
    Placed,
    /// Paid; stock is taken.
    Confirmed,
    /// Everything was delivered.
    Completed,
    /// Called off by the shopper or by staff.
    Canceled,
    /// Not paid in time; stock was released.
    Expired,
}

/// What happens to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderEvent {
    /// It was paid in time.
    Confirm,
    /// The last parcel arrived.
    Complete,
    /// It is called off.
    Cancel,
    /// Time is up.
    Expire,
    /// It was paid late, and stock could be taken again.
    Revive,
}

impl OrderState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Placed,
        Self::Confirmed,
        Self::Completed,
        Self::Canceled,
        Self::Expired,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Confirmed => "confirmed",
            Self::Completed => "completed",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// What follows.
    pub fn after(self, event: OrderEvent) -> Result<Self, Refused> {
        use OrderEvent as E;
        match (self, event) {
            (Self::Placed, E::Confirm) | (Self::Expired, E::Revive) => Ok(Self::Confirmed),
            (Self::Confirmed, E::Complete) => Ok(Self::Completed),
            (Self::Placed | Self::Confirmed, E::Cancel) => Ok(Self::Canceled),
            (Self::Placed, E::Expire) => Ok(Self::Expired),
            (state, E::Confirm) => refuse(state.name(), "be confirmed"),
            (state, E::Complete) => refuse(state.name(), "be completed"),
            (state, E::Cancel) => refuse(state.name(), "be canceled"),
            (state, E::Expire) => refuse(state.name(), "expire"),
            (state, E::Revive) => refuse(state.name(), "be revived"),
        }
    }
}

/// Where the money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentState {
    /// Not paid.
    Awaiting,
    /// Promised by the provider, not taken.
    Authorized,
    /// The last attempt was refused; another may follow.
    Failed,
    /// Paid.
    Paid,
    /// Some of it was given back.
    PartiallyRefunded,
    /// All of it was given back.
    Refunded,
}

/// What happens to the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentEvent {
    /// The provider promises it.
    Authorize,
    /// It arrived.
    Capture,
    /// An attempt was refused.
    Fail,
    /// Some of it went back.
    RefundPart,
    /// The last of it went back.
    RefundAll,
}

impl PaymentState {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Awaiting,
        Self::Authorized,
        Self::Failed,
        Self::Paid,
        Self::PartiallyRefunded,
        Self::Refunded,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Awaiting => "awaiting",
            Self::Authorized => "authorized",
            Self::Failed => "failed",
            Self::Paid => "paid",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }

    /// What follows.
    pub fn after(self, event: PaymentEvent) -> Result<Self, Refused> {
        use PaymentEvent as E;
        match (self, event) {
            (Self::Awaiting | Self::Failed, E::Authorize) => Ok(Self::Authorized),
            (Self::Awaiting | Self::Authorized | Self::Failed, E::Capture) => Ok(Self::Paid),
            (Self::Awaiting | Self::Authorized | Self::Failed, E::Fail) => Ok(Self::Failed),
            (Self::Paid | Self::PartiallyRefunded, E::RefundPart) => Ok(Self::PartiallyRefunded),
            (Self::Paid | Self::PartiallyRefunded, E::RefundAll) => Ok(Self::Refunded),
            (state, E::Authorize) => refuse(state.name(), "be authorized"),
            (state, E::Capture) => refuse(state.name(), "be paid"),
            (state, E::Fail) => refuse(state.name(), "fail to be paid"),
            (state, E::RefundPart | E::RefundAll) => refuse(state.name(), "be refunded"),
        }
    }
}

/// Where the goods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FulfillmentState {
    /// All in the warehouse.
    Unfulfilled,
    /// Some on their way.
    PartiallyShipped,
    /// All on their way.
    Shipped,
    /// All with the shopper.
    Delivered,
}

/// What happens to the goods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FulfillmentEvent {
    /// A parcel left, and more is to follow.
    ShipPart,
    /// The last parcel left.
    ShipRest,
    /// The last parcel arrived.
    DeliverAll,
}

impl FulfillmentState {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Unfulfilled,
        Self::PartiallyShipped,
        Self::Shipped,
        Self::Delivered,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unfulfilled => "unfulfilled",
            Self::PartiallyShipped => "partially_shipped",
            Self::Shipped => "shipped",
            Self::Delivered => "delivered",
        }
    }

    /// What follows.
    pub fn after(self, event: FulfillmentEvent) -> Result<Self, Refused> {
        use FulfillmentEvent as E;
        match (self, event) {
            (Self::Unfulfilled | Self::PartiallyShipped, E::ShipPart) => Ok(Self::PartiallyShipped),
            (Self::Unfulfilled | Self::PartiallyShipped, E::ShipRest) => Ok(Self::Shipped),
            (Self::Shipped, E::DeliverAll) => Ok(Self::Delivered),
            (state, E::ShipPart | E::ShipRest) => refuse(state.name(), "be shipped"),
            (state, E::DeliverAll) => refuse(state.name(), "be delivered"),
        }
    }
}

/// How far a return is; of an order, how far its returns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReturnState {
    /// Nobody wants to return anything.
    None,
    /// Announced; the goods are awaited.
    Requested,
    /// The goods are back; the money is on its way.
    Received,
    /// The money is back.
    Refunded,
    /// The goods did not come, or not as they must.
    Refused,
}

/// What happens to a return.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReturnEvent {
    /// The shopper announces it.
    Request,
    /// The goods arrived.
    Receive,
    /// The money went back.
    Refund,
    /// It is not accepted.
    Refuse,
}

impl ReturnState {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::None,
        Self::Requested,
        Self::Received,
        Self::Refunded,
        Self::Refused,
    ];

    /// The name in the API and the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Requested => "requested",
            Self::Received => "received",
            Self::Refunded => "refunded",
            Self::Refused => "refused",
        }
    }

    /// What follows, for one return.
    pub fn after(self, event: ReturnEvent) -> Result<Self, Refused> {
        use ReturnEvent as E;
        match (self, event) {
            (Self::None, E::Request) => Ok(Self::Requested),
            (Self::Requested, E::Receive) => Ok(Self::Received),
            (Self::Requested, E::Refuse) => Ok(Self::Refused),
            (Self::Received, E::Refund) => Ok(Self::Refunded),
            (state, E::Request) => refuse(state.name(), "be returned"),
            (state, E::Receive) => refuse(state.name(), "be received back"),
            (state, E::Refund) => refuse(state.name(), "be refunded for a return"),
            (state, E::Refuse) => refuse(state.name(), "be refused back"),
        }
    }

    /// The state of an order with these returns: that of the one that needs somebody first.
    pub fn of_all(returns: impl IntoIterator<Item = Self>) -> Self {
        let urgency = |state: &Self| match state {
            Self::Requested => 4,
            Self::Received => 3,
            Self::Refunded => 2,
            Self::Refused => 1,
            Self::None => 0,
        };
        returns
            .into_iter()
            .max_by_key(urgency)
            .unwrap_or(Self::None)
    }
}

/// All four.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct States {
    /// Whether it stands.
    pub order: OrderState,
    /// Where the money is.
    pub payment: PaymentState,
    /// Where the goods are.
    pub fulfillment: FulfillmentState,
    /// What comes back.
    pub r#return: ReturnState,
}

impl States {
    /// Those of a new order.
    pub const PLACED: Self = Self {
        order: OrderState::Placed,
        payment: PaymentState::Awaiting,
        fulfillment: FulfillmentState::Unfulfilled,
        r#return: ReturnState::None,
    };

    /// The headline.
    pub fn status(self) -> Status {
        match (self.order, self.payment, self.r#return, self.fulfillment) {
            (OrderState::Canceled, ..) => Status::Canceled,
            (OrderState::Expired, ..) => Status::Expired,
            (OrderState::Placed, PaymentState::Failed, ..) => Status::PaymentFailed,
            (OrderState::Placed, ..) => Status::AwaitingPayment,
            (_, PaymentState::Refunded, ..) => Status::Refunded,
            (_, _, ReturnState::Requested, _) => Status::ReturnRequested,
            (_, _, ReturnState::Received | ReturnState::Refunded, _) => Status::Returned,
            (_, _, _, FulfillmentState::Unfulfilled) => Status::Confirmed,
            (_, _, _, FulfillmentState::PartiallyShipped) => Status::PartiallyShipped,
            (_, _, _, FulfillmentState::Shipped) => Status::Shipped,
            (_, _, _, FulfillmentState::Delivered) => Status::Delivered,
        }
    }

    /// After it is called off, which is possible until the first parcel leaves.
    pub fn canceled(self) -> Result<Self, Refused> {
        if self.fulfillment != FulfillmentState::Unfulfilled {
            return refuse(self.fulfillment.name(), "be canceled");
        }
        Ok(Self {
            order: self.order.after(OrderEvent::Cancel)?,
            ..self
        })
    }

    /// Before a parcel leaves: only what is paid and not called off is sent.
    pub fn check_shippable(self) -> Result<(), Refused> {
        if self.order == OrderState::Confirmed {
            return Ok(());
        }
        refuse(self.order.name(), "be shipped")
    }
}

#[cfg(test)]
mod tests;
