//! The front door: a shopper who names no language in the address gets the one that the browser asks for.

use crate::{App, answer_page::wanted, language::Language, show_error::not_found};
use axum::{
    extract::{Path, Request, State},
    response::{IntoResponse as _, Redirect, Response},
};
use http::{HeaderMap, header};

/// `GET /`
pub(crate) async fn choose_language(State(app): State<App>, headers: HeaderMap) -> Response {
    let language = wanted(&headers, app.default_language);
    // Browsers may keep it; shared caches would have to keep one for every list of languages that there is.
    let kept = [
        (header::VARY, "accept-language"),
        (header::CACHE_CONTROL, "private, max-age=300"),
    ];
    (kept, Redirect::to(&format!("/{}/", language.code()))).into_response()
}

/// `GET /{language}` and `GET /{language}/c`: the same address with the slash that it should end in.
pub(crate) async fn add_slash(
    State(app): State<App>,
    Path(language): Path<String>,
    request: Request,
) -> Response {
    match Language::from_code(&language) {
        Some(_) => Redirect::permanent(&format!("{}/", request.uri().path())).into_response(),
        None => not_found(State(app), request).await,
    }
}
