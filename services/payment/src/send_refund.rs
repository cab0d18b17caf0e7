//! Asks the provider to give money back, or how that stands.

use uuid::Uuid;

use crate::{
    App,
    advance_payment::AdvanceError,
    clients::{ProviderError, RefundAnswer},
    complete_refund::answered,
    db::{payments, refunds},
    refund::{RefundFact, RefundState},
};

/// Brings a refund on.
pub async fn send(app: &App, refund_id: Uuid) -> Result<(), AdvanceError> {
    let mut connection = app.pool.acquire().await?;
    let refund = refunds::read(&mut connection, refund_id)
        .await?
        .filter(|refund| refund.state == RefundState::Pending);
    let Some(refund) = refund else {
        return Ok(());
    };
    let payment = payments::read(&mut connection, refund.payment_id)
        .await?
        .ok_or(AdvanceError::Unknown)?;
    // No connection is held while a provider thinks.
    drop(connection);
    let answer = match &refund.reference {
        None => app.providers.give_back(payment.provider, &refund).await,
        Some(reference) => {
            app.providers
                .ask_refund(payment.provider, &refund, reference)
                .await
        }
    };
    let answer = match answer {
        Err(ProviderError::Refused { reason, .. }) => RefundAnswer {
            reference: None,
            fact: RefundFact::Failed { reason },
        },
        answer => answer?,
    };
    answered(app, &refund, &answer).await?;
    Ok(())
}
