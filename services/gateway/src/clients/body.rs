//! Bodies on their way: counted and timed towards the upstream, timed towards the client.

use super::pool::Connection;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use std::{
    error::Error,
    future::Future as _,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};
use tokio::time::Sleep;

type BoxError = Box<dyn Error + Send + Sync>;

/// A request's body on its way to the upstream.
#[derive(Debug)]
pub struct Outgoing(Option<Counted>);

#[derive(Debug)]
struct Counted {
    body: axum::body::Body,
    left: u64,
    progress: Progress,
}

/// How far a request's body has come, seen from outside.
#[derive(Debug, Clone)]
pub struct Progress(Arc<Track>);

#[derive(Debug)]
struct Track {
    started: Instant,
    /// Milliseconds after `started` at which the last bytes came.
    last: AtomicU64,
    state: AtomicU8,
}

const SENDING: u8 = 0;
const OVER: u8 = 1;
const TOO_LARGE: u8 = 2;
const BROKEN: u8 = 3;

#[derive(Debug, thiserror::Error)]
#[error("the body has more bytes than the route allows")]
struct TooLarge;

impl Outgoing {
    /// No body.
    pub fn empty() -> Self {
        Self(None)
    }

    /// `body`, cut off after `limit` bytes.
    pub fn counted(body: axum::body::Body, limit: u64) -> (Self, Progress) {
        let track = Track {
            started: Instant::now(),
            last: AtomicU64::new(0),
            state: AtomicU8::new(SENDING),
        };
        let progress = Progress(Arc::new(track));
        let counted = Counted {
            body,
            left: limit,
            progress: progress.clone(),
        };
        (Self(Some(counted)), progress)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

impl Progress {
    /// When the last bytes came.
    pub(super) fn last(&self) -> Instant {
        self.0.started + Duration::from_millis(self.0.last.load(Ordering::Relaxed))
    }

    pub(super) fn is_over(&self) -> bool {
        self.0.state.load(Ordering::Relaxed) == OVER
    }

    pub(super) fn is_too_large(&self) -> bool {
        self.0.state.load(Ordering::Relaxed) == TOO_LARGE
    }

    pub(super) fn is_broken(&self) -> bool {
        self.0.state.load(Ordering::Relaxed) == BROKEN
    }

    fn mark(&self, state: u8) {
        let elapsed = u64::try_from(self.0.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last.store(elapsed, Ordering::Relaxed);
        self.0.state.store(state, Ordering::Relaxed);
    }
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let Some(counted) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let polled = std::task::ready!(Pin::new(&mut counted.body).poll_frame(cx));
        let (state, polled) = match polled {
            Some(Ok(frame)) => {
                let bytes = frame
                    .data_ref()
                    .map_or(0, |data| u64::try_from(data.len()).unwrap_or(u64::MAX));
                match counted.left.checked_sub(bytes) {
                    Some(left) => {
                        counted.left = left;
                        (
                            if counted.body.is_end_stream() {
                                OVER
                            } else {
                                SENDING
                            },
                            Some(Ok(frame)),
                        )
                    }
                    None => (TOO_LARGE, Some(Err(BoxError::from(TooLarge)))),
                }
            }
            Some(Err(error)) => (BROKEN, Some(Err(BoxError::from(error)))),
            None => (OVER, None),
        };
        counted.progress.mark(state);
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.0
            .as_ref()
            .is_none_or(|counted| counted.body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(
            || SizeHint::with_exact(0),
            |counted| counted.body.size_hint(),
        )
    }
}

/// An answer's body on its way to the client. Dropping it early closes the upstream's connection; reading it to its end
/// keeps the connection for the next request.
pub struct Answer {
    body: Incoming,
    connection: Option<Connection>,
    idle_limit: Duration,
    /// Made only when the upstream pauses, which a short answer never does.
    idle: Option<Pin<Box<Sleep>>>,
}

/// Why an answer's body broke off.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// The connection broke.
    #[error("the upstream broke off its answer")]
    Broken(#[source] hyper::Error),
    /// The upstream paused for too long.
    #[error("the upstream stopped sending its answer")]
    TooSlow,
}

impl Answer {
    /// `connection` is kept once the body is over; after an upgrade there is none to keep.
    pub(super) fn new(body: Incoming, connection: Option<Connection>) -> Self {
        let mut answer = Self {
            body,
            connection,
            idle_limit: Duration::MAX,
            idle: None,
        };
        answer.release_at_end();
        answer
    }

    pub(super) fn with_idle_limit(mut self, limit: Duration) -> Self {
        self.idle_limit = limit;
        self
    }

    fn release_at_end(&mut self) {
        if self.body.is_end_stream()
            && let Some(connection) = self.connection.take()
        {
            connection.release();
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = AnswerError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, AnswerError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.idle = None;
                self.release_at_end();
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(AnswerError::Broken(error)))),
            Poll::Ready(None) => {
                if let Some(connection) = self.connection.take() {
                    connection.release();
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                let limit = self.idle_limit;
                let idle = self
                    .idle
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep(limit)));
                std::task::ready!(idle.as_mut().poll(cx));
                self.connection = None;
                Poll::Ready(Some(Err(AnswerError::TooSlow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
