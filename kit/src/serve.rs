//! Serving: two ports, one log line and one span a request, and a shutdown that loses no request.

mod observe;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, response::IntoResponse as _, routing::get};
use http::{Request, StatusCode, header};
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

use crate::{Config, Health, extract::Json, metrics};

/// A client that takes longer to send its request's head is cut off.
const HEADER_TIMEOUT: Duration = Duration::from_secs(15);
/// The most bytes a request's head may have, and the room a connection's buffer may grow to.
const MAX_HEADER_BYTES: usize = 64 * 1024;

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
    let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
    let api = bind("API_ADDR", config.api_addr).await?;
    let admin = bind("ADMIN_ADDR", config.admin_addr).await?;
    tokio::spawn(health.clone().watch());
    tokio::spawn(run(
        admin,
        admin_router(service, health.clone()),
        std::future::pending(),
        Duration::ZERO,
    ));
    tracing::info!(service, api = %config.api_addr, admin = %config.admin_addr, "serving");

    let stop = {
        let (health, drain) = (health.clone(), config.drain());
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            health.leave();
            tracing::info!(drain_ms = drain.as_millis(), "leaving");
            tokio::time::sleep(drain).await;
        }
    };
    run(api, observe::layer(router), stop, config.grace()).await;
    tracing::info!("bye");
    Ok(())
}

/// The router as [`serve`] runs it, with its log lines, spans and metrics: for tests that call it in-process.
pub fn observed(router: Router) -> Router {
    observe::layer(router)
}

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
async fn run(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send,
    grace: Duration,
) {
    let mut server = Builder::new(TokioExecutor::new());
    server
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIMEOUT)
        .max_buf_size(MAX_HEADER_BYTES);
    server
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(16 * 1024)
        .max_concurrent_streams(250)
        .keep_alive_interval(Duration::from_secs(30));
    let server = Arc::new(server);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => handle(stream, peer, &server, router.clone(), &graceful),
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
    if tokio::time::timeout(grace, graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            grace_ms = grace.as_millis(),
            "requests were still in flight at the end of the grace period"
        );
    }
}

fn handle(
    stream: TcpStream,
    peer: SocketAddr,
    server: &Arc<Builder<TokioExecutor>>,
    router: Router,
    graceful: &GracefulShutdown,
) {
    // Answers are written whole: waiting to fill packets only adds delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = server
        .serve_connection_with_upgrades(TokioIo::new(stream), service)
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
