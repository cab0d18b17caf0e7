//! `POST /internal/v1/events`: what orders says. An order takes no more money, or money is to go back.

use axum::extract::State;
use http::StatusCode;
use kit::{
    Problem,
    inbox::{self, Event, Events},
    mariadb,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    App,
    db::{payments, refunds, standings},
    events::{self, OrderClosed, RefundEnded, RefundRequested},
    payment::Payment,
    refund::{self, NoRefund, Origin, Refund, RefundState},
};

const ATTEMPTS: u32 = 5;

/// Hears a batch of events; 204 when each of them has had its effect. One by one and in order: what was taken is known when it comes again.
pub async fn hear_orders(
    State(app): State<App>,
    Events(batch): Events,
) -> Result<StatusCode, Problem> {
    for event in &batch {
        hear(&app, event).await.map_err(mariadb::unavailable)?;
    }
    app.sweep.notify_one();
    app.relay.ring();
    Ok(StatusCode::NO_CONTENT)
}

async fn hear(app: &App, event: &Event) -> sqlx::Result<()> {
    match event.kind.as_str() {
        events::CLOSED => {
            if let Some(closed) = read(event) {
                mariadb::retrying(ATTEMPTS, || close(app, event.id, &closed)).await?;
            }
        }
        events::REFUND_REQUESTED => {
            if let Some(wanted) = read(event) {
                mariadb::retrying(ATTEMPTS, || give_back(app, event.id, &wanted)).await?;
            }
        }
        // Of no concern here; who sends it is not to send it again.
        _ => {}
    }
    Ok(())
}

/// What an event says. One that can't be read would be sent again for ever, and hold up all that follow: it is logged and taken.
fn read<T: DeserializeOwned>(event: &Event) -> Option<T> {
    match serde_json::from_value(event.data.clone()) {
        Ok(data) => Some(data),
        Err(error) => {
            tracing::error!(event.id = %event.id, event.kind, %error, "an event can't be read");
            None
        }
    }
}

/// No more money is taken for the order. What was taken before orders was told of, so it says itself what is to become of it.
async fn close(app: &App, event: Uuid, closed: &OrderClosed) -> sqlx::Result<()> {
    let mut transaction = app.pool.begin().await?;
    if !inbox::take(&mut transaction, &event).await? {
        return Ok(());
    }
    standings::close(&mut transaction, closed.order_id, closed.reason).await?;
    transaction.commit().await?;
    // Afterwards, because payments are locked before standings, never after. When this is lost the sweeper comes by all the same, later.
    let mut connection = app.pool.acquire().await?;
    payments::look_now(&mut connection, closed.order_id, app.clock.now()).await
}

/// Money goes back, if there is any.
async fn give_back(app: &App, event: Uuid, wanted: &RefundRequested) -> sqlx::Result<()> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    let payment_id = match wanted.payment_id {
        Some(id) => Some(id),
        None => {
            standings::read(&mut transaction, wanted.order_id)
                .await?
                .paid_by
        }
    };
    let payment = match payment_id {
        Some(id) => payments::lock(&mut transaction, id).await?,
        None => None,
    };
    if !inbox::take(&mut transaction, &event).await? {
        return Ok(());
    }
    if refunds::read(&mut transaction, wanted.refund_id)
        .await?
        .is_some()
    {
        // The same refund, asked for again.
        return transaction.commit().await;
    }
    let payment = payment.filter(|payment| payment.order_id == wanted.order_id);
    let checked = match &payment {
        None => Err(NoRefund::NotPaid),
        Some(payment) => {
            let charge = payment.charge.as_deref().unwrap_or_default();
            let promised = refunds::promised(&mut transaction, payment.id, charge).await?;
            refund::check(payment, promised, wanted.amount)
        }
    };
    if let (Some(payment), Ok(())) = (&payment, checked) {
        let refund = Refund {
            id: wanted.refund_id,
            payment_id: payment.id,
            charge: payment.charge.clone().unwrap_or_default(),
            amount: wanted.amount,
            reason: wanted.reason.clone(),
            origin: Origin::Requested,
            state: RefundState::Pending,
            reference: None,
            failed_because: None,
            attempts: 0,
            created_at: now,
        };
        refunds::insert(&mut transaction, &refund, Some(now)).await?;
    }
    if let Err(reason) = checked {
        refuse(app, &mut transaction, wanted, payment.as_ref(), reason).await?;
    }
    transaction.commit().await
}

async fn refuse(
    app: &App,
    connection: &mut sqlx::MySqlConnection,
    wanted: &RefundRequested,
    payment: Option<&Payment>,
    reason: NoRefund,
) -> sqlx::Result<()> {
    tracing::warn!(refund.id = %wanted.refund_id, order.id = %wanted.order_id, %reason, "a refund can't be made");
    let ended = RefundEnded {
        refund_id: wanted.refund_id,
        payment_id: payment
            .map(|payment| payment.id)
            .or(wanted.payment_id)
            .unwrap_or_default(),
        order_id: wanted.order_id,
        amount: wanted.amount,
        reason: Some(reason.to_string()),
    };
    standings::lock(connection, wanted.order_id).await?;
    events::tell(
        app,
        connection,
        events::REFUND_FAILED,
        wanted.order_id,
        &ended,
    )
    .await
}
