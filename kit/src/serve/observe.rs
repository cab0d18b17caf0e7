//! What every request leaves behind: one log line, one span, one count, and its id in the answer.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{MatchedPath, Request},
    middleware::{Next, from_fn},
    response::Response,
};
use http::{HeaderMap, Method, StatusCode};
use http_body::{Frame, SizeHint};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::{Instrument as _, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{
    context::{self, RequestContext},
    metrics::{self, InFlight, Route},
    problem::{Source, chain},
};

pub(super) fn layer(router: Router) -> Router {
    router.layer(from_fn(observe))
}

async fn observe(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let in_flight = metrics::in_flight();
    let mut context = RequestContext::from_headers(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|matched| matched.as_str().to_owned());
    let span = tracing::info_span!(
        "request",
        otel.kind = "server",
        otel.name = Empty,
        "http.request.method" = method.as_str(),
        "http.route" = Empty,
        "http.response.status_code" = Empty,
        "request.id" = context.request_id.to_str().unwrap_or_default(),
        "trace.id" = Empty,
    );
    join_trace(&span, request.headers(), &mut context);
    span.record("trace.id", context.trace_id_hex());

    let request_id = context.request_id.clone();
    let response = context::scope(context, next.run(request))
        .instrument(span.clone())
        .await;

    let (mut parts, body) = response.into_parts();
    let named = parts
        .extensions
        .get::<Route>()
        .map(|route| route.0.to_owned());
    let line = Line {
        started,
        method,
        path,
        route: named.or(route).unwrap_or_else(|| "unmatched".to_owned()),
        status: parts.status,
        error: parts.extensions.remove::<Source>(),
        bytes: 0,
        whole: http_body::Body::is_end_stream(&body),
        span,
        _in_flight: in_flight,
    };
    parts.headers.insert(context::REQUEST_ID, request_id);
    Response::from_parts(parts, Body::new(Observed { body, line }))
}

/// Makes the span part of the caller's trace. Where traces are exported, the ids in logs and outgoing calls are the span's.
fn join_trace(span: &Span, headers: &HeaderMap, context: &mut RequestContext) {
    if let Some((trace_id, span_id, sampled)) = headers
        .get(context::TRACEPARENT)
        .and_then(|value| context::parse_traceparent(value.as_bytes()))
    {
        let flags = if sampled {
            TraceFlags::SAMPLED
        } else {
            TraceFlags::default()
        };
        let parent = SpanContext::new(
            TraceId::from_bytes(trace_id),
            SpanId::from_bytes(span_id),
            flags,
            true,
            TraceState::default(),
        );
        // Fails only where no traces are exported, and then nobody would see the parent.
        let _not_exported =
            span.set_parent(opentelemetry::Context::new().with_remote_span_context(parent));
    }
    let exported = span.context();
    let exported = exported.span().span_context().clone();
    if exported.is_valid() {
        context.trace_id = exported.trace_id().to_bytes();
        context.span_id = exported.span_id().to_bytes();
        context.sampled = exported.is_sampled();
    }
}

/// The request's line, written when the last byte of the answer has left or the client has gone.
struct Line {
    started: Instant,
    method: Method,
    path: String,
    route: String,
    status: StatusCode,
    error: Option<Source>,
    bytes: u64,
    whole: bool,
    span: Span,
    _in_flight: InFlight,
}

impl Drop for Line {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        metrics::record(&self.method, &self.route, self.status, duration);
        self.span
            .record("otel.name", format!("{} {}", self.method, self.route));
        self.span.record("http.route", &self.route);
        self.span
            .record("http.response.status_code", self.status.as_u16());
        let _in_span = self.span.enter();
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        macro_rules! line {
            ($level:expr, $($error:tt)*) => {
                tracing::event!(target: "http", $level, status = self.status.as_u16(), path = self.path, duration_us, bytes = self.bytes, whole = self.whole, $($error)* "{} {}", self.method, self.route)
            };
        }
        match &self.error {
            Some(Source(error)) if self.status.is_server_error() => {
                line!(tracing::Level::ERROR, error = chain(&**error),);
            }
            Some(Source(error)) => {
                line!(tracing::Level::INFO, error = chain(&**error),);
            }
            None if self.status.is_server_error() => {
                line!(tracing::Level::ERROR,);
            }
            None => {
                line!(tracing::Level::INFO,);
            }
        }
    }
}

/// A body that counts its bytes and knows whether it was sent whole.
struct Observed {
    body: Body,
    line: Line,
}

impl http_body::Body for Observed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        match &polled {
            Poll::Ready(Some(Ok(frame))) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.line.bytes += u64::try_from(bytes).unwrap_or(0);
                self.line.whole = http_body::Body::is_end_stream(&self.body);
            }
            Poll::Ready(None) => self.line.whole = true,
            _ => {}
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
