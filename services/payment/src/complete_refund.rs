//! The one place where a refund changes, as payments do in [`crate::complete_payment`]: the payment is locked first.

use kit::mariadb;
use uuid::Uuid;

use crate::{
    App,
    clients::RefundAnswer,
    db::{self, payments, refunds, standings},
    events::{self, RefundEnded},
    notice::RefundNews,
    payment::{Payment, Provider, State, Trouble},
    refund::{Origin, Refund, RefundFact, RefundState, RefundStep, decide, state_of},
    schedule,
};

const ATTEMPTS: u32 = 5;

/// Draws the consequences of a provider's answer.
pub async fn answered(app: &App, refund: &Refund, answer: &RefundAnswer) -> sqlx::Result<()> {
    let hearing = Hearing {
        payment_id: refund.payment_id,
        event: None,
        which: Which::Ours(refund.id),
        reference: answer.reference.as_deref(),
        fact: &answer.fact,
    };
    complete(app, &hearing).await
}

/// Draws the consequences of an event. What it is about may be ours, or made at the provider past us.
pub async fn heard(
    app: &App,
    provider: Provider,
    event: &str,
    news: &RefundNews,
) -> sqlx::Result<()> {
    let mut connection = app.pool.acquire().await?;
    let of_ours = match news.refund_id {
        Some(id) => refunds::read(&mut connection, id).await?,
        None => None,
    };
    let payment_id = match (&of_ours, &news.charge) {
        (Some(refund), _) => Some(refund.payment_id),
        (None, Some(charge)) => db::payment_of_charge(&mut connection, provider, charge).await?,
        (None, None) => None,
    };
    drop(connection);
    let Some(payment_id) = payment_id else {
        return Ok(());
    };
    let hearing = Hearing {
        payment_id,
        event: Some((provider, event)),
        which: of_ours.map_or(Which::Theirs(news), |refund| Which::Ours(refund.id)),
        reference: Some(&news.reference),
        fact: &news.fact,
    };
    complete(app, &hearing).await
}

struct Hearing<'a> {
    payment_id: Uuid,
    event: Option<(Provider, &'a str)>,
    which: Which<'a>,
    reference: Option<&'a str>,
    fact: &'a RefundFact,
}

enum Which<'a> {
    Ours(Uuid),
    Theirs(&'a RefundNews),
}

async fn complete(app: &App, hearing: &Hearing<'_>) -> sqlx::Result<()> {
    if mariadb::retrying(ATTEMPTS, || complete_once(app, hearing)).await? {
        app.relay.ring();
    }
    Ok(())
}

/// Whether something was told.
async fn complete_once(app: &App, hearing: &Hearing<'_>) -> sqlx::Result<bool> {
    let now = app.clock.now();
    let mut transaction = app.pool.begin().await?;
    let Some(mut payment) = payments::lock(&mut transaction, hearing.payment_id).await? else {
        return Ok(false);
    };
    if let Some((provider, event)) = hearing.event
        && !db::take_event(&mut transaction, provider, event, now).await?
    {
        return Ok(false);
    }
    let found = match &hearing.which {
        Which::Ours(id) => refunds::read(&mut transaction, *id).await?,
        Which::Theirs(news) => {
            let known =
                refunds::by_reference(&mut transaction, payment.id, &news.reference).await?;
            if let Some(refund) = known {
                Some(refund)
            } else {
                let refund = past_us(app, &payment, news);
                refunds::insert(&mut transaction, &refund, None).await?;
                Some(refund)
            }
        }
    };
    let Some(mut refund) = found else {
        return Ok(false);
    };
    if refund.reference.is_none() {
        refund.reference = hearing.reference.map(str::to_owned);
    }
    // What is told of an order is told while its row is locked, and so in order.
    let standing = standings::lock(&mut transaction, payment.order_id).await?;
    let mut is_told = false;
    let steps = decide(refund.state, refund.origin, hearing.fact);
    for step in &steps {
        is_told |= take(
            app,
            &mut transaction,
            &mut payment,
            &mut refund,
            *step,
            hearing.fact,
        )
        .await?;
    }
    let is_pending = refund.state == RefundState::Pending;
    let look = is_pending.then(|| schedule::after(now, schedule::wait(refund.attempts)));
    refunds::save(&mut transaction, &refund, look, now).await?;
    if !steps.is_empty() {
        let look = schedule::next_look(&payment, &standing, now);
        payments::save(&mut transaction, &payment, look, now).await?;
    }
    transaction.commit().await?;
    Ok(is_told)
}

fn past_us(app: &App, payment: &Payment, news: &RefundNews) -> Refund {
    Refund {
        id: app.clock.uuid(),
        payment_id: payment.id,
        charge: news.charge.clone().unwrap_or_default(),
        amount: news.amount,
        reason: "made at the provider".to_owned(),
        origin: Origin::Provider,
        state: RefundState::Pending,
        reference: Some(news.reference.clone()),
        failed_because: None,
        attempts: 0,
        created_at: app.clock.now(),
    }
}

async fn take(
    app: &App,
    connection: &mut sqlx::MySqlConnection,
    payment: &mut Payment,
    refund: &mut Refund,
    step: RefundStep,
    fact: &RefundFact,
) -> sqlx::Result<bool> {
    // Money that was never wanted is not in the payment's books.
    let counts = payment.charge.as_deref() == Some(refund.charge.as_str());
    match step {
        RefundStep::Become(state) => {
            refund.state = state;
            if let RefundFact::Failed { reason } = fact {
                refund.failed_because = Some(reason.clone());
            }
        }
        RefundStep::Count if counts => {
            let refunded = payment.refunded.saturating_add(refund.amount.amount);
            payment.refunded = refunded.min(payment.received);
            become_refunded(payment);
        }
        RefundStep::Uncount if counts => {
            payment.refunded = payment.refunded.saturating_sub(refund.amount.amount).max(0);
            become_refunded(payment);
        }
        RefundStep::Count | RefundStep::Uncount => {}
        RefundStep::Flag => payment.trouble = Some(Trouble::RefundFailed),
        RefundStep::TellRefunded | RefundStep::TellFailed => {
            let (kind, reason) = if step == RefundStep::TellRefunded {
                (events::REFUNDED, None)
            } else {
                (events::REFUND_FAILED, refund.failed_because.clone())
            };
            let ended = RefundEnded {
                refund_id: refund.id,
                payment_id: payment.id,
                order_id: payment.order_id,
                amount: refund.amount,
                reason,
            };
            events::tell(app, connection, kind, payment.order_id, &ended).await?;
            return Ok(true);
        }
    }
    Ok(false)
}

fn become_refunded(payment: &mut Payment) {
    let next: State = state_of(payment.received, payment.refunded);
    if payment.state.may_become(next) {
        payment.state = next;
    }
}
