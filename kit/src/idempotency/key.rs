use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use http::{HeaderMap, StatusCode, request::Parts};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::Problem;

const LONGEST_KEY: usize = 255;
const HEADER: &str = "idempotency-key";

/// The `Idempotency-Key` of a request: 1 to 255 visible ASCII characters. As an extractor it is required (400 when absent).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// The key in these headers.
    pub fn read(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let Some(value) = headers.get(HEADER) else {
            return Ok(None);
        };
        let is_key = (1..=LONGEST_KEY).contains(&value.len())
            && value.as_bytes().iter().all(u8::is_ascii_graphic);
        match value.to_str() {
            Ok(key) if is_key => Ok(Some(Self(key.to_owned()))),
            _ => Err(Problem::invalid().field(
                "Idempotency-Key",
                format!("must be 1 to {LONGEST_KEY} visible ASCII characters"),
            )),
        }
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::read(&parts.headers)?.ok_or_else(|| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "idempotency-key-required",
                "This needs an Idempotency-Key, so that it can be sent again safely.",
            )
            .field(
                "Idempotency-Key",
                "must be there: a new UUID for each intent",
            )
        })
    }
}

impl<S: Send + Sync> OptionalFromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::read(&parts.headers)
    }
}

/// What is asked for, by whom, under which key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    pub(super) id: [u8; 32],
    pub(super) content: [u8; 32],
}

impl Request {
    /// `route` and `caller` are the scope of the key: a key of one caller never meets that of another. `content` is everything that
    /// the effect depends on: the body, and what stands in the path.
    pub fn new(route: &str, caller: &str, key: &Key, content: &impl Serialize) -> Self {
        // Each part with its length, so that no two different requests read the same.
        let mut scope = Sha256::new();
        for part in [route, caller, &key.0] {
            scope.update(part.len().to_be_bytes());
            scope.update(part.as_bytes());
        }
        // What can't be written as JSON was not read from JSON either.
        let content = serde_json::to_vec(content).unwrap_or_default();
        Self {
            id: scope.finalize().into(),
            content: Sha256::digest(content).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_key_is_short_and_visible() {
        for (value, ok) in [
            ("a", true),
            ("0193f7d0-0000-7000-8000-000000000000", true),
            (&"k".repeat(255), true),
            (&"k".repeat(256), false),
            ("", false),
            ("a b", false),
            ("é", false),
        ] {
            let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
            let headers =
                HeaderMap::from_iter([(http::HeaderName::from_static(HEADER), value.clone())]);
            assert_eq!(Key::read(&headers).is_ok(), ok, "{value:?}");
        }
        assert_eq!(Key::read(&HeaderMap::new()).expect("none"), None);
    }

    proptest! {
        #[test]
        fn requests_are_the_same_only_when_every_part_is(
            one in ("[ab]{0,3}", "[ab]{0,3}", "[ab]{1,3}", "[ab]{0,2}"),
            two in ("[ab]{0,3}", "[ab]{0,3}", "[ab]{1,3}", "[ab]{0,2}"),
        ) {
            let request = |(route, caller, key, body): &(String, String, String, String)| {
                Request::new(route, caller, &Key(key.clone()), body)
            };
            let (first, second) = (request(&one), request(&two));
            let same_scope = (&one.0, &one.1, &one.2) == (&two.0, &two.1, &two.2);
            prop_assert_eq!(first.id == second.id, same_scope);
            prop_assert_eq!(first.content == second.content, one.3 == two.3);
        }
    }
}
