//! Entity tags from revisions (RFC 9110, section 8.8.3), and the preconditions that use them.

use axum::extract::FromRequestParts;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};

use crate::Problem;

/// The strong tag of a revision: `"42"`.
pub fn of(revision: u64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("\"0\""))
}

/// Whether the caller already has what `etag` names (`If-None-Match`, weak comparison).
pub fn not_modified(headers: &HeaderMap, etag: &HeaderValue) -> bool {
    let Ok(etag) = etag.to_str() else {
        return false;
    };
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|candidate| {
            candidate == "*" || candidate.trim_start_matches("W/") == etag.trim_start_matches("W/")
        })
}

/// The revision that the caller means to change (`If-Match`). Asking for it makes it required: 428 when absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IfMatch(Option<Vec<u64>>);

impl IfMatch {
    /// 412 unless the caller saw `revision` (or said `*`).
    pub fn check(&self, revision: u64) -> Result<(), Problem> {
        match &self.0 {
            Some(seen) if !seen.contains(&revision) => Err(Problem::new(
                StatusCode::PRECONDITION_FAILED,
                "changed-meanwhile",
                "Someone else changed this meanwhile. Read it again, then repeat your change.",
            )
            .header(header::ETAG, of(revision))),
            _ => Ok(()),
        }
    }

    fn parse(headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        let mut revisions = Vec::new();
        for value in headers.get_all(header::IF_MATCH) {
            for tag in value.to_str().unwrap_or_default().split(',').map(str::trim) {
                if tag == "*" {
                    return Ok(Some(Self(None)));
                }
                let revision = tag
                    .strip_prefix('"')
                    .and_then(|tag| tag.strip_suffix('"'))
                    .and_then(|tag| tag.parse().ok());
                let Some(revision) = revision else {
                    return Err(Problem::invalid().field(
                        "If-Match",
                        "must be the ETag of an earlier answer, such as \"42\"",
                    ));
                };
                revisions.push(revision);
            }
        }
        Ok((!revisions.is_empty()).then_some(Self(Some(revisions))))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Self::parse(&parts.headers)?.ok_or_else(|| {
            Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "if-match-required",
                "Say which revision you change: send its ETag in If-Match.",
            )
        })
    }
}

impl<S: Send + Sync> axum::extract::OptionalFromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Problem> {
        Self::parse(&parts.headers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: http::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a header"))])
    }

    #[test]
    fn if_match_names_the_revision_seen() {
        for (sent, revision, ok) in [
            ("\"4\"", 4, true),
            ("\"3\"", 4, false),
            ("\"3\", \"4\"", 4, true),
            ("*", 9, true),
        ] {
            let parsed = IfMatch::parse(&headers(header::IF_MATCH, sent))
                .expect("valid")
                .expect("present");
            assert_eq!(
                parsed.check(revision).is_ok(),
                ok,
                "{sent} against {revision}"
            );
        }
        assert!(IfMatch::parse(&headers(header::IF_MATCH, "4")).is_err());
        assert_eq!(IfMatch::parse(&HeaderMap::new()).expect("valid"), None);
    }

    #[test]
    fn not_modified_compares_weakly() {
        for (sent, same) in [
            ("\"4\"", true),
            ("W/\"4\"", true),
            ("\"3\", \"4\"", true),
            ("*", true),
            ("\"5\"", false),
        ] {
            assert_eq!(
                not_modified(&headers(header::IF_NONE_MATCH, sent), &of(4)),
                same,
                "{sent}"
            );
        }
    }
}
