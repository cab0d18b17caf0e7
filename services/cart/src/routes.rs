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
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, change_coupon, change_lines, create_cart, events, merge_carts, personal_data, read_cart,
};

/// The largest JSON body of a shopper.
const LARGEST_BODY: usize = 16 * 1024;
/// The largest batch of events.
const LARGEST_BATCH: usize = 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Amazoff cart", description = "What shoppers put aside before they order."),
    modifiers(&Secrets),
    tags(
        (name = "carts", description = "A guest's cart is opened by its token, a personal cart by who one is. Anyone else's does not exist."),
        (name = "lines", description = "What is in a cart"),
        (name = "coupon", description = "A code to try when ordering"),
    )
)]
struct Api;

struct Secrets;

impl Modify for Secrets {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        let cart = ApiKeyValue::with_description("Cart-Token", "The token of a guest's cart.");
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        components.add_security_scheme("cart", SecurityScheme::ApiKey(ApiKey::Header(cart)));
    }
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(create_cart::create_cart))
        .routes(routes!(read_cart::read_cart))
        .routes(routes!(read_cart::read_my_cart))
        .routes(routes!(merge_carts::merge_carts))
        .routes(routes!(change_lines::add_line))
        .routes(routes!(change_lines::put_line, change_lines::delete_line))
        .routes(routes!(
            change_coupon::put_coupon,
            change_coupon::delete_coupon
        ))
}

/// Every route of the cart.
pub fn router(app: App) -> Router {
    let (routes, document) = (Router::from(documented()), openapi());
    routes
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
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
