//! Where a form comes from: whether a request that changes something was made by a page of this shop.
//!
//! Two things must hold: the browser says that the page is ours, and the form holds a token that only a page made for this browser has.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderName, header};
use sha2::{Digest as _, Sha256};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who made a request, as far as the browser says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A page of this shop.
    Ours,
    /// A page of somebody else.
    Foreign,
    /// The browser does not say.
    Unknown,
}

/// Where a request comes from; `shop` is the origin that shoppers reach the shop at.
pub fn origin(headers: &HeaderMap, shop: &str) -> Origin {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    match text(SEC_FETCH_SITE) {
        Some("same-origin") => return Origin::Ours,
        // Typed, or from a bookmark: nobody's page, so the token decides.
        Some("none") | None => {}
        Some(_) => return Origin::Foreign,
    }
    let Some(origin) = text(header::ORIGIN) else {
        return Origin::Unknown;
    };
    // A port-forward or another name of the same host is ours as well: a foreign page can't choose the host that it posts to and its own
    // origin at once.
    let is_host = origin
        .split_once("://")
        .is_some_and(|(_, authority)| text(header::HOST) == Some(authority));
    if origin == shop || is_host {
        Origin::Ours
    } else {
        Origin::Foreign
    }
}

/// The token of forms made for who has this visit cookie.
pub fn form_token(visit: &str) -> String {
    let mut digest = Sha256::new();
    digest.update(b"amazoff form\0");
    digest.update(visit.as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(&digest.finalize()[..18])
}

/// Whether a form's token is that of the visit; takes equally long wherever they differ.
pub fn is_form_token(token: &str, visit: &str) -> bool {
    let expected = form_token(visit);
    token.len() == expected.len()
        && token
            .bytes()
            .zip(expected.bytes())
            .fold(0, |difference, (given, wanted)| {
                difference | (given ^ wanted)
            })
            == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn knows_its_own_pages() {
        for (site, origin_header, host, expected) in [
            (Some("same-origin"), None, None, Origin::Ours),
            (
                Some("same-origin"),
                Some("https://evil.example"),
                None,
                Origin::Ours,
            ),
            (
                Some("cross-site"),
                Some("https://shop.example"),
                None,
                Origin::Foreign,
            ),
            (Some("same-site"), None, None, Origin::Foreign),
            (Some("none"), None, None, Origin::Unknown),
            (None, None, None, Origin::Unknown),
            (None, Some("https://shop.example"), None, Origin::Ours),
            (
                None,
                Some("https://shop.example.evil.example"),
                None,
                Origin::Foreign,
            ),
            (
                None,
                Some("http://localhost:8080"),
                Some("localhost:8080"),
                Origin::Ours,
            ),
            (
                None,
                Some("http://evil.example"),
                Some("localhost:8080"),
                Origin::Foreign,
            ),
            (None, Some("null"), Some("null"), Origin::Foreign),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in [
                (SEC_FETCH_SITE, site),
                (header::ORIGIN, origin_header),
                (header::HOST, host),
            ] {
                if let Some(value) = value {
                    headers.insert(name, HeaderValue::from_static(value));
                }
            }
            assert_eq!(
                origin(&headers, "https://shop.example"),
                expected,
                "{headers:?}"
            );
        }
    }

    #[test]
    fn a_token_belongs_to_one_visit() {
        let token = form_token("one");
        assert!(is_form_token(&token, "one"));
        for (token, visit) in [
            (token.as_str(), "two"),
            ("", "one"),
            (&token[1..], "one"),
            ("one", "one"),
        ] {
            assert!(!is_form_token(token, visit), "{token} {visit}");
        }
    }
}
