//! What all changes of an order have in common: why they fail, and what follows from the order coming to nothing.

use http::StatusCode;
use kit::{Problem, mariadb, money::Money, seal::SealError};
use serde_json::{Value, json};
use sqlx::MySqlConnection;
use uuid::Uuid;

use crate::{
    App,
    db::{coupons, history, money, movements, orders, stock},
    events::{self, Closed, RefundRequested},
    invalid::Mistakes,
    load_order::emit,
    order::{Order, Refund, RefundState},
    state::Refused,
    stock::{MovementKind, Units},
};

/// How often a transaction that met a rival is run.
pub const ATTEMPTS: u32 = 4;

/// Why an order was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// There is none, or not for this caller.
    #[error("no such order")]
    NotFound,
    /// Its state forbids it.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The request is wrong.
    #[error("the request is not valid")]
    Mistakes(Mistakes),
    /// More money would go back than came in.
    #[error("only {0:?} can be refunded")]
    TooMuch(Money),
    /// The time for it is over.
    #[error("the time to withdraw is over")]
    TooLate,
    /// There is no such part of it.
    #[error("no such {0}")]
    NoSuchPart(&'static str),
    /// What is sealed can't be opened.
    #[error("what is sealed can't be opened")]
    Seal(#[from] SealError),
    /// It can't be written as JSON.
    #[error("it can't be written")]
    Json(#[from] serde_json::Error),
    /// Another attempt at the same request has the effect instead.
    #[error("the answer can't be kept")]
    Answer(Problem),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] sqlx::Error),
}

impl From<Mistakes> for ChangeError {
    fn from(mistakes: Mistakes) -> Self {
        Self::Mistakes(mistakes)
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let conflict = |kind, title| Self::new(StatusCode::CONFLICT, kind, title);
        match error {
            ChangeError::NotFound => Self::not_found("order-not-found", "There is no such order."),
            ChangeError::NoSuchPart(what) => {
                Self::not_found("part-not-found", "The order has no such part.")
                    .detail(format!("It has no such {what}."))
            }
            ChangeError::Refused(refused) => {
                conflict("not-possible-now", "The order does not allow this now.").detail(format!(
                    "An order that is {} can't {}.",
                    refused.state, refused.event
                ))
            }
            ChangeError::TooLate => conflict(
                "withdrawal-over",
                "The time to withdraw from this order is over.",
            ),
            ChangeError::TooMuch(most) => {
                conflict("refund-too-large", "More than was paid can't be refunded.").field(
                    "amount",
                    format!(
                        "must be at most {} minor units of {}",
                        most.amount, most.currency
                    ),
                )
            }
            ChangeError::Mistakes(mistakes) => mistakes.into(),
            ChangeError::Json(source) => Self::internal(source),
            ChangeError::Answer(problem) => problem,
            ChangeError::Seal(SealError::MariaDb(source)) | ChangeError::Db(source) => {
                mariadb::unavailable(source)
            }
            ChangeError::Seal(source) => Self::internal(source),
        }
    }
}

/// Notes what happened, now.
pub async fn note(
    app: &App,
    connection: &mut MySqlConnection,
    order: Uuid,
    what: &str,
    actor: &str,
    details: Option<Value>,
) -> Result<(), ChangeError> {
    let entry = history::Entry {
        id: app.clock.uuid(),
        at: app.clock.now(),
        what,
        actor,
        details,
    };
    history::add(connection, order, entry).await?;
    Ok(())
}

/// Lets go of all that an unpaid order holds: stock, its coupon, its cart. The order is locked, and saved by the caller.
pub async fn release(
    connection: &mut MySqlConnection,
    order: &mut Order,
) -> Result<(), ChangeError> {
    order.expires_at = None;
    order.cart_id = None;
    order.cart_revision = None;
    if let Some(code) = &order.coupon {
        coupons::give_back(connection, code, order.id).await?;
    }
    let held = stock::unhold(connection, order.id).await?;
    if !held.is_empty() && !stock::act(connection, stock::Act::Release, &held).await? {
        return Err(corrupt("a reservation without stock"));
    }
    Ok(())
}

/// Puts back what a paid order had taken.
pub async fn put_back(
    app: &App,
    connection: &mut MySqlConnection,
    order: Uuid,
    units: &[Units],
    kind: MovementKind,
    actor: &str,
) -> Result<(), ChangeError> {
    if units.is_empty() {
        return Ok(());
    }
    let cause = movements::Cause {
        kind,
        order: Some(order),
        reason: None,
        actor,
    };
    movements::add(connection, &app.clock, cause, units).await?;
    if !stock::act(connection, stock::Act::PutBack, units).await? {
        return Err(corrupt("an order of what never was in stock"));
    }
    Ok(())
}

/// What the tables can't hold unless this program is wrong.
pub fn corrupt(what: &'static str) -> ChangeError {
    ChangeError::Db(sqlx::Error::Decode(what.into()))
}

/// Tells payment that no more money is to be taken.
pub async fn close(
    app: &App,
    connection: &mut MySqlConnection,
    order: &Order,
    reason: &'static str,
) -> Result<(), ChangeError> {
    let closed = Closed {
        order_id: order.id,
        reason,
    };
    emit(app, connection, events::CLOSED, order.id, &closed).await
}

/// Money that is to go back.
#[derive(Debug, Clone, Copy)]
pub struct GiveBack<'a> {
    /// Of which payment.
    pub payment: Option<Uuid>,
    /// For which return.
    pub return_id: Option<Uuid>,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: &'a str,
    /// Whether the order was paid with it.
    pub of_order: bool,
    /// Who decided it.
    pub actor: &'a str,
}

/// Asks payment to give money back, and remembers that it was asked. What the order was paid with can't go back twice: the order is locked.
pub async fn give_back(
    app: &App,
    connection: &mut MySqlConnection,
    order: &Order,
    give: GiveBack<'_>,
) -> Result<Refund, ChangeError> {
    if give.of_order {
        let most = order.paid - money::promised(connection, order.id).await?;
        if give.amount.amount > most {
            return Err(ChangeError::TooMuch(Money::new(most, order.currency)));
        }
    }
    let refund = Refund {
        id: app.clock.uuid(),
        order_id: order.id,
        payment_id: give.payment,
        return_id: give.return_id,
        amount: give.amount,
        reason: give.reason.to_owned(),
        state: RefundState::Requested,
        of_order: give.of_order,
        actor: give.actor.to_owned(),
        created_at: app.clock.now(),
        settled_at: None,
    };
    money::refund(connection, &refund).await?;
    let requested = RefundRequested {
        refund_id: refund.id,
        order_id: order.id,
        payment_id: refund.payment_id,
        amount: refund.amount,
        reason: refund.reason.clone(),
    };
    emit(
        app,
        connection,
        events::REFUND_REQUESTED,
        order.id,
        &requested,
    )
    .await?;
    let details = json!({"refund_id": refund.id, "amount": refund.amount, "reason": refund.reason});
    note(
        app,
        connection,
        order.id,
        "refund_requested",
        give.actor,
        Some(details),
    )
    .await?;
    Ok(refund)
}

/// What of the order's money is not promised back yet.
pub async fn refundable(
    connection: &mut MySqlConnection,
    order: &Order,
) -> Result<i64, ChangeError> {
    Ok(order.paid - money::promised(connection, order.id).await?)
}

/// Writes the order, and reads nothing more.
pub async fn save(connection: &mut MySqlConnection, order: &mut Order) -> Result<(), ChangeError> {
    orders::save(connection, order).await?;
    Ok(())
}
