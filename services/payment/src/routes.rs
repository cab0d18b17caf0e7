//! The API at a glance.

use axum::{
    Json, Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, hear_orders, hear_webhook, list_methods, list_payments, open_hosted_page, person_data,
    read_payment, replay_events, resolve_problem, serve_test_page, start_payment, sync_payment,
};

/// The largest body. Webhooks of providers stay far below.
const LARGEST_BODY: usize = 256 * 1024;
/// Batches of events are larger.
const LARGEST_BATCH: usize = 2 * 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Amazoff payment", description = "Payments and refunds through Stripe, PayPal and a test provider."),
    modifiers(&Token),
    tags(
        (name = "payments", description = "Paying an order"),
        (name = "webhooks", description = "What providers say by themselves"),
        (name = "test provider", description = "Paying without money, where the shop offers it"),
        (name = "staff", description = "What needs a look"),
    )
)]
struct Api;

struct Token;

impl Modify for Token {
    fn modify(&self, document: &mut Document) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(list_methods::list_methods))
        .routes(routes!(
            list_payments::list_payments,
            start_payment::start_payment
        ))
        .routes(routes!(read_payment::read_payment))
        .routes(routes!(sync_payment::sync_payment))
        .routes(routes!(open_hosted_page::open_hosted_page))
        .routes(routes!(resolve_problem::resolve_problem))
        .routes(routes!(replay_events::list_dead_letters))
        .routes(routes!(replay_events::replay_dead_letter))
        .routes(routes!(hear_webhook::hear_stripe))
        .routes(routes!(hear_webhook::hear_paypal))
        .routes(routes!(hear_webhook::hear_test))
        .routes(routes!(
            serve_test_page::show_test_page,
            serve_test_page::choose_outcome
        ))
}

/// Every route of payment.
pub fn router(app: App) -> Router {
    let (routes, document) = (Router::from(documented()), openapi());
    routes
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        // Not for shoppers: the gateway passes nothing on to these.
        .route(
            "/internal/v1/events",
            post(hear_orders::hear_orders).layer(DefaultBodyLimit::max(LARGEST_BATCH)),
        )
        .route(
            "/internal/v1/people/{id}",
            get(person_data::export_person).delete(person_data::erase_person),
        )
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(document.clone()))),
        )
        .with_state(app)
}

/// The description of the API.
pub fn openapi() -> Document {
    documented().into_openapi()
}
