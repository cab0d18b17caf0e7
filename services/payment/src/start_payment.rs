//! `POST /v1/payments`: a shopper begins to pay an order.
//!
//! The payment is written before its provider hears of it, so that whatever the provider says afterwards, by whatever way, has a place. The
//! same request sent again (same caller, same `Idempotency-Key`) finds its payment and goes on from where it was, for as long as the
//! payment is kept; nothing else has to be remembered for that.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use jiff::Timestamp;
use kit::{
    Problem, auth::Identity, client::ClientError, clock::random_bytes, extract::Json,
    idempotency::Key, mariadb, problem::ProblemSchema,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    advance_payment::{AdvanceError, advance_from},
    clients::orders::{self, Payable},
    db::{payments, standings},
    outcome::Outcome,
    owner::Owner,
    payment::{Locale, Payment, Provider, Standing, State as PaymentState},
    read_payment::{answer, asker},
    schedule::{self, next_look},
    view::PaymentView,
};

/// How long a payment may take when its order does not say.
const LASTS: std::time::Duration = std::time::Duration::from_mins(30);
/// The state in which an order waits for money.
const PAYABLE: &str = "placed";

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPayment {
    /// What to pay.
    pub order_id: Uuid,
    /// Through whom: one of the payment methods.
    pub provider: Provider,
    /// Where the shopper comes back to: a path on our own origin.
    #[schema(
        pattern = "^/",
        max_length = 500,
        example = "/en/orders/0199d2a8-0000-7000-8000-000000000000"
    )]
    pub return_url: String,
}

/// Why a payment can't be begun.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is none, or it is somebody else's.
    #[error("there is no such order")]
    NoSuchOrder,
    /// It is closed, or there is nothing to pay.
    #[error("the order does not wait for money")]
    NotPayable,
    /// It is paid.
    #[error("the order is paid")]
    AlreadyPaid,
    /// Nobody takes this currency or amount by this name.
    #[error("{} is not offered for this order", .0.name())]
    NotOffered(Provider),
    /// The key was used for something else.
    #[error("the key was used for another request")]
    KeyReused,
    /// Orders could not be asked.
    #[error("orders did not answer as expected")]
    Orders(#[from] ClientError),
    /// The database.
    #[error("the database did not answer as expected")]
    Database(#[from] sqlx::Error),
    /// The provider could not be asked.
    #[error("the payment could not be brought on")]
    Advance(#[from] AdvanceError),
}

impl From<StartError> for Problem {
    fn from(error: StartError) -> Self {
        match error {
            StartError::NoSuchOrder => Self::not_found("no-such-order", "There is no such order.")
                .field("order_id", "must be one of your orders"),
            StartError::NotPayable => Self::new(
                StatusCode::CONFLICT,
                "order-not-payable",
                "This order takes no payment any more.",
            ),
            StartError::AlreadyPaid => Self::new(
                StatusCode::CONFLICT,
                "already-paid",
                "This order is paid already.",
            ),
            StartError::NotOffered(_) => Self::invalid().field(
                "provider",
                "must be one of the payment methods of this order",
            ),
            StartError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "This Idempotency-Key was used for a different request.",
            )
            .field("Idempotency-Key", "must be a new one for another request"),
            StartError::Orders(error) => Self::unavailable(error),
            StartError::Database(error) => mariadb::unavailable(error),
            StartError::Advance(error) => error.into(),
        }
    }
}

/// Begins a payment.
#[utoipa::path(
    post, path = "/v1/payments", tag = "payments", request_body = NewPayment, security((), ("token" = [])),
    params(
        ("Idempotency-Key" = String, Header, pattern = "^[!-~]{1,255}$", description = "1 to 255 visible ASCII characters; the same for the same attempt"),
        ("Order-Token" = Option<String>, Header, description = "a guest's proof that the order is theirs"),
    ),
    responses(
        (status = 201, body = PaymentView, headers(("Location" = String), ("Cache-Control" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 401, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json", description = "There is no such order, or it is somebody else's."),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "The order is paid, or takes no payment."),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 422, body = ProblemSchema, content_type = "application/problem+json", description = "The key was used for another request."),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json", description = "Send the same request again, with the same key."),
    )
)]
pub async fn start_payment(
    State(app): State<App>,
    caller: Option<Identity>,
    key: Key,
    headers: HeaderMap,
    Json(input): Json<NewPayment>,
) -> Result<Response, Problem> {
    let return_path = own_path(&input.return_url)?;
    let owner = asker(caller.as_ref(), &headers);
    let request_key = owner.request_key(key.as_str());
    let (payment, standing) = if let Some(before) = before(&app, &request_key).await? {
        before
    } else {
        let payable = payable(&app, input.order_id, &headers).await?;
        begin(&app, &input, return_path, &owner, request_key, &payable).await?
    };
    let is_same = (
        payment.order_id,
        payment.provider,
        payment.return_path.as_str(),
    ) == (input.order_id, input.provider, return_path);
    if !is_same {
        return Err(StartError::KeyReused.into());
    }
    let payment = if payment.state == PaymentState::Created {
        advance_from(&app, payment, standing)
            .await
            .map_err(StartError::from)?
    } else {
        payment
    };
    let location = format!("/v1/payments/{}", payment.id);
    let location = HeaderValue::try_from(location).map_err(Problem::internal)?;
    let headers = [(header::LOCATION, location)];
    Ok((StatusCode::CREATED, headers, answer(&app, &payment)).into_response())
}

/// The payment that the same request began before.
async fn before(
    app: &App,
    request_key: &[u8; 32],
) -> Result<Option<(Payment, Standing)>, StartError> {
    let mut connection = app.pool.acquire().await?;
    let Some(payment) = payments::of_request(&mut connection, request_key).await? else {
        return Ok(None);
    };
    let standing = standings::read(&mut connection, payment.order_id).await?;
    Ok(Some((payment, standing)))
}

/// What is to be paid, if the order is the caller's.
async fn payable(app: &App, order_id: Uuid, headers: &HeaderMap) -> Result<Payable, StartError> {
    let proof = orders::proof(headers);
    if proof.is_empty() {
        return Err(StartError::NoSuchOrder);
    }
    let (is_visible, payable) = tokio::join!(
        orders::is_visible(&app.orders, order_id, proof),
        orders::payable(&app.orders, order_id, app.tokens.bearer()),
    );
    if !is_visible? {
        return Err(StartError::NoSuchOrder);
    }
    payable?.ok_or(StartError::NoSuchOrder)
}

async fn begin(
    app: &App,
    input: &NewPayment,
    return_path: &str,
    owner: &Owner,
    request_key: [u8; 32],
    payable: &Payable,
) -> Result<(Payment, Standing), StartError> {
    let now = app.clock.now();
    let payment = new_payment(app, input, return_path, payable, now)?;
    match write(app, &payment, owner, request_key, payable, now).await {
        Ok(standing) => Ok((payment, standing)),
        // The same request at the same time.
        Err(StartError::Database(error))
            if mariadb::constraint(&error).as_deref() == Some("payment_request") =>
        {
            before(app, &request_key)
                .await?
                .ok_or(StartError::Database(error))
        }
        Err(error) => Err(error),
    }
}

fn new_payment(
    app: &App,
    input: &NewPayment,
    return_path: &str,
    payable: &Payable,
    now: Timestamp,
) -> Result<Payment, StartError> {
    let lasts_until = schedule::after(now, LASTS);
    let expires_at = payable.expires_at.unwrap_or(lasts_until);
    let is_payable = payable.state == PAYABLE && payable.amount.amount > 0 && expires_at > now;
    if !is_payable {
        return Err(StartError::NotPayable);
    }
    if !app.providers.takes(input.provider, payable.amount) {
        return Err(StartError::NotOffered(input.provider));
    }
    let id = app.clock.uuid();
    // The test provider needs not be asked to make it.
    let (state, reference) = match input.provider {
        Provider::Test => (PaymentState::ActionRequired, Some(id.to_string())),
        Provider::Stripe | Provider::Paypal => (PaymentState::Created, None),
    };
    Ok(Payment {
        id,
        order_id: input.order_id,
        order_number: payable.number.clone(),
        provider: input.provider,
        state,
        amount: payable.amount,
        received: 0,
        refunded: 0,
        reference,
        hosted_reference: None,
        charge: None,
        client_secret: None,
        approve_url: None,
        return_path: return_path.to_owned(),
        locale: Locale::like(&payable.locale),
        page_key: random_bytes(),
        trouble: None,
        declined_because: None,
        is_superseded: false,
        attempts: 0,
        created_at: now,
        expires_at,
    })
}

/// Writes the payment, unless its order turns out to be paid or closed.
async fn write(
    app: &App,
    payment: &Payment,
    owner: &Owner,
    request_key: [u8; 32],
    payable: &Payable,
    now: Timestamp,
) -> Result<Standing, StartError> {
    let outcome = Outcome::of_email(&payable.email);
    let new = payments::New {
        owner,
        outcome: (payment.provider == Provider::Test).then_some(outcome),
        request_key,
        next_look_at: next_look(payment, &Standing::default(), now),
    };
    let mut transaction = app.pool.begin().await?;
    payments::insert(&mut transaction, payment, &new).await?;
    let standing = standings::lock(&mut transaction, payment.order_id).await?;
    if standing.paid_by.is_some() {
        return Err(StartError::AlreadyPaid);
    }
    if standing.closed.is_some() {
        return Err(StartError::NotPayable);
    }
    transaction.commit().await?;
    let mut connection = app.pool.acquire().await?;
    if payments::supersede(&mut connection, payment, now).await? {
        app.sweep.notify_one();
    }
    Ok(standing)
}

/// A path that leads nowhere but to our own origin, however a browser reads it.
fn own_path(url: &str) -> Result<&str, Problem> {
    let is_own = url.starts_with('/')
        && !url.starts_with("//")
        && url.len() <= 500
        && url
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if is_own {
        Ok(url)
    } else {
        Err(Problem::invalid().field(
            "return_url",
            "must be a path on this shop, such as /en/orders/1, of 500 characters at most",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shopper_comes_back_to_this_shop_and_to_no_other() {
        for (url, ok) in [
            ("/", true),
            ("/en/orders/1?paid=1#top", true),
            ("", false),
            ("en/orders", false),
            ("//evil.example", false),
            ("/\\evil.example", false),
            ("https://evil.example", false),
            ("/a b", false),
            ("/a\r\nLocation: https://evil.example", false),
            ("/é", false),
        ] {
            assert_eq!(own_path(url).is_ok(), ok, "{url}");
        }
        assert!(own_path(&format!("/{}", "a".repeat(500))).is_err());
    }
}
