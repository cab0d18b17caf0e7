//! `GET /v1/payment-methods`: how an order can be paid.

use axum::extract::State;
use kit::{
    Problem,
    extract::{Json, Query},
    money::{Currency, Money},
    problem::ProblemSchema,
};
use serde::{Deserialize, Serialize};

use crate::{App, payment::Provider};

/// What is asked for.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MethodsQuery {
    /// ISO 4217.
    #[param(value_type = String, example = "EUR", pattern = "^[A-Z]{3}$")]
    pub currency: Currency,
    /// ISO 3166-1 alpha-2. All providers pay everywhere at the moment.
    #[param(example = "FR", pattern = "^[A-Z]{2}$")]
    pub country: Option<String>,
}

/// A way to pay.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Method {
    /// What to send as `provider`.
    pub provider: Provider,
    /// What the provider's script needs in the browser.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_key: Option<String>,
}

/// Lists how an order in this currency can be paid.
#[utoipa::path(
    get, path = "/v1/payment-methods", tag = "payments", params(MethodsQuery),
    responses(
        (status = 200, body = [Method]),
        (status = 400, body = ProblemSchema, content_type = "application/problem+json"),
    )
)]
pub async fn list_methods(
    State(app): State<App>,
    Query(query): Query<MethodsQuery>,
) -> Result<Json<Vec<Method>>, Problem> {
    let is_country =
        |code: &str| code.len() == 2 && code.bytes().all(|letter| letter.is_ascii_uppercase());
    if query.country.is_some_and(|code| !is_country(&code)) {
        return Err(Problem::invalid().field("country", "must be two capital letters, such as FR"));
    }
    let any_amount = Money::new(0, query.currency);
    let offered = Provider::ALL
        .into_iter()
        .filter(|provider| app.providers.takes(*provider, any_amount));
    let methods = offered.map(|provider| Method {
        provider,
        public_key: match provider {
            Provider::Stripe => app.surroundings().publishable_key.map(str::to_owned),
            Provider::Paypal | Provider::Test => None,
        },
    });
    Ok(Json(methods.collect()))
}
