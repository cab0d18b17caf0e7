//! Lines in, reports out, as they come.

use axum::{body::Body, response::Response};
use bytes::{Buf as _, Bytes, BytesMut};
use futures::{Stream, StreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use kit::Problem;
use tokio::sync::mpsc;

use super::Report;

/// The content type of both directions.
pub const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");
/// A longer line is rejected unread.
pub const LONGEST_LINE: usize = 1024 * 1024;
/// Reports that wait for a slow client; beyond that the import waits.
const WAITING_REPORTS: usize = 64;

/// A line of the body.
#[derive(Debug, PartialEq, Eq)]
pub enum Line {
    /// Its bytes, without the line end.
    Whole(Bytes),
    /// It was too long; its bytes are gone.
    TooLong,
}

/// The lines of a body. Never holds more than one line and what arrived with it.
pub struct Lines<S> {
    body: S,
    buffer: BytesMut,
    searched: usize,
    skipping: bool,
    ended: bool,
}

impl<E, S: Stream<Item = Result<Bytes, E>> + Unpin> Lines<S> {
    /// Reads lines from a body.
    pub fn new(body: S) -> Self {
        Self {
            body,
            buffer: BytesMut::new(),
            searched: 0,
            skipping: false,
            ended: false,
        }
    }

    /// The next line; `None` after the last.
    pub async fn next(&mut self) -> Result<Option<Line>, E> {
        loop {
            if let Some(at) = self.buffer[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n')
            {
                let mut line = self.buffer.split_to(self.searched + at);
                self.buffer.advance(1);
                self.searched = 0;
                if std::mem::take(&mut self.skipping) || line.len() > LONGEST_LINE {
                    return Ok(Some(Line::TooLong));
                }
                if line.last() == Some(&b'\r') {
                    line.truncate(line.len() - 1);
                }
                return Ok(Some(Line::Whole(line.freeze())));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > LONGEST_LINE {
                self.buffer.clear();
                self.searched = 0;
                self.skipping = true;
            }
            if self.ended {
                if std::mem::take(&mut self.skipping) {
                    return Ok(Some(Line::TooLong));
                }
                self.searched = 0;
                let rest = self.buffer.split().freeze();
                return Ok((!rest.is_empty()).then_some(Line::Whole(rest)));
            }
            match self.body.next().await {
                Some(bytes) => self.buffer.extend_from_slice(&bytes?),
                None => self.ended = true,
            }
        }
    }
}

/// Where reports go.
#[derive(Debug, Clone)]
pub struct Reports(mpsc::Sender<Bytes>);

/// The client went away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client went away")]
pub struct Gone;

impl Reports {
    /// Where reports go, and the answer that carries them.
    pub fn open() -> Result<(Self, Response), Problem> {
        let (sender, receiver) = mpsc::channel(WAITING_REPORTS);
        let lines = stream::unfold(receiver, async |mut receiver: mpsc::Receiver<Bytes>| {
            receiver
                .recv()
                .await
                .map(|bytes| (Ok::<_, std::convert::Infallible>(bytes), receiver))
        });
        let response = Response::builder()
            .status(StatusCode::OK)
            .header(header::CONTENT_TYPE, NDJSON)
            .header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))
            // Asks proxies that hold answers back to pass each line on.
            .header("x-accel-buffering", HeaderValue::from_static("no"))
            .body(Body::from_stream(lines))
            .map_err(Problem::internal)?;
        Ok((Self(sender), response))
    }

    /// Sends a line; waits while the client does not read.
    pub async fn send(&self, report: &Report) -> Result<(), Gone> {
        let mut line = serde_json::to_vec(report).unwrap_or_default();
        line.push(b'\n');
        self.0.send(line.into()).await.or(Err(Gone))
    }
}

/// Refuses a body that does not claim to be NDJSON.
pub fn require_ndjson(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = value.split(';').next().unwrap_or_default().trim();
    if essence == "application/x-ndjson" || essence == "application/jsonl" {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "unsupported-media-type",
        "Send one JSON object a line with Content-Type: application/x-ndjson.",
    ))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn lines(chunks: &[&str]) -> Vec<String> {
        let chunks: Vec<Result<Bytes, Infallible>> = chunks
            .iter()
            .map(|chunk| Ok(Bytes::from((*chunk).to_owned())))
            .collect();
        let mut lines = Lines::new(stream::iter(chunks));
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.expect("infallible") {
            found.push(match line {
                Line::Whole(bytes) => String::from_utf8(bytes.to_vec()).expect("text"),
                Line::TooLong => "too long".to_owned(),
            });
        }
        found
    }

    #[tokio::test]
    async fn finds_lines_however_they_arrive() {
        assert_eq!(
            lines(&["a\nb", "c\r\n", "\n", "d"]).await,
            ["a", "bc", "", "d"]
        );
        assert_eq!(lines(&["a\n"]).await, ["a"]);
        assert!(lines(&[]).await.is_empty());
        let long = "x".repeat(LONGEST_LINE + 1);
        assert_eq!(lines(&[&long, "yy\nb\n"]).await, ["too long", "b"]);
        assert_eq!(lines(&["a\n", &long]).await, ["a", "too long"]);
    }
}
