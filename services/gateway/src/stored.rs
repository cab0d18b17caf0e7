//! A kept answer, and how it is given out.

use crate::{
    compression::{self, is_compressible},
    freshness::{Freshness, Terms, initial_age},
    variant::Codings,
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

/// What an answer takes in memory beside its bytes, roughly.
const OVERHEAD: u64 = 512;

/// RFC 9211.
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
/// The short form, for people.
pub const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// A kept answer.
#[derive(Debug)]
pub struct Stored {
    /// Its status.
    pub status: StatusCode,
    /// Its headers, as clients get them.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// What may be done with it.
    pub terms: Terms,
    /// When it was made, in milliseconds since the epoch.
    pub born_at: i64,
    /// Whether a new one is on its way.
    refreshing: AtomicBool,
    compressed: OnceLock<Option<(HeaderMap, Bytes)>>,
}

/// How a kept answer came to be given out, for `Cache-Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// It was here, and fresh.
    Hit,
    /// It was here, and a new one is on its way.
    Refreshing,
    /// Another request was already fetching it.
    Collapsed,
    /// It was fetched for this request.
    Fetched,
    /// It had not changed since it was kept.
    Revalidated,
    /// No new one could be had.
    StandingIn,
}

impl Stored {
    /// Keeps an answer that came at `now` (milliseconds since the epoch).
    pub fn new(
        status: StatusCode,
        mut headers: HeaderMap,
        body: Bytes,
        terms: Terms,
        now: i64,
    ) -> Self {
        let age = i64::try_from(initial_age(&headers)).unwrap_or(i64::MAX / 2000);
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        mark(&mut headers, 0, Via::Hit);
        if is_compressible(&headers, &body) {
            compression::vary(&mut headers);
        }
        Self::restore(status, headers, body, terms, now - age * 1000)
    }

    /// An answer that was kept before, as it was.
    pub fn restore(
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        terms: Terms,
        born_at: i64,
    ) -> Self {
        Self {
            status,
            headers,
            body,
            terms,
            born_at,
            refreshing: AtomicBool::new(false),
            compressed: OnceLock::new(),
        }
    }

    /// The same answer, confirmed at `now` by a 304 with these headers (RFC 9111, section 4.3.4).
    #[must_use]
    pub fn confirmed(&self, newer: &HeaderMap, terms: Terms, now: i64) -> Self {
        let mut headers = self.headers.clone();
        for name in [
            header::CACHE_CONTROL,
            header::DATE,
            header::ETAG,
            header::EXPIRES,
            header::LAST_MODIFIED,
        ] {
            if let Some(value) = newer.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        Self::restore(self.status, headers, self.body.clone(), terms, now)
    }

    /// Its age in seconds.
    pub fn age(&self, now: i64) -> u64 {
        u64::try_from((now - self.born_at) / 1000).unwrap_or(0)
    }

    /// What may be done with it now.
    pub fn freshness(&self, now: i64) -> Freshness {
        self.terms.at(self.age(now))
    }

    /// Whether it may stand in for an answer that can't be had.
    pub fn stands_in(&self, now: i64) -> bool {
        self.terms.stands_in_at(self.age(now))
    }

    /// True for one caller: the one that fetches the new one.
    pub fn begin_refresh(&self) -> bool {
        !self.refreshing.swap(true, Ordering::AcqRel)
    }

    /// The new one could not be had: someone else may try.
    pub fn end_refresh(&self) {
        self.refreshing.store(false, Ordering::Release);
    }

    /// What it takes in memory, its compressed copy included.
    pub fn weight(&self) -> u64 {
        let body = u64::try_from(self.body.len()).unwrap_or(u64::MAX / 4);
        let headers = u64::try_from(crate::headers::size(&self.headers)).unwrap_or(u64::MAX / 4);
        let copy = if is_compressible(&self.headers, &self.body) {
            body / 4
        } else {
            0
        };
        OVERHEAD + headers + body + copy
    }

    /// The answer to a request with these headers, at `now`.
    pub fn answer(
        &self,
        method: &Method,
        request: &HeaderMap,
        now: i64,
        via: Via,
    ) -> Response<Bytes> {
        let (headers, body) = match self.compressed() {
            Some((headers, body)) if Codings::of(request).gzip => (headers, body),
            _ => (&self.headers, &self.body),
        };
        let not_modified = self.status == StatusCode::OK
            && headers
                .get(header::ETAG)
                .is_some_and(|etag| kit::etag::not_modified(request, etag));
        let mut response = Response::new(Bytes::new());
        *response.headers_mut() = headers.clone();
        if not_modified {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            for name in [
                header::CONTENT_LENGTH,
                header::CONTENT_TYPE,
                header::CONTENT_ENCODING,
            ] {
                response.headers_mut().remove(name);
            }
        } else {
            *response.status_mut() = self.status;
            if *method != Method::HEAD {
                *response.body_mut() = body.clone();
            }
        }
        mark(response.headers_mut(), self.age(now), via);
        response
    }

    /// Made when it is first asked for: many answers never are.
    fn compressed(&self) -> Option<&(HeaderMap, Bytes)> {
        self.compressed
            .get_or_init(|| compression::gzip(&self.headers, &self.body))
            .as_ref()
    }
}

/// Names and values are set once when an answer is kept, so that marking a copy of it only replaces values.
fn mark(headers: &mut HeaderMap, age: u64, via: Via) {
    let (status, short) = match via {
        Via::Hit => ("gateway; hit", "HIT"),
        Via::Refreshing => ("gateway; hit; detail=refreshing", "STALE"),
        Via::Collapsed => ("gateway; fwd=miss; collapsed", "HIT"),
        Via::Fetched => ("gateway; fwd=miss; stored", "MISS"),
        Via::Revalidated => ("gateway; fwd=stale; fwd-status=304", "REVALIDATED"),
        Via::StandingIn => ("gateway; fwd=stale; detail=failed", "STALE"),
    };
    headers.insert(header::AGE, HeaderValue::from(age));
    headers.insert(CACHE_STATUS, HeaderValue::from_static(status));
    headers.insert(X_CACHE, HeaderValue::from_static(short));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read as _;

    const TERMS: Terms = Terms {
        lifetime: 10,
        while_revalidate: 5,
        if_error: 0,
        public: true,
    };

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

    fn stored(body: &'static str) -> Stored {
        let headers = headers(&[
            ("content-type", "application/json"),
            ("etag", "\"7\""),
            ("age", "2"),
        ]);
        Stored::new(
            StatusCode::OK,
            headers,
            Bytes::from_static(body.as_bytes()),
            TERMS,
            100_000,
        )
    }

    #[test]
    fn counts_the_age_from_when_it_was_made() {
        let answer = stored("{}").answer(&Method::GET, &HeaderMap::new(), 103_000, Via::Hit);
        assert_eq!(answer.headers()["age"], "5");
        assert_eq!(answer.headers()["cache-status"], "gateway; hit");
        assert_eq!(answer.headers()["x-cache"], "HIT");
        assert_eq!(answer.headers()["content-length"], "2");
    }

    #[test]
    fn says_not_modified_to_who_has_it() {
        for (seen, status, length) in [
            ("\"7\"", 304, 0),
            ("W/\"7\"", 304, 0),
            ("*", 304, 0),
            ("\"6\"", 200, 2),
        ] {
            let answer = stored("{}").answer(
                &Method::GET,
                &headers(&[("if-none-match", seen)]),
                100_000,
                Via::Hit,
            );
            assert_eq!(
                (answer.status().as_u16(), answer.body().len()),
                (status, length),
                "{seen}"
            );
            assert_eq!(
                answer.headers().contains_key("content-length"),
                status == 200,
                "{seen}"
            );
            assert_eq!(answer.headers()["etag"], "\"7\"");
        }
    }

    #[test]
    fn answers_head_without_the_body_but_with_its_length() {
        let answer = stored("{}").answer(&Method::HEAD, &HeaderMap::new(), 100_000, Via::Hit);
        assert!(answer.body().is_empty());
        assert_eq!(answer.headers()["content-length"], "2");
    }

    #[test]
    fn compresses_texts_once_for_those_who_read_gzip() {
        let text: &'static str = "milk ".repeat(1000).leak();
        let kept = stored(text);
        let plain = kept.answer(&Method::GET, &HeaderMap::new(), 100_000, Via::Hit);
        assert_eq!(
            (plain.body().len(), &plain.headers()["vary"]),
            (5000, &HeaderValue::from_static("accept-encoding"))
        );
        let packed = kept.answer(
            &Method::GET,
            &headers(&[("accept-encoding", "gzip, br")]),
            100_000,
            Via::Hit,
        );
        assert_eq!(packed.headers()["content-encoding"], "gzip");
        assert_eq!(packed.headers()["etag"], "W/\"7\"");
        assert_eq!(
            packed.headers()["content-length"],
            packed.body().len().to_string().as_str()
        );
        let mut unpacked = String::new();
        flate2::read::GzDecoder::new(&packed.body()[..])
            .read_to_string(&mut unpacked)
            .expect("gzip");
        assert_eq!(unpacked, text);
    }

    #[test]
    fn only_one_refreshes() {
        let kept = stored("{}");
        assert!(kept.begin_refresh() && !kept.begin_refresh());
        kept.end_refresh();
        assert!(kept.begin_refresh());
    }
}
