//! What every request leaves behind: one log line, one span, one count, and its id in the answer.

use std::{
    borrow::Cow,
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
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use http_body::{Frame, SizeHint};
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState,
};
use tracing::{Instrument as _, Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

use crate::{
    context::{self, RequestContext},
    metrics::{self, InFlight},
    problem::{Source, chain},
};

pub(super) fn layer(router: Router) -> Router {
    router.layer(from_fn(|request: Request, next: Next| {
        observe(request, async |request| (None, next.run(request).await))
    }))
}

/// Answers a request by `next`, which may name the route, and leaves its line, span and count.
pub(super) async fn observe<F: Future<Output = (Option<&'static str>, Response)>>(
    request: Request,
    next: impl FnOnce(Request) -> F,
) -> Response {
    let started = Instant::now();
    let in_flight = metrics::in_flight();
    let mut context = RequestContext::from_headers(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let matched = request.extensions().get::<MatchedPath>().cloned();
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
    if !span.is_disabled() {
        join_trace(&span, request.headers(), &mut context);
        span.record("trace.id", context.trace_id_hex());
    }

    let request_id = context.request_id.clone();
    let trace_id = context.trace_id_hex();
    let (named, response) = context::scope(context, next(request))
        .instrument(span.clone())
        .await;

    let (mut parts, body) = response.into_parts();
    let route = match (named, &matched) {
        (Some(route), _) => Cow::Borrowed(route),
        (None, Some(matched)) => Cow::Owned(matched.as_str().to_owned()),
        (None, None) => Cow::Borrowed("unmatched"),
    };
    let line = Line {
        started,
        method,
        path,
        route,
        request_id: request_id.clone(),
        trace_id,
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
    route: Cow<'static, str>,
    request_id: HeaderValue,
    trace_id: String,
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
        metrics::record(&self.method, self.route.clone(), self.status, duration);
        if !self.span.is_disabled() {
            self.span
                .record("otel.name", format!("{} {}", self.method, self.route));
            self.span.record("http.route", &*self.route);
            self.span
                .record("http.response.status_code", self.status.as_u16());
        }
        let _in_span = self.span.enter();
        let request_id = self.request_id.to_str().unwrap_or_default();
        let duration_us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        macro_rules! line {
            ($level:expr, $($error:tt)*) => {
                tracing::event!(target: "http", $level, status = self.status.as_u16(), path = self.path, duration_us, bytes = self.bytes, whole = self.whole, request.id = request_id, trace.id = self.trace_id, $($error)* "{} {}", self.method, self.route)
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
