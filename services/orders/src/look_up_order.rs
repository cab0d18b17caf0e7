//! `POST /v1/order-lookups`: an order by its number and e-mail, for whoever has no account, or no wish to log in.

use axum::extract::State;
use http::{HeaderValue, StatusCode, header};
use jiff::SignedDuration;
use kit::{Problem, extract::Json, mariadb, problem::ProblemSchema};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    App, change_order::ChangeError, db::orders, number::Number, open_order::order_token,
    write_order::email_index,
};

/// Guesses at one number, before it is left alone for a while. Guessing numbers is hopeless; guessing whose a known number is must be too.
const MOST_GUESSES: u32 = 10;
const GUESSES_LAST: SignedDuration = SignedDuration::from_mins(10);

/// What a person knows of an order.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupInput {
    /// The number, with or without dash, in any case.
    #[schema(example = "06ADZ-89NPD")]
    pub number: String,
    /// The e-mail it was placed with.
    pub email: String,
}

/// What opens the order.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Found {
    /// Its id.
    pub order_id: Uuid,
    /// For the header `Order-Token`.
    pub access_token: String,
}

/// Finds an order. The answer to a wrong number and to a wrong e-mail is the same, and takes as long.
#[utoipa::path(
    post, path = "/v1/order-lookups", tag = "orders", request_body = LookupInput,
    responses(
        (status = 200, body = Found),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 404, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 415, body = ProblemSchema, content_type = "application/problem+json"),
        (status = 429, body = ProblemSchema, content_type = "application/problem+json", headers(("Retry-After" = u32))),
        (status = 503, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn look_up_order(
    State(app): State<App>,
    Json(input): Json<LookupInput>,
) -> Result<Json<Found>, Problem> {
    // A number that can't be one is known to be wrong without asking, by anybody.
    let number = input.number.parse::<Number>();
    let number = number.map_err(|wrong| Problem::invalid().field("number", wrong.to_string()))?;
    count_guess(&app, number)?;
    let index = email_index(&app.sealer, &input.email).map_err(ChangeError::from)?;
    let mut connection = app.pool.acquire().await.map_err(mariadb::unavailable)?;
    let found = orders::by_number(&mut connection, number.plain()).await;
    let found = found.map_err(mariadb::unavailable)?;
    match found {
        Some((order, Some(known))) if known == index => {
            app.guesses.remove(&number);
            Ok(Json(Found {
                order_id: order,
                access_token: order_token(&app.sealer, order).map_err(ChangeError::from)?,
            }))
        }
        _ => Err(ChangeError::NotFound.into()),
    }
}

fn count_guess(app: &App, number: Number) -> Result<(), Problem> {
    let now = app.clock.now();
    let (count, since) = app
        .guesses
        .get(&number)
        .filter(|(_, since)| now.duration_since(*since) < GUESSES_LAST)
        .unwrap_or((0, now));
    if count >= MOST_GUESSES {
        let left = GUESSES_LAST - now.duration_since(since);
        let left = HeaderValue::from(u64::try_from(left.as_secs()).unwrap_or(1).max(1));
        let title = "That was tried too often. Try again later.";
        return Err(
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-guesses", title)
                .header(header::RETRY_AFTER, left),
        );
    }
    app.guesses.insert(number, (count + 1, since));
    Ok(())
}
