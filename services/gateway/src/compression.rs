//! Which kept answers the gateway compresses, and how.

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http::{HeaderMap, HeaderValue, header};
use std::io::Write as _;

/// Shorter texts are not worth compressing.
const WORTH_COMPRESSING: usize = 1024;

/// Whether the gateway compresses it: text that the service has left as it is.
pub fn is_compressible(headers: &HeaderMap, body: &Bytes) -> bool {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|media| {
            let media = media.split(';').next().unwrap_or_default().trim();
            media.starts_with("text/")
                || media.ends_with("json")
                || media.ends_with("xml")
                || matches!(
                    media,
                    "application/javascript" | "application/manifest+json"
                )
        });
    let control = headers
        .get(header::CACHE_CONTROL)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text && body.len() >= WORTH_COMPRESSING
        && !headers.contains_key(header::CONTENT_ENCODING)
        && !control.contains("no-transform")
}

/// The compressed copy of an answer and its headers; `None` when it stays as it is.
pub fn gzip(headers: &HeaderMap, body: &Bytes) -> Option<(HeaderMap, Bytes)> {
    if !is_compressible(headers, body) {
        return None;
    }
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 3), Compression::new(6));
    encoder.write_all(body).ok()?;
    let body = Bytes::from(encoder.finish().ok()?);
    let mut headers = headers.clone();
    headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    if let Some(etag) = headers.get(header::ETAG).and_then(weaken) {
        headers.insert(header::ETAG, etag);
    }
    Some((headers, body))
}

/// Says that the answer depends on what the client can decompress.
pub fn vary(headers: &mut HeaderMap) {
    if !varies_by_encoding(headers) {
        headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
}

/// A compressed copy is equal in meaning, not byte for byte.
fn weaken(etag: &HeaderValue) -> Option<HeaderValue> {
    let text = etag.to_str().ok().filter(|text| !text.starts_with("W/"))?;
    HeaderValue::try_from(format!("W/{text}")).ok()
}

fn varies_by_encoding(headers: &HeaderMap) -> bool {
    let names = headers
        .get_all(header::VARY)
        .iter()
        .filter_map(|value| value.to_str().ok());
    names
        .flat_map(|value| value.split(','))
        .any(|name| name.trim().eq_ignore_ascii_case("accept-encoding"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect()
    }

    #[test]
    fn leaves_alone_what_is_compressed_short_or_no_text() {
        let long = Bytes::from(vec![b'x'; 2000]);
        for (list, body, expected) in [
            (
                &[("content-type", "text/html; charset=utf-8")][..],
                &long,
                true,
            ),
            (&[("content-type", "application/problem+json")], &long, true),
            (&[("content-type", "image/svg+xml")], &long, true),
            (&[("content-type", "image/webp")], &long, false),
            (
                &[("content-type", "text/html"), ("content-encoding", "br")],
                &long,
                false,
            ),
            (
                &[
                    ("content-type", "text/html"),
                    ("cache-control", "no-transform"),
                ],
                &long,
                false,
            ),
            (
                &[("content-type", "text/html")],
                &Bytes::from_static(b"x"),
                false,
            ),
            (&[], &long, false),
        ] {
            assert_eq!(is_compressible(&headers(list), body), expected, "{list:?}");
        }
    }
}
