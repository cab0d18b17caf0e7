//! `POST /v1/webhooks/…`: what providers say by themselves. The signature is checked on the raw bytes before anything in them is believed, or
//! even read; whatever goes wrong here afterwards is answered with an error, so that the provider says it again.

use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
};
use http::{HeaderMap, HeaderValue, StatusCode};
use kit::{Problem, mariadb, problem::ProblemSchema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App,
    clients::{paypal::WebhookError, test},
    complete_payment::{Completed, Hearing, complete, flag},
    complete_refund,
    db::{self, payments, test_charges},
    notice::{News, Notice},
    payment::{Fact, Provider, Trouble},
    paypal, signature,
    signature::SignatureError,
    stripe,
};

/// The header of the test provider's signature.
pub const TEST_SIGNATURE: &str = "test-signature";

/// A webhook of the test provider: it says that there is news, not which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TestEvent {
    /// Of the event.
    pub id: String,
    /// What there is news of.
    pub payment_id: Uuid,
}

/// Why a webhook has no effect.
#[derive(Debug, thiserror::Error)]
pub enum Deaf {
    /// The provider is not offered.
    #[error("{} is not offered here", .0.name())]
    NotOffered(&'static Provider),
    /// Anyone could have sent it.
    #[error("the signature is refused")]
    Signature(#[from] SignatureError),
    /// The same, for `PayPal`.
    #[error("the signature is refused")]
    Certificate(#[source] WebhookError),
    /// Nobody could say whether it is `PayPal`'s.
    #[error("the signature could not be checked")]
    Unchecked(#[source] WebhookError),
    /// Signed, but not what was agreed.
    #[error("the webhook can't be read")]
    Unreadable(#[from] serde_json::Error),
    /// The database.
    #[error("the database did not answer as expected")]
    Database(#[from] sqlx::Error),
}

impl From<Deaf> for Problem {
    fn from(error: Deaf) -> Self {
        match error {
            Deaf::NotOffered(_) => {
                Self::not_found("no-such-address", "There is nothing at this address.")
            }
            Deaf::Signature(_) | Deaf::Certificate(_) => Self::new(
                StatusCode::BAD_REQUEST,
                "signature-refused",
                "The signature is not accepted.",
            )
            .with_source(error),
            Deaf::Unreadable(error) => Self::invalid()
                .detail("The body is not an event.")
                .with_source(error),
            Deaf::Unchecked(_) => Self::unavailable(error),
            Deaf::Database(error) => mariadb::unavailable(error),
        }
    }
}

/// Hears Stripe.
#[utoipa::path(
    post, path = "/v1/webhooks/stripe", tag = "webhooks", request_body(content = String, content_type = "application/json"),
    params(("Stripe-Signature" = String, Header, description = "`t=…,v1=…` over the raw body")),
    responses(
        (status = 204),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn hear_stripe(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let body = raw(body)?;
    let client = app
        .providers
        .stripe
        .as_ref()
        .ok_or(Deaf::NotOffered(&Provider::Stripe))?;
    let now = app.clock.now();
    let header = text(&headers, "stripe-signature");
    signature::verify(header, &body, &client.webhook_secret, now).map_err(Deaf::from)?;
    let notice = stripe::notice(&body).map_err(Deaf::from)?;
    hear(&app, Provider::Stripe, &notice).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hears `PayPal`.
#[utoipa::path(
    post, path = "/v1/webhooks/paypal", tag = "webhooks", request_body(content = String, content_type = "application/json"),
    params(
        ("PayPal-Transmission-Id" = String, Header), ("PayPal-Transmission-Time" = String, Header), ("PayPal-Transmission-Sig" = String, Header),
        ("PayPal-Cert-Url" = String, Header), ("PayPal-Auth-Algo" = String, Header),
    ),
    responses(
        (status = 204),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn hear_paypal(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let body = raw(body)?;
    let client = app
        .providers
        .paypal
        .as_ref()
        .ok_or(Deaf::NotOffered(&Provider::Paypal))?;
    client
        .verify(&headers, &body)
        .await
        .map_err(|error| match error {
            WebhookError::NoCertificate(_) => Deaf::Unchecked(error),
            _ => Deaf::Certificate(error),
        })?;
    let notice = paypal::notice(&body).map_err(Deaf::from)?;
    hear(&app, Provider::Paypal, &notice).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hears the test provider.
#[utoipa::path(
    post, path = "/v1/webhooks/test", tag = "webhooks", request_body = TestEvent,
    params(("Test-Signature" = String, Header, description = "`t=…,v1=…` over the raw body")),
    responses(
        (status = 204),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn hear_test(
    State(app): State<App>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let body = raw(body)?;
    let provider = app
        .providers
        .test
        .as_ref()
        .ok_or(Deaf::NotOffered(&Provider::Test))?;
    let now = app.clock.now();
    let header = text(&headers, TEST_SIGNATURE);
    signature::verify(header, &body, &provider.webhook_secret, now).map_err(Deaf::from)?;
    let event: TestEvent = serde_json::from_slice(&body).map_err(Deaf::from)?;
    hear_test_event(&app, &event).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Looks up in the test provider's books what the news is.
pub async fn hear_test_event(app: &App, event: &TestEvent) -> Result<(), Deaf> {
    let mut connection = app.pool.acquire().await?;
    let Some(payment) = payments::read(&mut connection, event.payment_id).await? else {
        return Ok(());
    };
    drop(connection);
    let state = test_charges::read(&app.pool, payment.id, app.clock.now()).await?;
    let fact = test::fact(&payment, state);
    tell(
        app,
        Provider::Test,
        &event.id,
        event.payment_id,
        None,
        &fact,
    )
    .await
}

/// Draws the consequences of an event.
async fn hear(app: &App, provider: Provider, notice: &Notice) -> Result<(), Deaf> {
    match &notice.news {
        News::Nothing => Ok(()),
        News::Payment {
            reference,
            payment_id,
            fact,
        } => {
            let payment_id = if let Some(id) = payment_id {
                Some(*id)
            } else {
                let mut connection = app.pool.acquire().await?;
                payments::by_reference(&mut connection, provider, reference).await?
            };
            match payment_id {
                Some(id) => tell(app, provider, &notice.event, id, Some(reference), fact).await,
                // The account may serve others too. What does not say that it is ours is theirs.
                None => Ok(()),
            }
        }
        News::Refund(news) => {
            complete_refund::heard(app, provider, &notice.event, news).await?;
            Ok(())
        }
        News::Dispute { charge } => {
            let mut connection = app.pool.acquire().await?;
            let whose = db::payment_of_charge(&mut connection, provider, charge).await?;
            drop(connection);
            if let Some(payment_id) = whose {
                flag(app, payment_id, Trouble::Disputed).await?;
            }
            Ok(())
        }
    }
}

async fn tell(
    app: &App,
    provider: Provider,
    event: &str,
    payment_id: Uuid,
    reference: Option<&str>,
    fact: &Fact,
) -> Result<(), Deaf> {
    let hearing = Hearing {
        payment_id,
        provider,
        event: Some(event),
        reference: reference.filter(|reference| !reference.is_empty()),
        details: None,
        fact,
    };
    if let Completed::Unknown = complete(app, &hearing).await? {
        tracing::warn!(payment.id = %payment_id, provider = provider.name(), event, "an event about a payment that is not in the books");
    }
    Ok(())
}

/// The bytes as they came.
pub fn raw(body: Result<Bytes, BytesRejection>) -> Result<Bytes, Problem> {
    body.map_err(|rejection| {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The request is too large.",
            )
        } else {
            Problem::invalid()
                .detail("The body could not be read.")
                .with_source(rejection)
        }
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .map(HeaderValue::to_str)
        .and_then(Result::ok)
        .unwrap_or_default()
}
