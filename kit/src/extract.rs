//! axum's extractors with answers that name the field that is wrong.

use axum::{
    extract::{FromRequest, FromRequestParts, Request},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use serde::{Serialize, de::DeserializeOwned};

use crate::Problem;

/// A JSON body. Refuses another content type (415), a body over the router's limit (413) and JSON that does not fit `T` (400).
#[derive(Debug, Clone, Copy)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        if !(essence == "application/json"
            || (essence.starts_with("application/") && essence.ends_with("+json")))
        {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "unsupported-media-type",
                "Send JSON with Content-Type: application/json.",
            ));
        }
        let body = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
                    Problem::new(
                        StatusCode::PAYLOAD_TOO_LARGE,
                        "too-large",
                        "The request is too large.",
                    )
                } else {
                    Problem::invalid()
                        .detail("The body could not be read.")
                        .with_source(rejection)
                }
            })?;
        let mut deserializer = serde_json::Deserializer::from_slice(&body);
        let value = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| at_field("body", &error))?;
        deserializer
            .end()
            .map_err(|error| Problem::invalid().field("body", error.to_string()))?;
        Ok(Self(value))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        axum::Json(self.0).into_response()
    }
}

/// The address by which a person is known where they have no account, in requests about all that is kept on them. In a header, since URLs
/// end up in logs; absent when there is none.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonEmail(pub Option<String>);

impl PersonEmail {
    /// The name of the header.
    pub const NAME: HeaderName = HeaderName::from_static("person-email");

    /// The header that says it; none for what no header can hold, which is no address either.
    pub fn header(email: &str) -> Option<(HeaderName, HeaderValue)> {
        let mut value = HeaderValue::from_bytes(email.as_bytes()).ok()?;
        value.set_sensitive(true);
        Some((Self::NAME, value))
    }
}

/// Addresses don't belong in logs.
impl std::fmt::Debug for PersonEmail {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PersonEmail(…)")
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PersonEmail {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(Self::NAME) else {
            return Ok(Self(None));
        };
        let email = str::from_utf8(value.as_bytes())
            .map_err(|_not_text| Problem::invalid().field("person-email", "must be UTF-8"))?;
        Ok(Self(Some(email.to_owned())))
    }
}

/// The query string.
#[derive(Debug, Clone, Copy)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let deserializer = serde_urlencoded::Deserializer::new(pairs);
        serde_path_to_error::deserialize(deserializer)
            .map(Self)
            .map_err(|error| at_field("query", &error))
    }
}

/// The parameters in the path. One that does not parse means that there is nothing at this address: 404.
#[derive(Debug, Clone, Copy)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        axum::extract::Path::from_request_parts(parts, state)
            .await
            .map(|axum::extract::Path(value)| Self(value))
            .map_err(|rejection| {
                Problem::not_found("no-such-address", "There is nothing at this address.")
                    .detail(rejection.body_text())
            })
    }
}

fn at_field<E: std::fmt::Display>(whole: &str, error: &serde_path_to_error::Error<E>) -> Problem {
    let path = error.path().to_string();
    let field = if path == "." { whole.to_owned() } else { path };
    Problem::invalid().field(field, error.inner().to_string())
}
