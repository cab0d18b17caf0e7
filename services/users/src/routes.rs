//! The API at a glance.

use axum::{
    Json, Router, extract::DefaultBodyLimit, middleware::map_response, response::Response,
    routing::get,
};
use http::{HeaderValue, header};
use kit::problem::ProblemSchema;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        OpenApi as Document,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, assign_roles, change_password, edit_profile, erase_person, export_person, keep_addresses,
    list_people, list_sessions, log_in, log_in_with_passkey, log_out, manage_passkeys, manage_totp,
    publish_keys, publish_revocations, read_audit, refresh_session, register_person,
    reset_password,
};

/// The largest JSON body.
const LARGEST_BODY: usize = 64 * 1024;

/// What can go wrong everywhere.
#[derive(utoipa::IntoResponses)]
pub enum Problems {
    /// Some field is wrong; which one is said.
    #[response(status = 400, content_type = "application/problem+json")]
    Invalid(#[to_schema] ProblemSchema),
    /// There is no valid token, or the credentials are wrong.
    #[response(status = 401, content_type = "application/problem+json")]
    Unknown(#[to_schema] ProblemSchema),
    /// The caller may not do this.
    #[response(status = 403, content_type = "application/problem+json")]
    Forbidden(#[to_schema] ProblemSchema),
    /// There is no such thing, or it is somebody else's.
    #[response(status = 404, content_type = "application/problem+json")]
    NotFound(#[to_schema] ProblemSchema),
    /// It does not go together with what is there.
    #[response(status = 409, content_type = "application/problem+json")]
    Conflict(#[to_schema] ProblemSchema),
    /// Somebody else changed it meanwhile.
    #[response(status = 412, content_type = "application/problem+json")]
    Changed(#[to_schema] ProblemSchema),
    /// The body is too large.
    #[response(status = 413, content_type = "application/problem+json")]
    TooLarge(#[to_schema] ProblemSchema),
    /// The body is not JSON.
    #[response(status = 415, content_type = "application/problem+json")]
    Unsupported(#[to_schema] ProblemSchema),
    /// `If-Match` is missing.
    #[response(status = 428, content_type = "application/problem+json")]
    Required(#[to_schema] ProblemSchema),
    /// Too many attempts; `Retry-After` says how long to wait.
    #[response(status = 429, content_type = "application/problem+json")]
    TooMany(#[to_schema] ProblemSchema),
    /// Not now; `Retry-After` says when.
    #[response(status = 503, content_type = "application/problem+json")]
    Unavailable(#[to_schema] ProblemSchema),
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Amazoff users", description = "Accounts, sessions, second factors, roles and addresses."),
    modifiers(&Token),
    components(schemas(ProblemSchema)),
    tags(
        (name = "accounts", description = "Who somebody is"),
        (name = "sessions", description = "Logging in and out"),
        (name = "second factors", description = "More than a password"),
        (name = "addresses", description = "Where things are sent"),
        (name = "staff", description = "People and roles"),
        (name = "keys", description = "What tokens are verified with"),
        (name = "internal", description = "Between services; the gateway does not route it"),
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
        .routes(routes!(register_person::register))
        .routes(routes!(register_person::confirm_registration))
        .routes(routes!(log_in::log_in))
        .routes(routes!(refresh_session::refresh_session))
        .routes(routes!(log_out::log_out))
        .routes(routes!(
            list_sessions::list_sessions,
            log_out::log_out_everywhere
        ))
        .routes(routes!(log_out::end_session))
        .routes(routes!(reset_password::request_reset))
        .routes(routes!(reset_password::confirm_reset))
        .routes(routes!(
            edit_profile::read_me,
            edit_profile::edit_me,
            erase_person::erase_me
        ))
        .routes(routes!(change_password::change_password))
        .routes(routes!(export_person::export_me))
        .routes(routes!(
            keep_addresses::list_addresses,
            keep_addresses::add_address
        ))
        .routes(routes!(
            keep_addresses::put_address,
            keep_addresses::delete_address
        ))
        .routes(routes!(manage_totp::begin_totp, manage_totp::remove_totp))
        .routes(routes!(manage_totp::confirm_totp))
        .routes(routes!(manage_passkeys::begin_passkey))
        .routes(routes!(
            manage_passkeys::list_passkeys,
            manage_passkeys::add_passkey
        ))
        .routes(routes!(manage_passkeys::delete_passkey))
        .routes(routes!(log_in_with_passkey::begin_passkey_log_in))
        .routes(routes!(log_in_with_passkey::log_in_with_passkey))
        .routes(routes!(list_people::list_users))
        .routes(routes!(list_people::read_user))
        .routes(routes!(assign_roles::put_roles))
        .routes(routes!(assign_roles::list_roles))
        .routes(routes!(read_audit::read_audit))
        .routes(routes!(publish_keys::publish_keys))
        .routes(routes!(publish_revocations::publish_revocations))
}

/// Every route of users.
pub fn router(app: App) -> Router {
    let (routes, document) = (Router::from(documented()), openapi());
    routes
        .route(
            "/openapi.json",
            get(move || std::future::ready(Json(document.clone()))),
        )
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(map_response(keep_private))
        .with_state(app)
}

/// What is not said to be for everybody is for one person, and stays nowhere on its way.
async fn keep_private(mut answer: Response) -> Response {
    answer
        .headers_mut()
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("private, no-store"));
    answer
}

/// The description of the API.
pub fn openapi() -> Document {
    documented().into_openapi()
}
