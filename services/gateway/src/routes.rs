//! The gateway's table of contents: every path it passes on, to whom, for whom, and within which limits.

use crate::{
    App, caller, proxy,
    route::{
        Access::{Anyone, Needs, WritesNeedToken},
        Class::{Assets, Imports, Logins, Pages, Reads, Searches, Webhooks, Writes},
        Route,
        Target::{Cart, Catalog, Nobody, Notifications, Orders, Payment, Storefront, Users},
    },
};
use axum::{body::Body, response::Response};
use http::Request;
use kit::serve::{BoxFuture, observed_handler};
use std::{net::SocketAddr, time::Duration};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;
const GIB: u64 = 1024 * MIB;
const CACHED: bool = true;
const NOT_CACHED: bool = false;

/// The first line whose prefix holds a path decides. Changes (POST, PUT, PATCH, DELETE) to a route of class `Reads` or
/// `Pages` count as `Writes`.
#[rustfmt::skip]
pub const ROUTES: &[Route] = &[
    //    name                path prefix               target         class      who may call               kept        body        timeout
    route("products",          "/v1/products",           Catalog,       Reads,     WritesNeedToken,           CACHED,     MIB,        seconds(10)),
    route("variants",          "/v1/variants",           Catalog,       Reads,     Anyone,                    NOT_CACHED, 0,          seconds(5)),
    route("categories",        "/v1/categories",         Catalog,       Reads,     WritesNeedToken,           CACHED,     MIB,        seconds(10)),
    route("suggestions",       "/v1/suggestions",        Catalog,       Searches,  Anyone,                    CACHED,     0,          seconds(3)),
    route("imports",           "/v1/imports",            Catalog,       Imports,   Needs("catalog:write"),    NOT_CACHED, 4 * GIB,    seconds(300)),
    route("my-cart",           "/v1/me/cart",            Cart,          Reads,     Anyone,                    NOT_CACHED, 64 * KIB,   seconds(5)),
    route("carts",             "/v1/carts",              Cart,          Reads,     Anyone,                    NOT_CACHED, 64 * KIB,   seconds(5)),
    route("my-orders",         "/v1/me/orders",          Orders,        Reads,     Anyone,                    NOT_CACHED, 0,          seconds(10)),
    route("orders",            "/v1/orders",             Orders,        Reads,     Anyone,                    NOT_CACHED, 256 * KIB,  seconds(15)),
    route("order-lookups",     "/v1/order-lookups",      Orders,        Logins,    Anyone,                    NOT_CACHED, 16 * KIB,   seconds(5)),
    route("quotes",            "/v1/quotes",             Orders,        Reads,     Anyone,                    NOT_CACHED, 64 * KIB,   seconds(10)),
    route("shipping-methods",  "/v1/shipping-methods",   Orders,        Reads,     Anyone,                    CACHED,     0,          seconds(5)),
    route("stock-imports",     "/v1/stock/imports",      Orders,        Imports,   Needs("stock:write"),      NOT_CACHED, 32 * MIB,   seconds(300)),
    route("stock",             "/v1/stock",              Orders,        Reads,     Anyone,                    CACHED,     0,          seconds(5)),
    route("stock-movements",   "/v1/stock-movements",    Orders,        Reads,     Needs("stock:write"),      NOT_CACHED, 64 * KIB,   seconds(10)),
    route("coupons",           "/v1/coupons",            Orders,        Reads,     Needs("promotions:write"), NOT_CACHED, 64 * KIB,   seconds(10)),
    route("ledger",            "/v1/ledger",             Orders,        Reads,     Needs("ledger:read"),      NOT_CACHED, 0,          seconds(60)),
    route("dead-letters",      "/v1/dead-letters",       Orders,        Reads,     Needs("events:write"),     NOT_CACHED, 0,          seconds(10)),
    route("payments",          "/v1/payments",           Payment,       Reads,     Anyone,                    NOT_CACHED, 64 * KIB,   seconds(20)),
    route("payment-methods",   "/v1/payment-methods",    Payment,       Reads,     Anyone,                    CACHED,     0,          seconds(5)),
    route("webhooks",          "/v1/webhooks",           Payment,       Webhooks,  Anyone,                    NOT_CACHED, 512 * KIB,  seconds(20)),
    route("test-provider",     "/v1/test-provider",      Payment,       Reads,     Anyone,                    NOT_CACHED, 16 * KIB,   seconds(90)),
    route("mails",             "/v1/mails",              Notifications, Reads,     Needs("mails:read"),       NOT_CACHED, 16 * KIB,   seconds(10)),
    route("registrations",     "/v1/registrations",      Users,         Logins,    Anyone,                    NOT_CACHED, 16 * KIB,   seconds(10)),
    route("sessions",          "/v1/sessions",           Users,         Logins,    Anyone,                    NOT_CACHED, 16 * KIB,   seconds(10)),
    route("password-resets",   "/v1/password-resets",    Users,         Logins,    Anyone,                    NOT_CACHED, 16 * KIB,   seconds(10)),
    route("me",                "/v1/me",                 Users,         Reads,     Anyone,                    NOT_CACHED, 64 * KIB,   seconds(30)),
    route("users",             "/v1/users",              Users,         Reads,     Anyone,                    NOT_CACHED, 64 * KIB,   seconds(10)),
    route("roles",             "/v1/roles",              Users,         Reads,     Anyone,                    NOT_CACHED, 0,          seconds(10)),
    route("audit",             "/v1/audit",              Users,         Reads,     Needs("audit:read"),       NOT_CACHED, 0,          seconds(10)),
    route("keys",              "/.well-known/jwks.json", Users,         Reads,     Anyone,                    CACHED,     0,          seconds(5)),
    route("unknown",           "/v1",                    Nobody,        Reads,     Anyone,                    NOT_CACHED, 0,          seconds(1)),
    route("internal",          "/internal",              Nobody,        Reads,     Anyone,                    NOT_CACHED, 0,          seconds(1)),
    route("metrics",           "/metrics",               Nobody,        Reads,     Anyone,                    NOT_CACHED, 0,          seconds(1)),
    route("health",            "/health",                Nobody,        Reads,     Anyone,                    NOT_CACHED, 0,          seconds(1)),
    route("assets",            "/assets",                Storefront,    Assets,    Anyone,                    CACHED,     0,          seconds(5)),
    route("pages",             "/",                      Storefront,    Pages,     Anyone,                    CACHED,     64 * KIB,   seconds(20)),
];

/// What a request that changes something counts as, whatever its route's class.
pub const CHANGES: crate::route::Class = Writes;

/// Everything goes through the table: there is no router of axum's beside it. Whose trace a request is part of is settled before
/// it leaves its first trace.
pub fn handler(
    app: App,
) -> impl Fn(Request<Body>, SocketAddr) -> BoxFuture<Response> + Clone + Send + 'static {
    let observed = {
        let app = app.clone();
        observed_handler(move |request, peer| proxy::handle(app.clone(), request, peer))
    };
    move |mut request, peer| {
        caller::forget_context(peer.ip(), request.headers_mut(), &app.trusted);
        observed(request, peer)
    }
}

#[expect(
    clippy::too_many_arguments,
    reason = "a line of the table above, read under its heading"
)]
const fn route(
    name: &'static str,
    prefix: &'static str,
    target: crate::route::Target,
    class: crate::route::Class,
    access: crate::route::Access,
    cached: bool,
    max_body: u64,
    timeout: Duration,
) -> Route {
    Route {
        name,
        prefix,
        target,
        class,
        access,
        cached,
        max_body,
        timeout,
    }
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
