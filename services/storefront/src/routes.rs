//! The shop's addresses at a glance.

use crate::{
    App, cancel_order,
    change_cart::{add_to_cart, change_coupon, change_quantity},
    choose_language::{add_slash, choose_language},
    edit_profile, fill_checkout, keep_addresses, keep_passkeys, log_in, pay_order, place_order,
    register_person, reset_password, return_goods,
    serve_asset::{favicon, manifest, robots, serve_asset},
    set_up_totp, show_account,
    show_cart::{show_cart, show_header},
    show_category::show_category,
    show_checkout::show_checkout,
    show_departments::show_departments,
    show_error::not_found,
    show_home::show_home,
    show_order, show_papers,
    show_product::show_product,
    show_search::{show_search, suggest},
    track_order, withdraw_order, write_sitemap,
};
use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};

/// The most bytes of a form; as many as the gateway lets through.
const LARGEST_FORM: usize = 64 * 1024;

/// Every address of the shop.
pub fn router(app: App) -> Router {
    Router::new()
        .route("/", get(choose_language))
        .route("/{language}", get(add_slash))
        .route("/{language}/", get(show_home))
        .route("/{language}/c", get(add_slash))
        .route("/{language}/c/", get(show_departments))
        .route("/{language}/c/{*path}", get(show_category))
        .route("/{language}/p/{slug}", get(show_product))
        .route("/{language}/search", get(show_search))
        .route("/{language}/suggestions", get(suggest))
        .route("/assets/{file}", get(serve_asset))
        .route("/favicon.ico", get(favicon))
        .route("/manifest.webmanifest", get(manifest))
        .route("/robots.txt", get(robots))
        .route("/sitemap.xml", get(write_sitemap::index))
        .route("/sitemaps/pages.xml", get(write_sitemap::pages))
        .route("/sitemaps/{*chunk}", get(write_sitemap::products))
        .merge(cart_and_checkout())
        .merge(orders())
        .merge(account())
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(LARGEST_FORM))
        .with_state(app)
}

/// What is one shopper's own: no cache keeps any of these.
fn cart_and_checkout() -> Router<App> {
    Router::new()
        .route("/{language}/header", get(show_header))
        .route("/{language}/cart", get(show_cart))
        .route("/{language}/cart/lines", post(add_to_cart))
        .route("/{language}/cart/quantity", post(change_quantity))
        .route("/{language}/cart/coupon", post(change_coupon))
        .route("/{language}/checkout", get(show_checkout))
        .route(
            "/{language}/checkout/address",
            post(fill_checkout::fill_address),
        )
        .route(
            "/{language}/checkout/saved-address",
            post(fill_checkout::choose_address),
        )
        .route(
            "/{language}/checkout/delivery",
            post(fill_checkout::choose_delivery),
        )
        .route("/{language}/checkout/order", post(place_order::place_order))
}

fn orders() -> Router<App> {
    Router::new()
        .route(
            "/{language}/orders/track",
            get(track_order::show_tracking).post(track_order::track_order),
        )
        .route("/{language}/orders/{id}", get(show_order::show_order))
        .route(
            "/{language}/orders/{id}/invoice.pdf",
            get(show_papers::show_invoice),
        )
        .route(
            "/{language}/orders/{id}/refunds/{refund}/credit-note.pdf",
            get(show_papers::show_credit_note),
        )
        .route(
            "/{language}/orders/{id}/cancel",
            get(cancel_order::ask_to_cancel).post(cancel_order::cancel_order),
        )
        .route(
            "/{language}/orders/{id}/pay",
            get(pay_order::show_payment).post(pay_order::pay_order),
        )
        .route(
            "/{language}/orders/{id}/pay/card",
            get(pay_order::show_card),
        )
        .route(
            "/{language}/orders/{id}/paid",
            get(pay_order::return_from_payment),
        )
        .route(
            "/{language}/orders/{id}/return",
            get(return_goods::show_return).post(return_goods::announce_return),
        )
        .route("/{language}/withdrawal", get(track_order::show_withdrawal))
        .route(
            "/{language}/orders/{id}/withdrawal",
            get(withdraw_order::choose_withdrawal).post(withdraw_order::withdraw_order),
        )
        .route(
            "/{language}/orders/{id}/withdrawal/confirm",
            get(withdraw_order::confirm_withdrawal),
        )
        .route(
            "/{language}/orders/{id}/withdrawal/done",
            get(withdraw_order::show_withdrawn),
        )
}

fn account() -> Router<App> {
    Router::new()
        .route("/{language}/account", get(show_account::show_account))
        .route("/{language}/account/orders", get(show_account::show_orders))
        .route(
            "/{language}/account/login",
            get(log_in::show_login).post(log_in::log_in),
        )
        .route("/{language}/account/logout", post(log_in::log_out))
        .route(
            "/{language}/account/register",
            get(register_person::show_registration).post(register_person::register),
        )
        .route(
            "/{language}/account/registered",
            get(register_person::show_registered),
        )
        .route(
            "/{language}/account/verify",
            get(register_person::show_verification).post(register_person::verify),
        )
        .route(
            "/{language}/account/forgot",
            get(reset_password::show_forgot).post(reset_password::forget_password),
        )
        .route(
            "/{language}/account/forgot/done",
            get(reset_password::show_forgot_done),
        )
        .route(
            "/{language}/account/reset",
            get(reset_password::show_reset).post(reset_password::reset_password),
        )
        .route(
            "/{language}/account/addresses/{id}",
            get(keep_addresses::show_address).post(keep_addresses::keep_address),
        )
        .route(
            "/{language}/account/addresses/{id}/remove",
            post(keep_addresses::remove_address),
        )
        .route(
            "/{language}/account/profile",
            get(edit_profile::show_profile).post(edit_profile::edit_profile),
        )
        .route(
            "/{language}/account/password",
            get(edit_profile::show_password).post(edit_profile::change_password),
        )
        .merge(second_factors())
        .route(
            "/{language}/account/sessions/end",
            get(edit_profile::to_account).post(edit_profile::end_sessions),
        )
        .route(
            "/{language}/account/export",
            get(edit_profile::to_account).post(edit_profile::export_data),
        )
        .route(
            "/{language}/account/delete",
            get(edit_profile::ask_to_delete).post(edit_profile::delete_account),
        )
        .route(
            "/{language}/account/deleted",
            get(edit_profile::show_deleted),
        )
}

fn second_factors() -> Router<App> {
    Router::new()
        .route(
            "/{language}/account/totp",
            get(set_up_totp::show_totp).post(set_up_totp::begin_totp),
        )
        .route(
            "/{language}/account/totp/confirm",
            get(edit_profile::to_account).post(set_up_totp::confirm_totp),
        )
        .route(
            "/{language}/account/totp/remove",
            get(edit_profile::to_account).post(set_up_totp::remove_totp),
        )
        .route(
            "/{language}/account/passkeys",
            get(keep_passkeys::show_passkeys).post(keep_passkeys::add_passkey),
        )
        .route(
            "/{language}/account/passkeys/challenge",
            post(keep_passkeys::ask_for_passkey),
        )
        .route(
            "/{language}/account/passkeys/remove",
            get(edit_profile::to_account).post(keep_passkeys::remove_passkey),
        )
        .route(
            "/{language}/account/login/passkey",
            post(keep_passkeys::log_in_with_passkey),
        )
        .route(
            "/{language}/account/login/passkey/challenge",
            post(keep_passkeys::ask_who),
        )
}
