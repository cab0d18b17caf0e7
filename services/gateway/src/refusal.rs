//! What the gateway answers itself when a request goes no further.

use crate::{
    clients::{AnswerError, UpstreamError},
    route::Class,
};
use http::{HeaderValue, StatusCode, header};
use kit::{Problem, auth::TokenError};

/// Why a request goes no further.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The path could be read in more than one way.
    #[error("the path is ambiguous")]
    AmbiguousPath,
    /// Nothing outside may ask for this.
    #[error("there is no such address")]
    NoSuchAddress,
    /// The headers take more room than any service needs.
    #[error("the headers are too large")]
    HeadersTooLarge,
    /// The body has more bytes than the route allows.
    #[error("the body may have at most {0} bytes")]
    BodyTooLarge(u64),
    /// A token that is not accepted.
    #[error("the token is not accepted")]
    Token(#[source] TokenError),
    /// No token where one is needed.
    #[error("a token is needed")]
    TokenNeeded,
    /// The token does not permit this.
    #[error("the permission {0} is needed")]
    PermissionNeeded(&'static str),
    /// Pages of other sites may not open connections in a shopper's name.
    #[error("the origin is not allowed")]
    ForeignOrigin,
    /// A protocol the gateway does not pass through.
    #[error("only websocket connections pass through")]
    UnknownProtocol,
    /// A connection that would last longer than this process.
    #[error("the gateway is leaving")]
    Leaving,
    /// Too many requests.
    #[error("too many requests of class {}", .class.name())]
    Limited {
        /// What they count as.
        class: Class,
        /// The limit, for `RateLimit-Policy`.
        policy: String,
        /// Seconds until the next one passes.
        retry_after: u64,
    },
    /// The upstream broke off its answer before it could be passed on.
    #[error("{upstream} broke off its answer")]
    AnswerBroken {
        /// Which one.
        upstream: &'static str,
        /// Why.
        source: AnswerError,
    },
    /// The upstream gave no answer.
    #[error("{upstream} gave no answer")]
    Upstream {
        /// Which one.
        upstream: &'static str,
        /// Why.
        source: UpstreamError,
    },
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::AmbiguousPath => Self::new(StatusCode::BAD_REQUEST, "ambiguous-path", "The address is not valid.")
                .detail("The path may hold no dot segments, doubled or encoded slashes, backslashes or control bytes."),
            Refusal::NoSuchAddress => Self::not_found("no-such-address", "There is nothing at this address."),
            Refusal::HeadersTooLarge => Self::new(
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
                "headers-too-large",
                "The request's headers are too large.",
            )
            .detail("Deleting this site's cookies may help."),
            Refusal::BodyTooLarge(limit) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body-too-large", "The request's body is too large.")
                    .detail(format!("At most {limit} bytes are accepted here."))
            }
            Refusal::Token(error) => error.into(),
            Refusal::TokenNeeded => {
                Self::new(StatusCode::UNAUTHORIZED, "token-required", "This needs an access token.")
                    .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
            }
            Refusal::PermissionNeeded(permission) => {
                Self::new(StatusCode::FORBIDDEN, "forbidden", "You may not do this.")
                    .detail(format!("This needs the permission {permission}."))
            }
            Refusal::ForeignOrigin => Self::new(
                StatusCode::FORBIDDEN,
                "foreign-origin",
                "Pages of this origin may not open connections here.",
            ),
            Refusal::UnknownProtocol => Self::new(
                StatusCode::BAD_REQUEST,
                "unknown-protocol",
                "This protocol is not passed through.",
            )
            .detail("Upgrade may only ask for websocket."),
            // On a connection of its own, the next try reaches another gateway.
            Refusal::Leaving => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "leaving",
                "This part of the shop is about to restart. Try again in a moment.",
            )
            .header(header::RETRY_AFTER, HeaderValue::from_static("1"))
            .header(header::CONNECTION, HeaderValue::from_static("close")),
            Refusal::Limited { class, policy, retry_after } => limited(class, &policy, retry_after),
            Refusal::AnswerBroken { .. } => {
                Self::new(StatusCode::BAD_GATEWAY, UPSTREAM_FAILED.0, UPSTREAM_FAILED.1).with_source(refusal)
            }
            Refusal::Upstream { upstream, source } => no_answer(upstream, source),
        }
    }
}

/// The header fields are those of draft-ietf-httpapi-ratelimit-headers.
fn limited(class: Class, policy: &str, retry_after: u64) -> Problem {
    let value =
        |text: &str| HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""));
    let name = class.name();
    Problem::new(
        StatusCode::TOO_MANY_REQUESTS,
        "too-many-requests",
        "Too many requests. Slow down, please.",
    )
    .detail(format!("Try again in {retry_after} s."))
    .header(header::RETRY_AFTER, HeaderValue::from(retry_after))
    .header(
        RATE_LIMIT,
        value(&format!("\"{name}\";r=0;t={retry_after}")),
    )
    .header(RATE_LIMIT_POLICY, value(policy))
}

const RATE_LIMIT: http::HeaderName = http::HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: http::HeaderName = http::HeaderName::from_static("ratelimit-policy");

const UPSTREAM_FAILED: (&str, &str) = (
    "upstream-failed",
    "A part of the shop did not answer. Try again in a moment.",
);

fn no_answer(upstream: &'static str, source: UpstreamError) -> Problem {
    let (status, kind, title) = match source {
        UpstreamError::LeftAlone(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "upstream-unavailable",
            "A part of the shop is not available right now. Try again in a moment.",
        ),
        UpstreamError::Unreachable { .. } | UpstreamError::Broken { .. } => (
            StatusCode::BAD_GATEWAY,
            UPSTREAM_FAILED.0,
            UPSTREAM_FAILED.1,
        ),
        UpstreamError::TooSlow(_) => (
            StatusCode::GATEWAY_TIMEOUT,
            "upstream-slow",
            "A part of the shop did not answer in time.",
        ),
        UpstreamError::BodyTooLarge => (
            StatusCode::PAYLOAD_TOO_LARGE,
            "body-too-large",
            "The request's body is too large.",
        ),
        UpstreamError::BodyTooSlow => (
            StatusCode::REQUEST_TIMEOUT,
            "body-too-slow",
            "The request's body did not arrive in time.",
        ),
        UpstreamError::BodyBroken => (
            StatusCode::BAD_REQUEST,
            "body-broken",
            "The request's body ended before it was complete.",
        ),
    };
    let problem =
        Problem::new(status, kind, title).with_source(Refusal::Upstream { upstream, source });
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            problem.header(header::RETRY_AFTER, HeaderValue::from_static("1"))
        }
        _ => problem,
    }
}
