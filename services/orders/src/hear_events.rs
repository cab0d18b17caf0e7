//! `POST /internal/v1/events`: what payment says.
//!
//! Events come at least once, in any order, in parallel. Each is taken once, in the transaction of its effect, and every effect locks the order first.

use axum::extract::State;
use http::StatusCode;
use kit::{Problem, inbox, mariadb::retrying, money::Money, problem::ProblemSchema};
use serde::de::DeserializeOwned;
use sqlx::MySqlConnection;

use crate::{
    App,
    change_order::{ATTEMPTS, ChangeError, GiveBack, corrupt, give_back, note, save},
    db::{coupons, lines, money, movements, orders, stock},
    events::{self, Captured, Failed},
    load_order::{notify, view},
    order::{Order, units},
    settle_refund::{hear_refund_failed, hear_refunded},
    state::{OrderEvent, OrderState, PaymentEvent},
    stock::{MovementKind, Units},
};

/// As history names it.
pub const PAYMENT: &str = "payment";

/// Takes a batch of events. What is of no interest here is taken too.
#[utoipa::path(
    post, path = "/internal/v1/events", tag = "internal", security(("token" = [])),
    request_body(content_type = "application/cloudevents-batch+json", description = "CloudEvents 1.0"),
    responses(
        (status = 204),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 403, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn take_events(
    State(app): State<App>,
    inbox::Events(batch): inbox::Events,
) -> Result<StatusCode, Problem> {
    for event in &batch {
        // One by one and in order: whoever sends again after a failure sends all of it, and what was taken is known.
        retrying(ATTEMPTS, || take(&app, event)).await?;
    }
    app.relay.ring();
    Ok(StatusCode::NO_CONTENT)
}

async fn take(app: &App, event: &inbox::Event) -> Result<(), ChangeError> {
    let mut transaction = app.pool.begin().await?;
    if !inbox::take(&mut transaction, &event.id).await? {
        return Ok(());
    }
    match event.kind.as_str() {
        "amazoff.payment.captured" => {
            if let Some(captured) = read(event) {
                hear_captured(app, &mut transaction, &captured).await?;
            }
        }
        "amazoff.payment.failed" => {
            if let Some(failed) = read(event) {
                hear_failed(app, &mut transaction, &failed).await?;
            }
        }
        "amazoff.payment.refunded" => {
            if let Some(ended) = read(event) {
                hear_refunded(app, &mut transaction, &ended).await?;
            }
        }
        "amazoff.payment.refund_failed" => {
            if let Some(ended) = read(event) {
                hear_refund_failed(app, &mut transaction, &ended).await?;
            }
        }
        _ => {}
    }
    transaction.commit().await?;
    Ok(())
}

/// What an event says. One that can't be read would be sent again for ever, and hold up all that follow: it is logged and taken.
fn read<T: DeserializeOwned>(event: &inbox::Event) -> Option<T> {
    match serde_json::from_value(event.data.clone()) {
        Ok(data) => Some(data),
        Err(error) => {
            tracing::error!(event.id = %event.id, event.kind, %error, "an event can't be read");
            None
        }
    }
}

/// Money came in. It pays the order if the order still waits for it; late money takes the goods again if they are there; all other money goes back.
async fn hear_captured(
    app: &App,
    connection: &mut MySqlConnection,
    captured: &Captured,
) -> Result<(), ChangeError> {
    let Some(mut order) = orders::lock(connection, captured.order_id).await? else {
        tracing::error!(order.id = %captured.order_id, payment.id = %captured.payment_id, "money came in for no order");
        return Ok(());
    };
    let is_exact = captured.amount == Money::new(order.sums.total, order.currency);
    let refusal = match order.states.order {
        _ if !is_exact => Some("the amount is not that of the order"),
        OrderState::Placed | OrderState::Expired if order.payment_id.is_none() => None,
        OrderState::Canceled => Some("the order was canceled"),
        _ => Some("the order was paid already"),
    };
    let (payment, amount) = (captured.payment_id, captured.amount);
    let is_new = money::capture(
        connection,
        payment,
        order.id,
        amount,
        refusal.is_none(),
        app.clock.now(),
    )
    .await?;
    if !is_new {
        return Ok(());
    }
    if let Some(reason) = refusal {
        let give = GiveBack {
            payment: Some(payment),
            return_id: None,
            amount,
            reason,
            of_order: false,
            actor: PAYMENT,
        };
        give_back(app, connection, &order, give).await?;
        return Ok(());
    }
    order.payment_id = Some(payment);
    order.paid = amount.amount;
    order.states.payment = order.states.payment.after(PaymentEvent::Capture)?;
    let lines = lines::of_order(connection, order.id).await?;
    let wanted = units(&lines);
    if order.states.order == OrderState::Placed {
        confirm(app, connection, &mut order, &wanted).await
    } else {
        revive(app, connection, &mut order, &wanted).await
    }
}

/// Paid in time: what was promised is taken.
async fn confirm(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    wanted: &[Units],
) -> Result<(), ChangeError> {
    order.states.order = order.states.order.after(OrderEvent::Confirm)?;
    order.expires_at = None;
    tell_confirmed(app, connection, order, wanted).await?;
    let held = stock::unhold(connection, order.id).await?;
    // Last, because these rows are what all orders of a popular thing wait for.
    if held != wanted || !stock::act(connection, stock::Act::Sell, &held).await? {
        return Err(corrupt("a placed order that does not hold its units"));
    }
    Ok(())
}

/// Paid late. The goods (and the coupon, at whose price they were sold) are taken again; when that can't be done the money goes back.
async fn revive(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    wanted: &[Units],
) -> Result<(), ChangeError> {
    if retake(connection, order, wanted).await? {
        order.states.order = order.states.order.after(OrderEvent::Revive)?;
        return tell_confirmed(app, connection, order, wanted).await;
    }
    note(app, connection, order.id, "paid_too_late", PAYMENT, None).await?;
    save(connection, order).await?;
    let give = GiveBack {
        payment: order.payment_id,
        return_id: None,
        amount: Money::new(order.paid, order.currency),
        reason: "paid too late, and sold out",
        of_order: true,
        actor: PAYMENT,
    };
    give_back(app, connection, order, give).await?;
    Ok(())
}

/// Takes goods and coupon again, both or neither.
async fn retake(
    connection: &mut MySqlConnection,
    order: &Order,
    wanted: &[Units],
) -> Result<bool, ChangeError> {
    sqlx::query("SAVEPOINT retaking")
        .execute(&mut *connection)
        .await?;
    let has_coupon = match &order.coupon {
        Some(code) => retake_coupon(connection, order, code).await?,
        None => true,
    };
    if has_coupon && stock::act(connection, stock::Act::Take, wanted).await? {
        return Ok(true);
    }
    sqlx::query("ROLLBACK TO SAVEPOINT retaking")
        .execute(connection)
        .await?;
    Ok(false)
}

async fn retake_coupon(
    connection: &mut MySqlConnection,
    order: &Order,
    code: &str,
) -> Result<bool, ChangeError> {
    let Some(coupon) = coupons::read(connection, code).await? else {
        return Ok(true);
    };
    let user = coupons::Holder {
        order: order.id,
        person: Some(order.person_id.unwrap_or(order.key_id)),
        email_index: None,
    };
    let most = coupon.rule.max_uses_per_person;
    Ok(coupons::take(connection, code, most, user).await?.is_ok())
}

async fn tell_confirmed(
    app: &App,
    connection: &mut MySqlConnection,
    order: &mut Order,
    wanted: &[Units],
) -> Result<(), ChangeError> {
    note(app, connection, order.id, "confirmed", PAYMENT, None).await?;
    save(connection, order).await?;
    let taken: Vec<Units> = wanted
        .iter()
        .map(|units| Units {
            sku: units.sku.clone(),
            quantity: -units.quantity,
        })
        .collect();
    let cause = movements::Cause {
        kind: MovementKind::Sold,
        order: Some(order.id),
        reason: None,
        actor: PAYMENT,
    };
    movements::add(connection, &app.clock, cause, &taken).await?;
    let shown = view(app, connection, order.clone()).await?;
    notify(app, connection, events::CONFIRMED, &shown, |_| {}).await
}

/// An attempt came to nothing: the shopper may try again until time is up.
async fn hear_failed(
    app: &App,
    connection: &mut MySqlConnection,
    failed: &Failed,
) -> Result<(), ChangeError> {
    let Some(mut order) = orders::lock(connection, failed.order_id).await? else {
        return Ok(());
    };
    // Late news of an attempt changes nothing about an order that was paid by another, or that is over.
    if order.states.order != OrderState::Placed {
        return Ok(());
    }
    order.states.payment = order.states.payment.after(PaymentEvent::Fail)?;
    note(app, connection, order.id, "payment_failed", PAYMENT, None).await?;
    save(connection, &mut order).await
}
