//! `GET /v1/payments/{id}/hosted`: Stripe's own page, for browsers without JavaScript. It is made when somebody goes there, and asked for
//! under one key, so that going there twice leads to the same page.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header};
use kit::{
    Problem,
    extract::{Path, Query},
    mariadb,
    problem::ProblemSchema,
};
use serde::Deserialize;
use uuid::Uuid;

use crate::{
    App,
    advance_payment::AdvanceError,
    clients::Details,
    complete_payment::{Completed, Hearing, complete},
    db::payments,
    payment::{Fact, Payment, Provider, State as PaymentState},
    read_payment::not_found,
    signature::unhex,
};

/// What the address proves.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageKey {
    /// As it stands in the payment's action: a browser that follows a link has no token.
    #[serde(default)]
    pub key: String,
}

impl PageKey {
    /// Whether it opens the pages of this payment.
    pub fn opens(&self, payment: &Payment) -> bool {
        unhex(&self.key).is_some_and(|key| key == payment.page_key)
    }
}

/// Leads to Stripe's page.
#[utoipa::path(
    get, path = "/v1/payments/{id}/hosted", tag = "payments",
    params(("id" = Uuid, Path, description = "the payment"), PageKey),
    responses(
        (status = 303, description = "to Stripe's page; to the shop when there is nothing to pay any more", headers(("Location" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn open_hosted_page(
    State(app): State<App>,
    Path(id): Path<Uuid>,
    Query(key): Query<PageKey>,
) -> Result<Response, Problem> {
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let payment = payments::read(&mut connection, id)
        .await
        .map_err(mariadb::unavailable)?
        .filter(|payment| key.opens(payment) && payment.provider == Provider::Stripe)
        .ok_or_else(not_found)?;
    drop(connection);
    let is_waiting = payment.state == PaymentState::ActionRequired && !payment.is_superseded;
    let Some(stripe) = app.providers.stripe.as_ref().filter(|_| is_waiting) else {
        return Ok(see_other(&payment.return_path));
    };
    let back_to = format!("{}{}", app.public_url, payment.return_path);
    let page = stripe
        .open_page(&payment, &back_to)
        .await
        .map_err(AdvanceError::from)?;
    let details = Details {
        hosted_reference: Some(page.id),
        ..Details::default()
    };
    let hearing = Hearing {
        payment_id: id,
        provider: Provider::Stripe,
        event: None,
        reference: None,
        details: Some(&details),
        fact: &Fact::Waiting,
    };
    // The page's name is kept before anyone sees it: what is paid there must be found.
    let completed = complete(&app, &hearing)
        .await
        .map_err(mariadb::unavailable)?;
    match (completed, page.url) {
        (Completed::Done(payment, _), Some(url)) if payment.state.is_open() => Ok(see_other(&url)),
        _ => Ok(see_other(&payment.return_path)),
    }
}

/// A redirect that a browser follows with GET, and that tells the next server nothing of this address.
pub fn see_other(to: &str) -> Response {
    let location = HeaderValue::from_str(to).unwrap_or_else(|_| HeaderValue::from_static("/"));
    let headers = [
        (header::LOCATION, location),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            HeaderName::from_static("referrer-policy"),
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    (StatusCode::SEE_OTHER, headers).into_response()
}
