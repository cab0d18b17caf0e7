//! What follows when payment says how a refund ended.

use serde_json::json;
use sqlx::MySqlConnection;

use crate::{
    App,
    change_order::{ChangeError, note, save},
    db::{money, orders, returns},
    events::{self, RefundEnded},
    hear_events::PAYMENT,
    issue_credit_note,
    load_order::{notify, view},
    order::{Order, Refund, RefundState},
    state::{PaymentEvent, PaymentState, ReturnEvent, ReturnState},
};

/// Money went back.
pub async fn hear_refunded(
    app: &App,
    connection: &mut MySqlConnection,
    ended: &RefundEnded,
) -> Result<(), ChangeError> {
    let Some(mut order) = orders::lock(connection, ended.order_id).await? else {
        return Ok(());
    };
    let known = money::read(connection, ended.refund_id).await?;
    let refund = match known {
        Some(refund) if refund.order_id != order.id || refund.state == RefundState::Succeeded => {
            return Ok(());
        }
        Some(refund) => refund,
        None => adopt(app, connection, &order, ended).await?,
    };
    let now = app.clock.now();
    money::settle(connection, refund.id, RefundState::Succeeded, now).await?;
    let details = json!({"refund_id": refund.id, "amount": refund.amount});
    note(
        app,
        connection,
        order.id,
        "refunded",
        PAYMENT,
        Some(details),
    )
    .await?;
    if refund.of_order {
        issue_credit_note::issue(app, connection, &refund).await?;
        // A refund that was said to have failed may succeed after all, when staff have given the money back in another way: that is too
        // much, and must not stop what payment says next.
        let refunded = order.refunded + refund.amount.amount;
        if refunded > order.paid {
            tracing::error!(order.id = %order.id, refund.id = %refund.id, "more money went back than came in");
        }
        order.refunded = refunded.min(order.paid);
        let event = if order.refunded >= order.paid {
            PaymentEvent::RefundAll
        } else {
            PaymentEvent::RefundPart
        };
        if order.states.payment != PaymentState::Refunded {
            order.states.payment = order.states.payment.after(event)?;
        }
        if let Some(back) = refund.return_id {
            refund_return(connection, &mut order, back).await?;
        }
    }
    save(connection, &mut order).await?;
    let shown = view(app, connection, order).await?;
    let amount = refund.amount;
    notify(app, connection, events::REFUNDED, &shown, |notice| {
        notice.amount = Some(amount);
    })
    .await
}

/// A refund that was not asked for here: payment decided it by itself, or somebody did at the provider. What the order was paid with is
/// counted, so that staff can't give it back a second time.
async fn adopt(
    app: &App,
    connection: &mut MySqlConnection,
    order: &Order,
    ended: &RefundEnded,
) -> Result<Refund, ChangeError> {
    let is_paid = matches!(
        order.states.payment,
        PaymentState::Paid | PaymentState::PartiallyRefunded
    );
    let left = order.paid - money::promised(connection, order.id).await?;
    let same_currency = ended.amount.currency == order.currency;
    let refund = Refund {
        id: ended.refund_id,
        order_id: order.id,
        payment_id: None,
        return_id: None,
        amount: ended.amount,
        reason: "decided by payment".to_owned(),
        state: RefundState::Requested,
        of_order: is_paid && same_currency && ended.amount.amount <= left,
        actor: PAYMENT.to_owned(),
        created_at: app.clock.now(),
        settled_at: None,
    };
    money::refund(connection, &refund).await?;
    Ok(refund)
}

async fn refund_return(
    connection: &mut MySqlConnection,
    order: &mut Order,
    back: uuid::Uuid,
) -> Result<(), ChangeError> {
    let mut states = Vec::new();
    for entry in returns::of_order(connection, order.id).await? {
        let is_this = entry.id == back && entry.state == ReturnState::Received;
        let state = if is_this {
            entry.state.after(ReturnEvent::Refund)?
        } else {
            entry.state
        };
        if is_this {
            returns::save(connection, order.id, back, state, None).await?;
        }
        states.push(state);
    }
    order.states.r#return = ReturnState::of_all(states);
    Ok(())
}

/// The provider could not give money back: staff see it, and may try again.
pub async fn hear_refund_failed(
    app: &App,
    connection: &mut MySqlConnection,
    ended: &RefundEnded,
) -> Result<(), ChangeError> {
    if orders::lock(connection, ended.order_id).await?.is_none() {
        return Ok(());
    }
    let known = money::read(connection, ended.refund_id).await?;
    let Some(refund) = known.filter(|refund| {
        refund.order_id == ended.order_id && refund.state == RefundState::Requested
    }) else {
        return Ok(());
    };
    money::settle(connection, refund.id, RefundState::Failed, app.clock.now()).await?;
    let details = json!({"refund_id": refund.id, "amount": refund.amount});
    note(
        app,
        connection,
        ended.order_id,
        "refund_failed",
        PAYMENT,
        Some(details),
    )
    .await
}
