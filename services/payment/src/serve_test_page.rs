//! `/v1/test-provider/{payment_id}`: the page on which a shopper pays with the test provider, and what it posts to. No script, no files, nothing
//! from elsewhere; English and French.

use askama::Template;
use axum::{
    body::Bytes,
    extract::{State, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use kit::{
    Problem,
    auth::Identity,
    extract::{Path, Query},
    mariadb,
    problem::ProblemSchema,
};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{
    App,
    clients::orders::ORDER_TOKEN,
    db::{payments, test_charges},
    hear_webhook::{Deaf, TestEvent, hear_test_event, raw},
    open_hosted_page::{PageKey, see_other},
    outcome::{Outcome, TestState},
    payment::{Locale, Payment, Provider},
    read_payment::{answer, find, not_found},
    schedule::after,
    signature::hex,
    view::PaymentView,
};

/// What the page looks like. In the page itself, and allowed by its hash.
const STYLE: &str = include_str!("../templates/test_provider.css");

#[derive(Template)]
#[template(path = "test_provider.html")]
struct Page<'a> {
    words: &'static Words,
    style: &'static str,
    amount: String,
    number: &'a str,
    action: String,
    key: String,
    back: &'a str,
    state: PageState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PageState {
    Choice,
    Bank,
    Over,
}

struct Words {
    code: &'static str,
    title: &'static str,
    heading: &'static str,
    explanation: &'static str,
    order: &'static str,
    bank_heading: &'static str,
    bank_explanation: &'static str,
    over: &'static str,
    back: &'static str,
    succeed: &'static str,
    decline: &'static str,
    bank: &'static str,
    no_answer: &'static str,
    twice: &'static str,
    late: &'static str,
    bank_yes: &'static str,
    bank_no: &'static str,
}

const ENGLISH: Words = Words {
    code: "en",
    title: "Test payment",
    heading: "Test payment",
    explanation: "No money moves here. Choose how this payment ends.",
    order: "Order",
    bank_heading: "Your bank asks: is it you?",
    bank_explanation: "A real bank would ask for a code or a fingerprint here.",
    over: "There is nothing left to choose for this payment.",
    back: "Back to the shop",
    succeed: "Pay",
    decline: "The bank declines",
    bank: "The bank asks for confirmation (3-D Secure)",
    no_answer: "Pay, but the answer is lost",
    twice: "Pay, and the shop is told twice",
    late: "Pay, but the money comes later",
    bank_yes: "Yes, it is me",
    bank_no: "No, refuse",
};

const FRENCH: Words = Words {
    code: "fr",
    title: "Paiement de test",
    heading: "Paiement de test",
    explanation: "Aucun argent ne circule ici. Choisissez l’issue de ce paiement.",
    order: "Commande",
    bank_heading: "Votre banque demande : est-ce bien vous ?",
    bank_explanation: "Une vraie banque demanderait ici un code ou une empreinte.",
    over: "Il n’y a plus rien à choisir pour ce paiement.",
    back: "Retour à la boutique",
    succeed: "Payer",
    decline: "La banque refuse",
    bank: "La banque demande une confirmation (3-D Secure)",
    no_answer: "Payer, mais la réponse se perd",
    twice: "Payer, et la boutique est prévenue deux fois",
    late: "Payer, mais l’argent arrive plus tard",
    bank_yes: "Oui, c’est moi",
    bank_no: "Non, refuser",
};

/// What is chosen.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
pub struct Choice {
    /// What becomes of the payment; by default what the shopper's e-mail address says (`ann+decline@example.org`), else success.
    #[serde(default)]
    pub outcome: Option<Outcome>,
    /// As it stands in the address of the page; programs may leave it out.
    #[serde(default)]
    pub key: Option<String>,
}

/// Shows the page of the test provider.
#[utoipa::path(
    get, path = "/v1/test-provider/{payment_id}", tag = "test provider",
    params(("payment_id" = Uuid, Path, description = "the payment"), PageKey),
    responses(
        (status = 200, body = String, content_type = "text/html"),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn show_test_page(
    State(app): State<App>,
    Path(payment_id): Path<Uuid>,
    Query(key): Query<PageKey>,
) -> Result<Response, Problem> {
    let payment = test_payment(&app, payment_id)
        .await?
        .filter(|payment| key.opens(payment))
        .ok_or_else(not_found)?;
    let state = test_charges::read(&app.pool, payment_id, app.clock.now())
        .await
        .map_err(mariadb::unavailable)?;
    let state = match state {
        None | Some(TestState::Declined) => PageState::Choice,
        Some(TestState::Action) => PageState::Bank,
        Some(_) => PageState::Over,
    };
    page(&payment, state)
}

/// Does what was chosen. A browser is sent back to the shop; a program gets the payment.
#[utoipa::path(
    post, path = "/v1/test-provider/{payment_id}", tag = "test provider",
    request_body(content((Choice = "application/json"), (Choice = "application/x-www-form-urlencoded"))),
    params(("payment_id" = Uuid, Path, description = "the payment")),
    responses(
        (status = 200, body = PaymentView, description = "for a program"),
        (status = 303, description = "for a browser", headers(("Location" = String))),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 409, body = ProblemSchema, content_type = "application/problem+json", description = "It is too late to choose."),
        (status = 413, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn choose_outcome(
    State(app): State<App>,
    Path(payment_id): Path<Uuid>,
    caller: Option<Identity>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = raw(body)?;
    let is_form = headers.get(header::CONTENT_TYPE).is_some_and(|kind| {
        kind.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    let choice = if is_form {
        read_form(&body)?
    } else {
        read_json(&body)?
    };
    let payment = test_payment(&app, payment_id)
        .await?
        .ok_or_else(not_found)?;
    let has_proof = caller.is_some() || headers.contains_key(ORDER_TOKEN);
    match &choice.key {
        Some(key) => {
            let key = PageKey { key: key.clone() };
            if !key.opens(&payment) {
                return Err(not_found());
            }
        }
        None if is_form => return Err(not_found()),
        // Whoever proves something must prove the right thing. Without any proof the id is enough, which nobody can guess: what pays here is no money.
        None if has_proof => {
            find(&app, payment_id, caller.as_ref(), &headers).await?;
        }
        None => {}
    }
    let outcome = if let Some(outcome) = choice.outcome {
        outcome
    } else {
        let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
        payments::outcome(&mut connection, payment_id)
            .await
            .map_err(mariadb::unavailable)?
    };
    let is_chosen = choose(&app, &payment, outcome).await?;
    if is_form {
        return if outcome == Outcome::Action && is_chosen {
            page(&payment, PageState::Bank)
        } else {
            Ok(see_other(&payment.return_path))
        };
    }
    if !is_chosen {
        return Err(Problem::new(
            StatusCode::CONFLICT,
            "already-chosen",
            "There is nothing left to choose for this payment.",
        ));
    }
    let payment = test_payment(&app, payment_id)
        .await?
        .ok_or_else(not_found)?;
    Ok(answer(&app, &payment))
}

/// Writes the choice into the provider's books, then says so to the shop, as the outcome wants it. False when it was too late to choose.
async fn choose(app: &App, payment: &Payment, outcome: Outcome) -> Result<bool, Problem> {
    let now = app.clock.now();
    let before = test_charges::read(&app.pool, payment.id, now)
        .await
        .map_err(mariadb::unavailable)?;
    let Some(after_it) = TestState::after(before, outcome) else {
        return Ok(false);
    };
    let late = app
        .providers
        .test
        .as_ref()
        .map_or(0, |test| test.late_seconds);
    let due_at =
        (outcome == Outcome::Late).then(|| after(now, std::time::Duration::from_secs(late.into())));
    let is_chosen = test_charges::choose(&app.pool, payment.id, before, after_it, due_at)
        .await
        .map_err(mariadb::unavailable)?;
    if !is_chosen {
        return Ok(false);
    }
    let event = TestEvent {
        id: app.clock.uuid().to_string(),
        payment_id: payment.id,
    };
    match outcome {
        Outcome::NoAnswer | Outcome::Late => {}
        Outcome::Twice => {
            let (first, second) =
                tokio::join!(hear_test_event(app, &event), hear_test_event(app, &event));
            first.and(second)?;
        }
        Outcome::Succeed | Outcome::Decline | Outcome::Action => {
            hear_test_event(app, &event).await?;
        }
    }
    Ok(true)
}

async fn test_payment(app: &App, id: Uuid) -> Result<Option<Payment>, Problem> {
    if app.providers.test.is_none() {
        return Err(Deaf::NotOffered(&Provider::Test).into());
    }
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let payment = payments::read(&mut connection, id)
        .await
        .map_err(mariadb::unavailable)?;
    Ok(payment.filter(|payment| payment.provider == Provider::Test))
}

fn read_form(body: &[u8]) -> Result<Choice, Problem> {
    let mut choice = Choice::default();
    for (name, value) in form_urlencoded::parse(body) {
        match &*name {
            "outcome" => {
                let outcome = Outcome::named(&value);
                choice.outcome = Some(outcome.ok_or_else(unknown_outcome)?);
            }
            "key" => choice.key = Some(value.into_owned()),
            _ => {}
        }
    }
    Ok(choice)
}

fn read_json(body: &[u8]) -> Result<Choice, Problem> {
    if body.is_empty() {
        return Ok(Choice::default());
    }
    serde_json::from_slice(body)
        .map_err(|error| Problem::invalid().field("body", error.to_string()))
}

fn unknown_outcome() -> Problem {
    let names = Outcome::ALL.map(Outcome::name).join(", ");
    Problem::invalid().field("outcome", format!("must be one of {names}"))
}

fn page(payment: &Payment, state: PageState) -> Result<Response, Problem> {
    let words = match payment.locale {
        Locale::En => &ENGLISH,
        Locale::Fr => &FRENCH,
    };
    let html = Page {
        words,
        style: STYLE,
        amount: amount(payment),
        number: &payment.order_number,
        action: format!("/v1/test-provider/{}", payment.id),
        key: hex(&payment.page_key),
        back: &payment.return_path,
        state,
    }
    .render()
    .map_err(Problem::internal)?;
    let hash = STANDARD.encode(Sha256::digest(STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    let policy = HeaderValue::try_from(policy).map_err(Problem::internal)?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        ),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
        (
            HeaderName::from_static("referrer-policy"),
            HeaderValue::from_static("no-referrer"),
        ),
    ];
    Ok((headers, html).into_response())
}

/// The amount for people: digits, point or comma, code.
fn amount(payment: &Payment) -> String {
    let decimal = crate::paypal::Amount::from(payment.amount).value;
    let decimal = match payment.locale {
        Locale::En => decimal,
        Locale::Fr => decimal.replace('.', ","),
    };
    format!("{decimal}\u{a0}{}", payment.amount.currency)
}
