//! The pages that say what went wrong, in the shopper's language, with a way on.

use crate::{
    answer_page::{Visit, render},
    assets, drawing,
    language::Language,
    messages::Messages,
    page_error::PageError,
    shell::Shell,
};
use askama::Template;
use axum::{
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use http::{HeaderValue, StatusCode, header};

#[derive(Template)]
#[template(path = "error.html", whitespace = "minimize")]
struct ErrorPage {
    t: &'static Messages,
    shell: Shell,
    code: u16,
    picture: &'static str,
    title: &'static str,
    text: &'static str,
    retry: Option<String>,
}

/// No route has this address.
pub(crate) async fn not_found(State(app): State<crate::App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    match <Visit as axum::extract::FromRequestParts<crate::App>>::from_request_parts(
        &mut parts, &app,
    )
    .await
    {
        Ok(visit) => answer(&visit, &PageError::NotFound),
        Err(response) => response,
    }
}

/// The page for an error; the error is logged here, once, when it is not the shopper's.
pub(crate) fn answer(visit: &Visit, error: &PageError) -> Response {
    let t = visit.language.messages();
    let (status, title, text) = match error {
        PageError::NotFound => (StatusCode::NOT_FOUND, t.not_found_title, t.not_found_text),
        PageError::BadRequest(_) | PageError::Refused => (
            StatusCode::BAD_REQUEST,
            t.bad_request_title,
            t.bad_request_text,
        ),
        PageError::Unavailable(_) | PageError::NoCategories => (
            StatusCode::SERVICE_UNAVAILABLE,
            t.unavailable_title,
            t.unavailable_text,
        ),
        PageError::Closed(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            t.cart.closed_title,
            t.cart.closed_text,
        ),
        PageError::StaleForm => (StatusCode::FORBIDDEN, t.cart.stale_title, t.cart.stale_text),
        PageError::Render(_) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            t.failed_title,
            t.failed_text,
        ),
    };
    if status.is_server_error() {
        tracing::error!(error = %kit::problem::chain(error), path = visit.uri.path(), "a page could not be shown");
    }
    let shell = visit
        .shell(|language: Language| format!("/{}/", language.code()))
        .titled(title, text.to_owned())
        .unlisted();
    let page = ErrorPage {
        t,
        shell,
        code: status.as_u16(),
        picture: if status == StatusCode::SERVICE_UNAVAILABLE {
            "closed"
        } else {
            "empty"
        },
        title,
        text,
        retry: (status.is_server_error() && visit.is_read).then(|| visit.here()),
    };
    let Ok(html) = render(&page) else {
        return (status, text).into_response();
    };
    let mut response = visit.html(status, html, HeaderValue::from_static("no-store"));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    }
    response
}
