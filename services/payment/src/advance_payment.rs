//! Asks the provider for what a payment waits for, and draws the consequences. The sweeper does it, and so does the browser that comes
//! back: with the same question under the same key, so that asking twice does nothing twice.

use crate::{
    App,
    clients::{Details, ProviderError},
    complete_payment::{Completed, Hearing, complete},
    db::{payments, standings},
    payment::{Fact, Payment, Standing},
    schedule::{Todo, todo},
};
use uuid::Uuid;

/// What was agreed may have to be taken, and what was made called off: one follows from the other, but not without end.
const MOST_ROUNDS: usize = 3;

/// Why a payment could not be brought on.
#[derive(Debug, thiserror::Error)]
pub enum AdvanceError {
    /// The database.
    #[error("the database did not answer as expected")]
    Database(#[from] sqlx::Error),
    /// The provider.
    #[error("the provider did not answer as expected")]
    Provider(#[from] ProviderError),
    /// There is no such payment.
    #[error("there is no such payment")]
    Unknown,
}

/// Brings a payment on as far as it goes without its shopper.
pub async fn advance(app: &App, payment_id: Uuid) -> Result<Payment, AdvanceError> {
    let mut connection = app.pool.acquire().await?;
    let payment = payments::read(&mut connection, payment_id)
        .await?
        .ok_or(AdvanceError::Unknown)?;
    let standing = standings::read(&mut connection, payment.order_id).await?;
    // No connection is held while a provider thinks.
    drop(connection);
    advance_from(app, payment, standing).await
}

/// The same, from what was just read.
pub async fn advance_from(
    app: &App,
    mut payment: Payment,
    mut standing: Standing,
) -> Result<Payment, AdvanceError> {
    for _ in 0..MOST_ROUNDS {
        let Some(next) = todo(&payment, &standing, app.clock.now()) else {
            break;
        };
        let was_known_there = payment.reference.is_some();
        let (details, fact) = ask(app, &payment, next).await?;
        let hearing = Hearing {
            payment_id: payment.id,
            provider: payment.provider,
            event: None,
            reference: None,
            details: details.as_ref(),
            fact: &fact,
        };
        let Completed::Done(now, stands) = complete(app, &hearing).await? else {
            return Err(AdvanceError::Unknown);
        };
        (payment, standing) = (*now, stands);
        let following = todo(&payment, &standing, app.clock.now());
        let is_same = following == Some(next) && was_known_there == payment.reference.is_some();
        // It has just said how it stands.
        if is_same || following == Some(Todo::Ask) {
            break;
        }
    }
    Ok(payment)
}

async fn ask(
    app: &App,
    payment: &Payment,
    next: Todo,
) -> Result<(Option<Details>, Fact), ProviderError> {
    let (pool, now, providers) = (&app.pool, app.clock.now(), &app.providers);
    let is_unknown_there = payment.reference.is_none();
    let answer = match next {
        // Whether it was made is unknown: asking again under the same key tells, and what is known can be called off.
        Todo::Open | Todo::CallOff if is_unknown_there => {
            let opened = providers.open(payment).await;
            opened.map(|(details, fact)| (Some(details), fact))
        }
        Todo::Open | Todo::Ask => {
            let asked = providers.ask(pool, payment, now).await;
            asked.map(|fact| (None, fact))
        }
        Todo::Take => {
            let taken = providers.take(pool, payment, now).await;
            taken.map(|fact| (None, fact))
        }
        Todo::CallOff => {
            let called_off = providers.call_off(pool, payment, now).await;
            called_off.map(|fact| (None, fact))
        }
    };
    match answer {
        Err(ProviderError::Refused { reason, provider }) if next != Todo::Ask => {
            tracing::error!(payment.id = %payment.id, provider = provider.name(), reason, ?next, "the provider refuses");
            let fact = if next == Todo::CallOff && is_unknown_there {
                Fact::Canceled
            } else {
                Fact::Declined { reason }
            };
            Ok((None, fact))
        }
        answer => answer,
    }
}
