//! Which other sites' pages may call the shop (CORS), and which may open sockets to it.

use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use std::str::FromStr;

/// The site of a page: `https://partner.example`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// What is not an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be an origin, such as https://partner.example, without a path")]
pub struct NotAnOrigin;

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let url = url::Url::parse(text).map_err(|_malformed| NotAnOrigin)?;
        let origin = url.origin();
        let same = origin.is_tuple() && origin.ascii_serialization() == text;
        same.then(|| HeaderValue::from_str(text).ok())
            .flatten()
            .map(Self)
            .ok_or(NotAnOrigin)
    }
}

/// The origins that are allowed beside the shop's own.
#[derive(Debug, Clone, Default)]
pub struct Cors {
    origins: Vec<Origin>,
}

impl Cors {
    /// Allows these.
    pub fn new(origins: Vec<Origin>) -> Self {
        Self { origins }
    }

    /// What a preflight request is answered, if this is one and the origins are configured.
    pub fn preflight(
        &self,
        method: &Method,
        headers: &HeaderMap,
    ) -> Option<(StatusCode, HeaderMap)> {
        let asked = headers.get(header::ACCESS_CONTROL_REQUEST_METHOD);
        if self.origins.is_empty() || method != Method::OPTIONS || asked.is_none() {
            return None;
        }
        let mut answer = HeaderMap::new();
        self.allow(headers.get(header::ORIGIN), &mut answer);
        if answer.contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
            let allowed = [
                (
                    header::ACCESS_CONTROL_ALLOW_METHODS,
                    "GET, HEAD, POST, PUT, PATCH, DELETE",
                ),
                (
                    header::ACCESS_CONTROL_ALLOW_HEADERS,
                    "authorization, content-type, idempotency-key, if-match, if-none-match",
                ),
                (header::ACCESS_CONTROL_MAX_AGE, "600"),
            ];
            answer.extend(allowed.map(|(name, value)| (name, HeaderValue::from_static(value))));
        }
        Some((StatusCode::NO_CONTENT, answer))
    }

    /// Says in an answer that the page of `origin` may read it, when it may.
    pub fn allow(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) {
        if self.origins.is_empty() {
            return;
        }
        answer.append(header::VARY, HeaderValue::from_static("origin"));
        if let Some(origin) = origin.filter(|origin| self.is_allowed(origin)) {
            answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            answer.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("etag, location, retry-after"),
            );
        }
    }

    /// Whether a page may open a socket: a page of the shop, of an allowed origin, or no page at all.
    pub fn allows_socket(&self, headers: &HeaderMap) -> bool {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return true;
        };
        self.is_allowed(origin) || is_same_host(origin, headers.get(header::HOST))
    }

    fn is_allowed(&self, origin: &HeaderValue) -> bool {
        self.origins.iter().any(|allowed| allowed.0 == origin)
    }
}

fn is_same_host(origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
    let origin = origin
        .to_str()
        .ok()
        .and_then(|origin| origin.split_once("://"));
    origin
        .zip(host)
        .is_some_and(|((_, site), host)| host.as_bytes().eq_ignore_ascii_case(site.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(list: &[(http::HeaderName, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    fn partner() -> Cors {
        Cors::new(vec!["https://partner.example".parse().expect("an origin")])
    }

    #[test]
    fn origins_have_no_path() {
        for (text, valid) in [
            ("https://partner.example", true),
            ("http://localhost:3000", true),
            ("https://partner.example/", false),
            ("https://partner.example/x", false),
            ("partner.example", false),
            ("*", false),
            ("null", false),
        ] {
            assert_eq!(text.parse::<Origin>().is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn answers_preflights_of_allowed_origins_only() {
        let ask = |origin| {
            headers(&[
                (header::ORIGIN, origin),
                (header::ACCESS_CONTROL_REQUEST_METHOD, "PUT"),
            ])
        };
        let (status, answer) = partner()
            .preflight(&Method::OPTIONS, &ask("https://partner.example"))
            .expect("a preflight");
        assert_eq!(status, StatusCode::NO_CONTENT);
        assert_eq!(
            answer["access-control-allow-origin"],
            "https://partner.example"
        );
        let (_, answer) = partner()
            .preflight(&Method::OPTIONS, &ask("https://evil.example"))
            .expect("a preflight");
        assert!(!answer.contains_key("access-control-allow-origin"));
        assert!(
            partner()
                .preflight(&Method::GET, &ask("https://partner.example"))
                .is_none()
        );
        assert!(
            Cors::default()
                .preflight(&Method::OPTIONS, &ask("https://partner.example"))
                .is_none()
        );
    }

    #[test]
    fn names_the_origin_and_varies_by_it() {
        let mut answer = HeaderMap::new();
        partner().allow(
            Some(&HeaderValue::from_static("https://evil.example")),
            &mut answer,
        );
        assert_eq!(answer, headers(&[(header::VARY, "origin")]));
        let mut answer = HeaderMap::new();
        Cors::default().allow(
            Some(&HeaderValue::from_static("https://partner.example")),
            &mut answer,
        );
        assert!(answer.is_empty());
    }

    #[test]
    fn sockets_open_from_the_shops_own_pages() {
        for (origin, allowed) in [
            ("https://shop.example", true),
            ("http://SHOP.example", true),
            ("https://partner.example", true),
            ("https://evil.example", false),
            ("null", false),
        ] {
            let sent = headers(&[(header::HOST, "shop.example"), (header::ORIGIN, origin)]);
            assert_eq!(partner().allows_socket(&sent), allowed, "{origin}");
        }
        assert!(partner().allows_socket(&headers(&[(header::HOST, "shop.example")])));
    }
}
