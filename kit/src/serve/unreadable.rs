//! A request whose head can't be read never becomes a request: hyper answers it by itself, with a bare status. Here that answer
//! becomes a problem document, on its way to the socket.
//!
//! What hyper writes is its own exactly when no exchange is going on: every request that was handed to the service has been
//! answered to its last byte, and all of that has been flushed.

use std::{
    io::{Error, IoSlice},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, ready},
};

use axum::body::{Body, Bytes};
use http::{Response, StatusCode};
use http_body::{Frame, SizeHint};
use hyper::rt::{Read, ReadBufCursor, Write};

use crate::Problem;

/// A connection, as hyper reads and writes it.
pub(super) struct Connection<IO> {
    io: IO,
    exchanges: Exchanges,
    /// How many exchanges had begun when all of them were last over and flushed.
    settled: usize,
    /// What takes the place of hyper's answer, and how much of it has been written.
    instead: Option<(Vec<u8>, usize)>,
}

/// The exchanges of a connection. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Exchanges(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    over: AtomicUsize,
}

/// An exchange, from its request to the last byte of its answer.
pub(super) struct Exchange(Exchanges);

impl Exchanges {
    pub(super) fn begin(&self) -> Exchange {
        self.0.begun.fetch_add(1, Ordering::Relaxed);
        Exchange(self.clone())
    }

    fn begun(&self) -> usize {
        self.0.begun.load(Ordering::Relaxed)
    }

    fn are_over(&self) -> bool {
        self.0.over.load(Ordering::Relaxed) == self.begun()
    }
}

impl Exchange {
    /// The answer, whose last byte ends the exchange.
    pub(super) fn answer(self, response: Response<Body>) -> Response<Answer> {
        if response.status() == StatusCode::SWITCHING_PROTOCOLS {
            // What is written from now on is not HTTP: an exchange that never ends.
            self.0.0.begun.fetch_add(1, Ordering::Relaxed);
        }
        response.map(|body| Answer {
            body,
            _exchange: self,
        })
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.0.0.over.fetch_add(1, Ordering::Relaxed);
    }
}

impl<IO: Write + Unpin> Connection<IO> {
    pub(super) fn new(io: IO, exchanges: Exchanges) -> Self {
        Self {
            io,
            exchanges,
            settled: 0,
            instead: None,
        }
    }

    /// Writes a problem document in place of an answer that is hyper's own; `None` for everything else.
    fn poll_write_instead(
        &mut self,
        cx: &mut Context<'_>,
        answer: &[u8],
    ) -> Option<Poll<Result<usize, Error>>> {
        if self.instead.is_none() && self.settled == self.exchanges.begun() {
            self.instead = problem_instead_of(answer).map(|document| (document, 0));
        }
        let (document, written) = self.instead.as_mut()?;
        while let Some(rest @ [_, ..]) = document.get(*written..) {
            match Pin::new(&mut self.io).poll_write(cx, rest) {
                Poll::Ready(Ok(bytes)) if bytes > 0 => *written += bytes,
                other => return Some(other),
            }
        }
        self.instead = None;
        Some(Poll::Ready(Ok(answer.len())))
    }
}

/// The problem document for one of hyper's own answers.
fn problem_instead_of(answer: &[u8]) -> Option<Vec<u8>> {
    const NO_BODY: &str = "content-length: 0\r\n";
    let head = std::str::from_utf8(answer).ok()?;
    let status = head.strip_prefix("HTTP/1.1 ")?.get(..3)?;
    let problem = match status {
        "400" => Problem::new(
            StatusCode::BAD_REQUEST,
            "malformed-request",
            "The request is not valid HTTP.",
        ),
        "414" => Problem::new(
            StatusCode::URI_TOO_LONG,
            "address-too-long",
            "The request's address is too long.",
        ),
        "431" => Problem::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "headers-too-large",
            "The request's headers are too large.",
        )
        .detail(format!(
            "At most {} headers of {} KiB together are read.",
            super::MAX_HEADERS,
            super::MAX_HEAD_BYTES / 1024
        )),
        _ => return None,
    };
    let (before, after) = head.split_once(NO_BODY)?;
    let body = serde_json::to_string(&problem).ok()?;
    tracing::info!(target: "http", status, "a request could not be read");
    Some(
        format!(
            "{before}content-type: application/problem+json\r\ncache-control: no-store\r\ncontent-length: {}\r\n{after}{body}",
            body.len()
        )
        .into_bytes(),
    )
}

impl<IO: Read + Unpin> Read for Connection<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<IO: Write + Unpin> Write for Connection<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<Result<usize, Error>> {
        match self.poll_write_instead(cx, bytes) {
            Some(written) => written,
            None => Pin::new(&mut self.io).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<Result<usize, Error>> {
        let first = slices.first().map_or(&[][..], |slice| slice);
        match self.poll_write_instead(cx, first) {
            Some(written) => written,
            None => Pin::new(&mut self.io).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(Pin::new(&mut self.io).poll_flush(cx))?;
        // hyper flushes when it has nothing left to write.
        if self.exchanges.are_over() {
            self.settled = self.exchanges.begun();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

/// An answer's body, with the exchange that it ends.
pub(super) struct Answer {
    body: Body,
    _exchange: Exchange,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt as _, AsyncWriteExt as _},
        net::{TcpListener, TcpStream},
    };

    use super::*;

    /// Serves `hello` to everyone, and what looks like an answer of hyper's at `/trap`.
    async fn answers(requests: &[&str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound");
        let handler = |request: http::Request<Body>, _| async move {
            Response::new(Body::from(match request.uri().path() {
                "/trap" => "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
                _ => "hello",
            }))
        };
        let server = tokio::spawn(super::super::run(
            listener,
            handler,
            std::future::pending(),
            std::time::Duration::ZERO,
            super::super::Upgraded::default(),
        ));
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let mut answers = String::new();
        for request in requests {
            stream.write_all(request.as_bytes()).await.expect("sent");
        }
        stream.read_to_string(&mut answers).await.expect("answers");
        server.abort();
        answers
    }

    #[track_caller]
    fn assert_problem(answer: &str, status: &str, kind: &str) {
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        assert!(
            head.contains("content-type: application/problem+json"),
            "{answer}"
        );
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{answer}"
        );
        let problem: serde_json::Value = serde_json::from_str(body).expect("JSON");
        assert_eq!(problem["type"], format!("/problems/{kind}"));
        assert_eq!(problem["status"].to_string(), status);
    }

    #[tokio::test]
    async fn a_head_that_is_not_http_gets_a_problem_document() {
        for request in [
            "GET / HTTP/9.9\r\nhost: a\r\n\r\n",
            "GET / HTTP/1.1\r\nhost: a\r\n folded: 1\r\n\r\n",
            "G\x01T / HTTP/1.1\r\nhost: a\r\n\r\n",
        ] {
            assert_problem(&answers(&[request]).await, "400", "malformed-request");
        }
    }

    #[tokio::test]
    async fn a_head_that_is_too_large_gets_a_problem_document() {
        let many = "x: 1\r\n".repeat(super::super::MAX_HEADERS + 1);
        let long = format!("x: {}\r\n", "1".repeat(super::super::MAX_HEAD_BYTES));
        for headers in [many, long] {
            let request = format!("GET / HTTP/1.1\r\n{headers}\r\n");
            assert_problem(&answers(&[&request]).await, "431", "headers-too-large");
        }
    }

    #[tokio::test]
    async fn a_kept_connection_gets_one_too_and_its_answers_stay_as_they_are() {
        let good = "GET /trap HTTP/1.1\r\nhost: a\r\n\r\n";
        let answers = answers(&[good, good, "nonsense\r\n\r\n"]).await;
        let trap = "\r\n\r\nHTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let rest: Vec<&str> = answers.split(trap).collect();
        let [_, _, last] = rest[..] else {
            panic!("two answers and a problem: {answers}");
        };
        assert_problem(last, "400", "malformed-request");
    }
}
