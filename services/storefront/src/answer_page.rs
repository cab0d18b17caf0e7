//! One request for a page: what every page needs of it, and how a page becomes an answer.

use crate::{
    App,
    category_tree::CategoryTree,
    language::Language,
    page_error::PageError,
    shell::{Doors, Shell},
    show_error,
};
use askama::Template;
use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse as _, Response},
};
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header, request::Parts};
use sha2::{Digest as _, Sha256};
use std::{fmt::Write as _, io::Write as _, sync::Arc};

/// Scripts and styles come from our own files only; nothing is ever written inline, so injected markup can't run.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' https:; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// As long as the catalog lets its own answers be kept.
const SHARED: HeaderValue =
    HeaderValue::from_static("public, max-age=5, stale-while-revalidate=60");
/// Below this, compressing costs more than it saves.
const WORTH_COMPRESSING: usize = 860;

/// A request for a page.
pub struct Visit {
    pub language: Language,
    pub uri: Uri,
    /// The categories; empty when they could never be read.
    pub tree: Arc<CategoryTree>,
    pub origin: Arc<str>,
    /// Whether the page was asked for, and nothing sent: then its address can be asked for again.
    pub is_read: bool,
    doors: Doors,
    headers: HeaderMap,
}

/// What a page's handler decided.
pub enum Outcome {
    /// The whole page, which anyone may keep for a moment.
    Page(String),
    /// A page that something is missing from: shown, but kept by no one.
    Partial(String),
    /// The page is elsewhere for good.
    Moved(String),
}

impl Visit {
    /// Everything after the path's `?`.
    pub fn query(&self) -> &str {
        self.uri.query().unwrap_or_default()
    }

    /// Path and query, to come back to.
    pub fn here(&self) -> String {
        self.uri
            .path_and_query()
            .map_or_else(|| "/".to_owned(), ToString::to_string)
    }

    /// The frame of a page with these paths.
    pub fn shell(&self, hrefs: impl Fn(Language) -> String) -> Shell {
        Shell::new(self.language, &self.tree, &self.origin, self.doors, hrefs)
    }

    /// The answer: the page, or the one that says what went wrong.
    pub fn answer(&self, outcome: Result<Outcome, PageError>) -> Response {
        match outcome {
            // While the shop is still being filled, the next page shows more than this one.
            Ok(Outcome::Page(html)) if !self.tree.is_hollow() => {
                self.html(StatusCode::OK, html, SHARED)
            }
            Ok(Outcome::Page(html) | Outcome::Partial(html)) => {
                self.html(StatusCode::OK, html, HeaderValue::from_static("no-store"))
            }
            Ok(Outcome::Moved(href)) => moved(&href),
            Err(error) => show_error::answer(self, &error),
        }
    }

    /// A page as an answer: tagged by its content, compressed, under the strict policy.
    pub fn html(&self, status: StatusCode, html: String, cache: HeaderValue) -> Response {
        let mut response = if status == StatusCode::OK {
            let etag = etag(&html);
            let mut response = if kit::etag::not_modified(&self.headers, &etag) {
                StatusCode::NOT_MODIFIED.into_response()
            } else {
                self.body(html)
            };
            response.headers_mut().insert(header::ETAG, etag);
            response
        } else {
            self.body(html)
        };
        if response.status() == StatusCode::OK {
            *response.status_mut() = status;
        }
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, cache);
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
        headers.insert(
            header::CONTENT_LANGUAGE,
            HeaderValue::from_static(self.language.code()),
        );
        headers.insert(
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(CONTENT_SECURITY_POLICY),
        );
        headers.insert(
            header::REFERRER_POLICY,
            HeaderValue::from_static("strict-origin-when-cross-origin"),
        );
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }

    fn body(&self, html: String) -> Response {
        let compressed = (html.len() >= WORTH_COMPRESSING && accepts(&self.headers, "gzip"))
            .then(|| gzip(html.as_bytes()))
            .flatten();
        let mut response = match compressed {
            Some(compressed) => {
                let mut response = Response::new(Body::from(compressed));
                response
                    .headers_mut()
                    .insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                response
            }
            None => Response::new(Body::from(html)),
        };
        response.headers_mut().insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/html; charset=utf-8"),
        );
        response
    }

    async fn new(parts: &Parts, app: &App, language: Language) -> Self {
        Self {
            language,
            uri: parts.uri.clone(),
            tree: app.menu.tree().await,
            origin: app.origin.clone(),
            is_read: parts.method.is_safe(),
            doors: Doors {
                cart: app.sells(),
                orders: app.orders.is_some(),
                account: app.users.is_some(),
            },
            headers: parts.headers.clone(),
        }
    }
}

/// The page in words.
pub fn render(template: &impl Template) -> Result<String, PageError> {
    template.render().map_err(PageError::Render)
}

/// Whether the client takes a content coding (RFC 9110, section 12.5.3).
pub fn accepts(headers: &HeaderMap, coding: &str) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|entry| {
            let (name, parameters) = entry.split_once(';').unwrap_or((entry, ""));
            name.trim()
                .eq_ignore_ascii_case(coding)
                .then(|| parameters.trim())
        })
        .any(|parameters| !matches!(parameters, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

impl FromRequestParts<App> for Visit {
    type Rejection = Response;

    /// A path that begins with no language of ours is no page.
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        if let Some(language) = Language::of_path(parts.uri.path()) {
            return Ok(Self::new(parts, app, language).await);
        }
        let visit = Self::new(parts, app, wanted(&parts.headers, app.default_language)).await;
        Err(visit.answer(Err(PageError::NotFound)))
    }
}

/// The language that a request's headers ask for.
pub fn wanted(headers: &HeaderMap, default: Language) -> Language {
    let header = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    Language::negotiate(header.unwrap_or_default(), default)
}

fn moved(href: &str) -> Response {
    let mut response = StatusCode::MOVED_PERMANENTLY.into_response();
    let location: [(HeaderName, &str); 2] = [
        (header::LOCATION, href),
        (header::CACHE_CONTROL, "public, max-age=300"),
    ];
    for (name, value) in location {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// Weak: the same page is sent plain and compressed.
fn etag(html: &str) -> HeaderValue {
    let mut tag = String::from("W/\"");
    for byte in Sha256::digest(html).iter().take(12) {
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("W/\"0\""))
}

fn gzip(content: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(content.len() / 4), Compression::new(4));
    encoder.write_all(content).ok()?;
    encoder.finish().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_coding_can_be_refused() {
        for (header, taken) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("gzip;q=0", false),
            ("gzip; q=0", false),
            ("br", false),
            ("", false),
        ] {
            let headers =
                HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(header))]);
            assert_eq!(accepts(&headers, "gzip"), taken, "{header}");
        }
    }
}
