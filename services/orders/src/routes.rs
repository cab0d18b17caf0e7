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
    App, cancel_order, edit_coupons, forget_person, hear_events, issue_credit_note, list_orders,
    look_up_order, move_stock, place_order, print_invoice, quote_order, read_ledger, read_order,
    read_stock, receive_return, refund_order, replay_events, request_return, ship_order,
    withdraw_order,
};

/// The largest JSON body.
const LARGEST_BODY: usize = 256 * 1024;
/// The largest batch of events.
const LARGEST_BATCH: usize = 4 * 1024 * 1024;
/// The largest import of stock: some hundred thousand variants.
const LARGEST_IMPORT: usize = 32 * 1024 * 1024;

#[derive(OpenApi)]
#[openapi(
    info(title = "Amazoff orders", description = "Stock, orders, coupons, shipments, returns, invoices and credit notes."),
    modifiers(&Keys),
    tags(
        (name = "orders", description = "What shoppers do"),
        (name = "returns", description = "What comes back"),
        (name = "fulfillment", description = "What the warehouse does"),
        (name = "stock", description = "What is there"),
        (name = "coupons", description = "What is taken off"),
        (name = "staff", description = "What staff look at"),
        (name = "internal", description = "What other services ask; not reachable from outside"),
    )
)]
struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut Document) {
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .build();
        let header = |name: &str| SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(name)));
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
        components.add_security_scheme("order", header("Order-Token"));
        components.add_security_scheme("cart", header("Cart-Token"));
    }
}

fn documented() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Api::openapi())
        .routes(routes!(read_stock::read_stock))
        .routes(routes!(quote_order::list_shipping_methods))
        .routes(routes!(quote_order::quote_order))
        .routes(routes!(place_order::place_order, list_orders::list_orders))
        .routes(routes!(list_orders::list_my_orders))
        .routes(routes!(look_up_order::look_up_order))
        .routes(routes!(read_order::read_order))
        .routes(routes!(print_invoice::print_invoice))
        .routes(routes!(issue_credit_note::print_credit_note))
        .routes(routes!(cancel_order::cancel_order))
        .routes(routes!(withdraw_order::withdraw))
        .routes(routes!(request_return::request_return))
        .routes(routes!(receive_return::receive_return))
        .routes(routes!(receive_return::refuse_return))
        .routes(routes!(ship_order::ship_order))
        .routes(routes!(ship_order::deliver_shipment))
        .routes(routes!(refund_order::refund_order))
        .routes(routes!(move_stock::move_stock, read_stock::list_movements))
        .routes(routes!(
            edit_coupons::list_coupons,
            edit_coupons::create_coupon
        ))
        .routes(routes!(edit_coupons::read_coupon, edit_coupons::put_coupon))
        .routes(routes!(read_ledger::read_ledger))
        .routes(routes!(replay_events::list_dead_letters))
        .routes(routes!(replay_events::replay_dead_letter))
        .routes(routes!(read_order::read_payable))
        .routes(routes!(
            forget_person::export_person,
            forget_person::forget_person
        ))
}

/// Every route of orders.
pub fn router(app: App) -> Router {
    let (routes, document) = (Router::from(documented()), openapi());
    let large = Router::new()
        .route(
            "/v1/stock/imports",
            post(move_stock::import_stock).layer(DefaultBodyLimit::max(LARGEST_IMPORT)),
        )
        .route(
            "/internal/v1/events",
            post(hear_events::take_events).layer(DefaultBodyLimit::max(LARGEST_BATCH)),
        );
    routes
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .merge(large)
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(document.clone()))),
        )
        .with_state(app)
}

/// The description of the API.
pub fn openapi() -> Document {
    #[derive(OpenApi)]
    #[openapi(paths(move_stock::import_stock, hear_events::take_events))]
    struct Large;

    let mut document = documented().into_openapi();
    document.merge(Large::openapi());
    document
}
