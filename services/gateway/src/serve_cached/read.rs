//! Reading an answer that may be kept.

use crate::clients::{Answer, AnswerError};
use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::Frame;
use http_body_util::BodyExt as _;
use std::{
    pin::Pin,
    task::{Context, Poll},
};

/// Larger answers are passed on without being kept.
pub(super) const MAX_KEPT: u64 = 2 * 1024 * 1024;

/// What was read.
pub(super) enum Read {
    /// All of it.
    Whole(Bytes),
    /// Too much to keep: what was read, and the rest after it.
    TooLarge(Body),
}

/// Reads an answer whole, unless it turns out too large to keep: then the rest flows on after what was read.
pub(super) async fn read(mut body: Answer) -> Result<Read, AnswerError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        if first.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&first);
            }
            rest.extend_from_slice(&data);
        }
        if u64::try_from(first.len().max(rest.len())).is_ok_and(|read| read > MAX_KEPT) {
            let read = if rest.is_empty() {
                first
            } else {
                rest.freeze()
            };
            return Ok(Read::TooLarge(Body::new(Prefixed {
                prefix: Some(read),
                rest: body,
            })));
        }
    }
    Ok(Read::Whole(if rest.is_empty() {
        first
    } else {
        rest.freeze()
    }))
}

/// What was read of a body, then the rest of it.
struct Prefixed {
    prefix: Option<Bytes>,
    rest: Answer,
}

impl http_body::Body for Prefixed {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.prefix.take() {
            Some(prefix) => Poll::Ready(Some(Ok(Frame::data(prefix)))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }
}
