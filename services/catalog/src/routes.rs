//! The API at a glance.

use axum::{Json, Router, extract::DefaultBodyLimit, routing::get};
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, import_categories, import_products, list_products, put_category, read_categories,
    read_product, read_variants, suggest, text::Language, write_product,
};

/// The largest JSON body.
const LARGEST_BODY: usize = 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Amazoff catalog", description = "Products, categories, search and bulk import."),
    modifiers(&Token),
    components(schemas(Language)),
    tags(
        (name = "products", description = "What the shop sells"),
        (name = "categories", description = "How it is ordered"),
        (name = "imports", description = "Much at once"),
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
        .routes(routes!(
            list_products::list_products,
            write_product::create_product
        ))
        .routes(routes!(
            read_product::read_product,
            write_product::put_product,
            write_product::delete_product
        ))
        .routes(routes!(read_product::read_product_by_slug))
        .routes(routes!(read_variants::list_variants))
        .routes(routes!(suggest::suggestions))
        .routes(routes!(read_categories::list_categories))
        .routes(routes!(import_products::import_products))
        .routes(routes!(import_categories::import_categories))
}

/// Every route of the catalog.
pub fn router(app: App) -> Router {
    let (routes, document) = (Router::from(documented()), openapi());
    routes
        // A key contains slashes, which OpenAPI's paths can't say; it is documented by hand below.
        .route(
            "/v1/categories/{*key}",
            get(read_categories::read_category).put(put_category::put_category),
        )
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(document.clone()))),
        )
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .with_state(app)
}

/// The description of the API.
pub fn openapi() -> Document {
    #[derive(OpenApi)]
    #[openapi(paths(read_categories::read_category, put_category::put_category))]
    struct Wildcards;

    let mut document = documented().into_openapi();
    document.merge(Wildcards::openapi());
    document
}
