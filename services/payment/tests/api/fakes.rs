//! Neighbours of the test's own, over real HTTP.

pub(crate) mod orders;
pub(crate) mod paypal;
pub(crate) mod stripe;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use futures::stream;
use http::StatusCode;

/// Serves a fake, and says where.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a free port");
    let address = listener.local_addr().expect("bound");
    tokio::spawn(async move { axum::serve(listener, router).await.expect("served") });
    format!("http://{address}")
}

/// What can go wrong on the way to a fake, and back.
#[derive(Clone, Default)]
pub(crate) struct Line {
    down: Arc<AtomicBool>,
    loses_reply: Arc<AtomicBool>,
}

impl Line {
    /// Everything is answered with 503, and nothing is done.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// The next request that changes something has its effect, but its answer breaks off.
    pub(crate) fn lose_next_reply(&self) {
        self.loses_reply.store(true, Ordering::SeqCst);
    }

    pub(crate) fn around(&self, router: Router) -> Router {
        let line = self.clone();
        router.layer(middleware::from_fn(move |request: Request, next: Next| {
            let line = line.clone();
            async move { line.pass(request, next).await }
        }))
    }

    async fn pass(&self, request: Request, next: Next) -> Response {
        if self.down.load(Ordering::SeqCst) {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        }
        let changes =
            request.method() == http::Method::POST && !request.uri().path().contains("/oauth2/");
        let response = next.run(request).await;
        if changes && self.loses_reply.swap(false, Ordering::SeqCst) {
            let broken = stream::iter([
                Ok(bytes::Bytes::from_static(b"{")),
                Err(std::io::Error::other("the line is cut")),
            ]);
            return Response::new(Body::from_stream(broken));
        }
        response
    }
}
