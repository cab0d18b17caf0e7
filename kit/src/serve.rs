//! Serving: two ports, one log line and one span a request, and a shutdown that loses no request.

mod observe;
mod unreadable;
mod upgraded;

use std::{convert::Infallible, net::SocketAddr, pin::Pin, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::ConnectInfo,
    response::{IntoResponse as _, Response},
    routing::get,
};
use http::{Request, StatusCode, header};
use http_body::Body as _;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
};
use tower::ServiceExt as _;

pub use self::upgraded::{Held, Upgraded};

use self::unreadable::{Connection, Exchanges};

use crate::{Config, Health, extract::Json, metrics};

/// A client that takes longer to send its request's head is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes a request's head may have, and the room a connection's buffer may grow to.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// The same for HTTP/2.
const MAX_HTTP2_HEAD_BYTES: u32 = 64 * 1024;
/// The most headers a request may have: what hyper has room for on the stack. Setting it, even to this, costs every request an
/// allocation.
const MAX_HEADERS: usize = 100;
/// How long before the end of the grace period upgraded connections are closed: both sides have this long to take their leave.
const FAREWELL: Duration = Duration::from_secs(2);

/// Why a service stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Another process has the port, or the address is not ours.
    #[error("{variable}: can't listen on {addr}")]
    Bind {
        /// The variable that holds the address.
        variable: &'static str,
        /// The address.
        addr: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// The system refused to tell about signals.
    #[error("can't listen for SIGTERM")]
    Signal(#[source] std::io::Error),
}

/// Serves `router` on `API_ADDR` and health and metrics on `ADMIN_ADDR` until SIGTERM or SIGINT. Then: unready, keep
/// accepting for `SHUTDOWN_DRAIN_MS`, stop accepting, finish what is in flight within `SHUTDOWN_GRACE_MS`.
pub async fn serve(
    service: &'static str,
    config: &Config,
    router: Router,
    health: Health,
) -> Result<(), ServeError> {
    let handler = answered_by(observe::layer(router));
    serve_handler(service, config, handler, health, Upgraded::default()).await
}

/// As [`serve`], by one function for all requests instead of a router: for a service whose routes are not axum's. It is told
/// who is at the other end of the connection; [`observed_handler`] makes one. Its upgraded connections are closed before the end
/// of the grace period.
pub async fn serve_handler<F: Future<Output = Response> + Send + 'static>(
    service: &'static str,
    config: &Config,
    handler: impl Fn(Request<Body>, SocketAddr) -> F + Clone + Send + 'static,
    health: Health,
    upgraded: Upgraded,
) -> Result<(), ServeError> {
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
    let api = bind("API_ADDR", config.api_addr).await?;
    let admin = bind("ADMIN_ADDR", config.admin_addr).await?;
    tokio::spawn(health.clone().watch());
    tokio::spawn(run(
        admin,
        answered_by(admin_router(service, health.clone())),
        std::future::pending(),
        Duration::ZERO,
        Upgraded::default(),
    ));
    tracing::info!(service, api = %config.api_addr, admin = %config.admin_addr, "serving");

    let stop = {
        let (health, drain, upgraded) = (health.clone(), config.drain(), upgraded.clone());
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            health.leave();
            upgraded.leave();
            tracing::info!(drain_ms = drain.as_millis(), "leaving");
            tokio::time::sleep(drain).await;
        }
    };
    run(api, handler, stop, config.grace(), upgraded).await;
    tracing::info!("bye");
    Ok(())
}

/// An answer that names its route.
#[derive(Debug)]
pub struct Answered {
    /// The route's name in logs and metrics.
    pub route: &'static str,
    /// The answer.
    pub response: Response,
}

/// A handler that leaves a log line, a span and metrics of each request.
pub fn observed_handler<F: Future<Output = Answered> + Send + 'static>(
    handler: impl Fn(Request<Body>, SocketAddr) -> F + Clone + Send + 'static,
) -> impl Fn(Request<Body>, SocketAddr) -> BoxFuture<Response> + Clone + Send + 'static {
    move |request, peer| {
        let handler = handler.clone();
        let answer = move |request| async move {
            let answered = handler(request, peer).await;
            (Some(answered.route), answered.response)
        };
        Box::pin(observe::observe(request, answer))
    }
}

/// The router as [`serve`] runs it, with its log lines, spans and metrics: for tests that call it in-process.
pub fn observed(router: Router) -> Router {
    observe::layer(router)
}

fn answered_by(
    router: Router,
) -> impl Fn(Request<Body>, SocketAddr) -> BoxFuture<Response> + Clone + Send + 'static {
    move |mut request, peer| {
        request.extensions_mut().insert(ConnectInfo(peer));
        let answering = router.clone().oneshot(request);
        Box::pin(async {
            let Ok(response) = answering.await;
            response
        })
    }
}

/// A future whose type is not told.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

async fn bind(variable: &'static str, addr: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(addr)
        .await
        .map_err(|source| ServeError::Bind {
            variable,
            addr,
            source,
        })
}

/// Accepts until `stop` resolves, then lets what is in flight finish within `grace`.
async fn run<F: Future<Output = Response> + Send + 'static>(
    listener: TcpListener,
    handler: impl Fn(Request<Body>, SocketAddr) -> F + Clone + Send + 'static,
    stop: impl Future<Output = ()> + Send,
    grace: Duration,
    upgraded: Upgraded,
) {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEAD_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(MAX_HTTP2_HEAD_BYTES)
        .max_concurrent_streams(250)
        .keep_alive_interval(Duration::from_secs(30));
    let server = Arc::new(server);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => handle(stream, peer, &server, handler.clone(), &graceful),
                Err(error) => {
                    // Out of file descriptors, most likely: going round at once would only burn the processor.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    let ended = async {
        graceful.shutdown().await;
        // In this order: a request that was under way may have become an upgraded connection.
        upgraded.ended().await;
    };
    let farewell = async {
        tokio::time::sleep(grace.saturating_sub(FAREWELL)).await;
        upgraded.close();
        std::future::pending::<()>().await;
    };
    let all_ended = async {
        tokio::select! {
            () = ended => {}
            () = farewell => {}
        }
    };
    if tokio::time::timeout(grace, all_ended).await.is_err() {
        tracing::warn!(
            grace_ms = grace.as_millis(),
            "requests were still in flight at the end of the grace period"
        );
    }
}

fn handle<F: Future<Output = Response> + Send + 'static>(
    stream: TcpStream,
    peer: SocketAddr,
    server: &Arc<Builder<TokioExecutor>>,
    handler: impl Fn(Request<Body>, SocketAddr) -> F + Send + 'static,
    graceful: &GracefulShutdown,
) {
    // Answers are written whole: waiting to fill packets only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let exchanges = Exchanges::default();
    let connection = Connection::new(TokioIo::new(stream), exchanges.clone());
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let exchange = exchanges.begin();
        // Most requests have no body: an empty one needs no memory.
        let answer = if request.body().is_end_stream() {
            handler(request.map(|_| Body::empty()), peer)
        } else {
            handler(request.map(Body::new), peer)
        };
        async { Ok::<_, Infallible>(exchange.answer(answer.await)) }
    });
    let connection = server
        .serve_connection_with_upgrades(connection, service)
        .into_owned();
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error, %peer, "connection ended early");
        }
    });
}

fn admin_router(service: &'static str, health: Health) -> Router {
    let ready = health.clone();
    Router::new()
        .route(
            "/metrics",
            get(|| async {
                let content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                ([(header::CONTENT_TYPE, content_type)], metrics::text())
            }),
        )
        .route(
            "/health",
            get(move || async move { Json(health.report(service)) }),
        )
        .route("/health/live", get(|| async { StatusCode::NO_CONTENT }))
        .route(
            "/health/ready",
            get(move || async move {
                if ready.is_ready() {
                    StatusCode::NO_CONTENT.into_response()
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, Json(ready.report(service))).into_response()
                }
            }),
        )
}
