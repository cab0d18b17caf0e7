use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{Router, body::Bytes, extract::State, routing::post};
use http::{HeaderMap, StatusCode};
use tokio::task::JoinHandle;

use crate::inbox::Event;

type Judge = Box<dyn FnMut(&[Event]) -> StatusCode + Send>;

/// A consumer of events that records what it takes. It ends when dropped.
pub struct Sink {
    url: String,
    shared: Arc<Mutex<Shared>>,
    server: JoinHandle<()>,
}

struct Shared {
    taken: Vec<Event>,
    requests: usize,
    authorization: Option<String>,
    judge: Judge,
    delay: Duration,
}

impl Sink {
    /// One that takes everything.
    #[expect(
        clippy::expect_used,
        reason = "a machine without a free port can run no test"
    )]
    pub async fn start() -> Self {
        let shared = Arc::new(Mutex::new(Shared {
            taken: Vec::new(),
            requests: 0,
            authorization: None,
            judge: Box::new(|_| StatusCode::NO_CONTENT),
            delay: Duration::ZERO,
        }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port");
        let address = listener.local_addr().expect("bound");
        let router = Router::new()
            .route("/internal/v1/events", post(take))
            .with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ends_with_the_test = axum::serve(listener, router).await;
        });
        Self {
            url: format!("http://{address}/internal/v1/events"),
            shared,
            server,
        }
    }

    /// Where it takes events.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What it took, in order, with what came twice.
    pub fn events(&self) -> Vec<Event> {
        self.shared().taken.clone()
    }

    /// How many events of this type it took.
    pub fn count(&self, kind: &str) -> usize {
        let shared = self.shared();
        shared
            .taken
            .iter()
            .filter(|event| event.kind == kind)
            .count()
    }

    /// How many requests it got.
    pub fn requests(&self) -> usize {
        self.shared().requests
    }

    /// The `Authorization` of the last request.
    pub fn authorization(&self) -> Option<String> {
        self.shared().authorization.clone()
    }

    /// From now on it answers this; it takes a batch only with a success.
    pub fn answer(&self, status: StatusCode) {
        self.judge(move |_| status);
    }

    /// From now on it looks at each batch and answers accordingly.
    pub fn judge(&self, judge: impl FnMut(&[Event]) -> StatusCode + Send + 'static) {
        self.shared().judge = Box::new(judge);
    }

    /// From now on it takes this long to answer, after it took the batch.
    pub fn delay(&self, delay: Duration) {
        self.shared().delay = delay;
    }

    fn shared(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(
    State(shared): State<Arc<Mutex<Shared>>>,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    let Ok(events) = serde_json::from_slice::<Vec<Event>>(&body) else {
        return StatusCode::BAD_REQUEST;
    };
    let (status, delay) = {
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.requests += 1;
        shared.authorization = headers
            .get(http::header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned);
        let status = (shared.judge)(&events);
        if status.is_success() {
            shared.taken.extend(events);
        }
        (status, shared.delay)
    };
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    status
}
