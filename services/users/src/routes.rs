//! The API at a glance.

use std::collections::BTreeMap;

use axum::{
    Json, Router, extract::DefaultBodyLimit, middleware::map_response, response::Response,
    routing::get,
};
use http::{HeaderValue, header};
use kit::problem::ProblemSchema;
use utoipa::{
    IntoResponses, Modify, OpenApi,
    openapi::{
        ContentBuilder, OpenApi as Document, Ref, RefOr, Response as ResponseDoc, ResponseBuilder,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    App, assign_roles, change_password, edit_profile, erase_person, export_person, keep_addresses,
    list_people, list_sessions, log_in, log_in_with_passkey, log_out, manage_passkeys, manage_totp,
    publish_keys, publish_revocations, read_audit, refresh_session, register_person, replay_events,
    reset_password,
};

/// The largest JSON body.
const LARGEST_BODY: usize = 64 * 1024;

/// What can go wrong everywhere.
pub struct Problems;

impl IntoResponses for Problems {
    fn responses() -> BTreeMap<String, RefOr<ResponseDoc>> {
        problems(&[
            ("400", "Some field is wrong; which one is said."),
            (
                "401",
                "There is no valid token, or the credentials are wrong.",
            ),
            ("403", "The caller may not do this."),
            ("404", "There is no such thing, or it is somebody else's."),
            (
                "429",
                "Too many attempts; `Retry-After` says how long to wait.",
            ),
            ("503", "Not now; `Retry-After` says when."),
        ])
    }
}

/// What else can go wrong where something is sent.
pub struct BodyProblems;

impl IntoResponses for BodyProblems {
    fn responses() -> BTreeMap<String, RefOr<ResponseDoc>> {
        problems(&[
            ("409", "It does not go together with what is there."),
            ("413", "The body is too large."),
            ("415", "The body is not JSON."),
        ])
    }
}

/// What else can go wrong where something is edited that others may edit too.
pub struct EditProblems;

impl IntoResponses for EditProblems {
    fn responses() -> BTreeMap<String, RefOr<ResponseDoc>> {
        problems(&[
            ("412", "Somebody else changed it meanwhile."),
            ("428", "`If-Match` is missing."),
        ])
    }
}

fn problems(statuses: &[(&'static str, &'static str)]) -> BTreeMap<String, RefOr<ResponseDoc>> {
    let document = |(status, description): &(&'static str, &'static str)| {
        let schema = Ref::from_schema_name("Problem");
        let content = ContentBuilder::new().schema(Some(schema)).build();
        let response = ResponseBuilder::new()
            .description(*description)
            .content("application/problem+json", content)
            .build();
        ((*status).to_owned(), RefOr::T(response))
    };
    statuses.iter().map(document).collect()
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
        .routes(routes!(replay_events::list_dead_letters))
        .routes(routes!(replay_events::replay_dead_letter))
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
