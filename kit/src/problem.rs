//! Errors as people and programs read them: RFC 9457 problem documents.

use std::{error::Error, sync::Arc};

use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};

/// An answer that says what went wrong: `application/problem+json` with a stable `type`.
///
/// `detail` and `errors` are for the caller; the source is for the operators of the shop: it is logged once, with the
/// request's line, and never shown.
#[derive(Debug, Clone, Serialize)]
#[serde(transparent)]
pub struct Problem(Box<Parts>);

/// Behind a pointer, so that a `Result` with a problem in it stays small.
#[derive(Debug, Clone, Serialize)]
struct Parts {
    #[serde(rename = "type")]
    kind: String,
    title: String,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    #[serde(skip)]
    headers: Vec<(HeaderName, HeaderValue)>,
    #[serde(skip)]
    source: Option<Source>,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Path of the field, such as `variants[0].prices[0].amount`.
    pub field: String,
    /// What it must be.
    pub detail: String,
}

/// Why it went wrong, for the log. The response carries it to the access log in its extensions.
#[derive(Debug, Clone)]
pub(crate) struct Source(pub(crate) Arc<dyn Error + Send + Sync>);

impl Problem {
    /// A problem whose `type` is `/problems/{kind}`. `kind` and `title` never change for the same cause.
    pub fn new(status: StatusCode, kind: &str, title: &str) -> Self {
        Self(Box::new(Parts {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status,
            detail: None,
            errors: Vec::new(),
            headers: Vec::new(),
            source: None,
        }))
    }

    /// 400: the request can't be understood; say which field is wrong with [`Problem::field`].
    pub fn invalid() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid-request",
            "The request is not valid.",
        )
    }

    /// 404.
    pub fn not_found(kind: &str, title: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, kind, title)
    }

    /// 503 with `Retry-After`: something this service can't work without is gone for the moment.
    pub fn unavailable(source: impl Error + Send + Sync + 'static) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily-unavailable",
            "This can't be answered right now. Try again in a moment.",
        )
        .header(header::RETRY_AFTER, HeaderValue::from_static("2"))
        .with_source(source)
    }

    /// 500: our fault. The caller learns nothing but the request id.
    pub fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "Something went wrong on our side.",
        )
        .with_source(source)
    }

    /// Adds a sentence about this occurrence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds what is wrong with one field.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError {
            field: field.into(),
            detail: detail.into(),
        });
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Source(Arc::new(source)));
        self
    }

    /// The status of the answer.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The fields that are wrong.
    pub fn errors(&self) -> &[FieldError] {
        &self.0.errors
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (self.0.status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.extend(self.0.headers);
        if let Some(source) = self.0.source {
            response.extensions_mut().insert(source);
        }
        response
    }
}

/// The causes of an error in one line: `outer: inner: innermost`.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        // Some libraries repeat their source in their own text; saying it twice helps nobody.
        if !text.ends_with(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    text
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

/// The shape of a problem document, for `OpenAPI`.
#[derive(utoipa::ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "describes JSON that `Problem` writes")]
pub struct ProblemSchema {
    /// Stable name of the kind of problem, such as `/problems/invalid-request`.
    #[schema(example = "/problems/invalid-request")]
    r#type: String,
    /// The same for every problem of this type.
    title: String,
    /// HTTP status.
    status: u16,
    /// A sentence about this occurrence.
    detail: Option<String>,
    /// The fields that are wrong.
    errors: Option<Vec<FieldErrorSchema>>,
}

/// What is wrong with one field, for `OpenAPI`.
#[derive(utoipa::ToSchema)]
#[schema(as = FieldError)]
#[expect(dead_code, reason = "describes JSON that `FieldError` writes")]
pub struct FieldErrorSchema {
    /// Path of the field.
    field: String,
    /// What it must be.
    detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::io::Error);

    #[test]
    fn names_the_field_and_hides_the_source() {
        let problem = Problem::invalid()
            .field("limit", "must be at most 100")
            .with_source(std::io::Error::other("secret"));
        let json = serde_json::to_value(&problem).expect("serializable");
        assert_eq!(
            json,
            serde_json::json!({
                "type": "/problems/invalid-request", "title": "The request is not valid.", "status": 400,
                "errors": [{"field": "limit", "detail": "must be at most 100"}],
            })
        );
    }

    #[test]
    fn chain_says_each_cause_once() {
        assert_eq!(
            chain(&Outer(std::io::Error::other("inner"))),
            "outer: inner"
        );
    }
}
