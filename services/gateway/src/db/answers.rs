//! Kept answers that replicas share through Redis. Everything here may fail, and then the upstream is asked.

use crate::{
    App,
    freshness::Terms,
    stored::Stored,
    variant::{Key, select},
};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};
use smallvec::SmallVec;
use std::{fmt::Write as _, sync::Arc};

/// Larger answers stay where they are: moving them costs more than fetching them.
const MAX_SHARED: usize = 256 * 1024;
/// Changed when records are written in another way, so that old and new replicas don't read each other's.
const PREFIX: &str = "gateway:answer:1:";

/// What is kept under an address: what its answers vary on, and the answer when they don't. Where they do, each answer has a
/// record of its own.
#[derive(serde::Serialize, serde::Deserialize)]
struct Record {
    vary: Vec<String>,
    answer: Option<Meta>,
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Meta {
    status: u16,
    headers: Vec<(String, String)>,
    terms: Terms,
    born_at: i64,
}

/// The answer that another replica kept, and what it varies on.
pub(crate) async fn get(
    app: &App,
    key: &Key,
    request: &HeaderMap,
) -> Option<(SmallVec<[HeaderName; 2]>, Stored)> {
    let redis = app.redis.as_ref()?;
    let (record, body) = decode(&redis.get(&name(key, b"")).await.ok()??)?;
    let vary: SmallVec<[HeaderName; 2]> = record
        .vary
        .iter()
        .map(|name| HeaderName::from_bytes(name.as_bytes()).ok())
        .collect::<Option<_>>()?;
    if let Some(meta) = record.answer {
        return Some((vary, meta.into_stored(body)?));
    }
    let selector = select(&vary, request);
    let (record, body) = decode(&redis.get(&name(key, &selector)).await.ok()??)?;
    Some((vary, record.answer?.into_stored(body)?))
}

/// Gives an answer to the other replicas, in the background.
pub(crate) fn put(
    app: &App,
    key: &Key,
    vary: &[HeaderName],
    request: &HeaderMap,
    stored: &Arc<Stored>,
) {
    let Some(redis) = app
        .redis
        .clone()
        .filter(|_| stored.body.len() <= MAX_SHARED)
    else {
        return;
    };
    let Some(meta) = Meta::of(stored) else { return };
    let seconds = stored.terms.kept_for().max(1);
    let names: Vec<String> = vary.iter().map(ToString::to_string).collect();
    let selector = select(vary, request);
    let record = Record {
        vary: names.clone(),
        answer: Some(meta),
    };
    let index = (!selector.is_empty()).then(|| {
        (
            name(key, b""),
            Record {
                vary: names,
                answer: None,
            },
        )
    });
    let (place, stored) = (name(key, &selector), Arc::clone(stored));
    tokio::spawn(async move {
        if let Some((place, record)) = index {
            let _alone = redis.put(&place, &encode(&record, &[]), seconds).await;
        }
        let _alone = redis
            .put(&place, &encode(&record, &stored.body), seconds)
            .await;
    });
}

/// Takes an address away from the other replicas. What they have in memory stays until it is stale.
pub(crate) fn forget(app: &App, key: &Key) {
    if let Some(redis) = app.redis.clone() {
        let place = name(key, b"");
        tokio::spawn(async move {
            let _alone = redis.forget(&place).await;
        });
    }
}

impl Meta {
    fn of(stored: &Stored) -> Option<Self> {
        let text = |(name, value): (&HeaderName, &HeaderValue)| {
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        };
        Some(Self {
            status: stored.status.as_u16(),
            headers: stored.headers.iter().map(text).collect::<Option<_>>()?,
            terms: stored.terms,
            born_at: stored.born_at,
        })
    }

    fn into_stored(self, body: Bytes) -> Option<Stored> {
        let mut headers = HeaderMap::with_capacity(self.headers.len());
        for (name, value) in self.headers {
            headers.append(
                HeaderName::from_bytes(name.as_bytes()).ok()?,
                HeaderValue::try_from(value).ok()?,
            );
        }
        let whole = headers
            .get(header::CONTENT_LENGTH)
            .is_some_and(|length| *length == HeaderValue::from(body.len()));
        let status = StatusCode::from_u16(self.status).ok()?;
        whole.then(|| Stored::restore(status, headers, body, self.terms, self.born_at))
    }
}

/// The record as JSON after its length, then the body as it is.
fn encode(record: &Record, body: &[u8]) -> Vec<u8> {
    let json = serde_json::to_vec(record).unwrap_or_default();
    let length = u32::try_from(json.len()).unwrap_or(0);
    [&length.to_be_bytes()[..], &json, body].concat()
}

fn decode(bytes: &[u8]) -> Option<(Record, Bytes)> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (json, body) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    Some((
        serde_json::from_slice(json).ok()?,
        Bytes::copy_from_slice(body),
    ))
}

/// Hashed, so that what people search for does not stand in Redis in plain words, and long addresses are short names.
fn name(key: &Key, selector: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(key.as_str())
        .chain_update(b"\n")
        .chain_update(selector)
        .finalize();
    let mut name = PREFIX.to_owned();
    for byte in &digest[..16] {
        let _infallible = write!(name, "{byte:02x}");
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_as_they_were_written() {
        let terms = Terms {
            lifetime: 5,
            while_revalidate: 60,
            if_error: 0,
            public: true,
        };
        let headers = HeaderMap::from_iter([(header::ETAG, HeaderValue::from_static("\"1\""))]);
        let stored = Stored::new(
            StatusCode::OK,
            headers,
            Bytes::from_static(b"body"),
            terms,
            7000,
        );
        let record = Record {
            vary: vec!["accept".to_owned()],
            answer: Meta::of(&stored),
        };
        let (record, body) = decode(&encode(&record, &stored.body)).expect("a record");
        assert_eq!(record.vary, ["accept"]);
        let read = record
            .answer
            .expect("an answer")
            .into_stored(body)
            .expect("whole");
        assert_eq!(
            (read.status, &read.headers, &read.body),
            (stored.status, &stored.headers, &stored.body)
        );
        assert_eq!((read.terms, read.born_at), (terms, 7000));
    }

    #[test]
    fn refuses_records_that_are_damaged() {
        for bytes in [
            &b""[..],
            b"\0\0",
            b"\0\0\0\x09{}",
            b"\0\0\0\x02{}",
            b"\0\0\0\x02[]x",
        ] {
            assert!(decode(bytes).is_none(), "{bytes:?}");
        }
        let meta = Meta {
            status: 200,
            headers: vec![("content-length".to_owned(), "5".to_owned())],
            terms: Terms {
                lifetime: 5,
                while_revalidate: 0,
                if_error: 0,
                public: true,
            },
            born_at: 0,
        };
        assert!(meta.into_stored(Bytes::from_static(b"cut")).is_none());
    }
}
