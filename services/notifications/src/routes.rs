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

use crate::{App, events, list_mails, personal_data, retry_mail};

/// The largest batch of events.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Amazoff notifications", description = "Mails about accounts and orders."),
    modifiers(&Token),
    tags((name = "mails", description = "What became of them, for staff"))
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
        .routes(routes!(list_mails::list_mails))
        .routes(routes!(retry_mail::retry_mail))
}

/// Every route of notifications.
pub fn router(app: App) -> Router {
    let (routes, document) = (Router::from(documented()), openapi());
    routes
        .merge(internal())
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(document.clone()))),
        )
        .with_state(app)
}

/// What other services ask. The gateway knows no way here.
fn internal() -> Router<App> {
    Router::new()
        .route(
            "/internal/v1/events",
            post(events::hear).layer(DefaultBodyLimit::max(LARGEST_BATCH)),
        )
        .route(
            "/internal/v1/people/{id}",
            get(personal_data::export_person).delete(personal_data::erase_person),
        )
}

/// The description of the API.
pub fn openapi() -> Document {
    documented().into_openapi()
}
