//! The operator's own metrics and health, on one port, and the counting of its calls to the API server.

use crate::api::v1alpha1::AmazoffStore;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{Method, Request};
use kube::client::Body;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
pub enum Outcome {
    /// The store is as it should be.
    Ok,
    /// The store cannot be: someone has to change it.
    Rejected,
    /// Something failed; it is tried again.
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReconcileLabels {
    outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabels {
    verb: &'static str,
    resource: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ChangeLabels {
    kind: String,
    change: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConditionLabels {
    condition: String,
    status: String,
}

type StoreSource = Box<dyn Fn() -> Vec<Arc<AmazoffStore>> + Send>;

/// What the operator counts, and whether it is well.
#[derive(Clone)]
pub struct Telemetry(Arc<Inner>);

struct Inner {
    registry: Registry,
    reconciles: Family<ReconcileLabels, Histogram, fn() -> Histogram>,
    running: Gauge,
    calls: Family<CallLabels, Counter>,
    changes: Family<ChangeLabels, Counter>,
    stores: Family<ConditionLabels, Gauge>,
    leader: Gauge,
    synced: AtomicBool,
    sources: Mutex<Vec<StoreSource>>,
    writes: AtomicU64,
    finished: AtomicU64,
}

impl Default for Telemetry {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("amazoff_operator");
        let reconciles =
            Family::<ReconcileLabels, Histogram, fn() -> Histogram>::new_with_constructor(|| {
                Histogram::new([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0])
            });
        let running = Gauge::default();
        let calls = Family::default();
        let changes = Family::default();
        let stores = Family::default();
        let leader = Gauge::default();
        registry.register_with_unit(
            "reconcile_duration",
            "How long reconciles took, by outcome",
            Unit::Seconds,
            reconciles.clone(),
        );
        registry.register(
            "reconciles_running",
            "Reconciles under way",
            running.clone(),
        );
        registry.register("api_requests", "Requests to the API server", calls.clone());
        registry.register(
            "changes",
            "Objects created, updated, put back and pruned",
            changes.clone(),
        );
        registry.register(
            "stores",
            "Stores, by the status of each condition",
            stores.clone(),
        );
        registry.register(
            "leader",
            "1 while this replica holds the lease",
            leader.clone(),
        );
        let inner = Inner {
            registry,
            reconciles,
            running,
            calls,
            changes,
            stores,
            leader,
            synced: AtomicBool::new(false),
            sources: Mutex::new(Vec::new()),
            writes: AtomicU64::new(0),
            finished: AtomicU64::new(0),
        };
        Self(Arc::new(inner))
    }
}

impl Telemetry {
    /// A reconcile begins.
    pub fn started(&self) {
        self.0.running.inc();
    }

    /// A reconcile ended.
    pub fn finished(&self, outcome: Outcome, seconds: f64) {
        self.0.running.dec();
        self.0.finished.fetch_add(1, Ordering::Relaxed);
        self.0
            .reconciles
            .get_or_create(&ReconcileLabels { outcome })
            .observe(seconds);
    }

    /// An object was changed.
    pub fn changed(&self, kind: String, change: &'static str) {
        self.0
            .changes
            .get_or_create(&ChangeLabels { kind, change })
            .inc();
    }

    /// Whether this replica holds the lease.
    pub fn set_leader(&self, leader: bool) {
        self.0.leader.set(i64::from(leader));
    }

    /// The caches are filled.
    pub fn set_synced(&self) {
        self.0.synced.store(true, Ordering::Relaxed);
    }

    /// Where stores are counted.
    pub fn count_stores(&self, source: impl Fn() -> Vec<Arc<AmazoffStore>> + Send + 'static) {
        self.0
            .sources
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(source));
    }

    /// How many requests to the API server could have changed something.
    pub fn writes(&self) -> u64 {
        self.0.writes.load(Ordering::Relaxed)
    }

    /// How many reconciles have ended.
    pub fn reconciles(&self) -> u64 {
        self.0.finished.load(Ordering::Relaxed)
    }

    fn text(&self) -> String {
        self.0.stores.clear();
        for source in self
            .0
            .sources
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
        {
            for store in source() {
                for condition in store.status.iter().flat_map(|status| &status.conditions) {
                    let labels = ConditionLabels {
                        condition: condition.type_.clone(),
                        status: condition.status.clone(),
                    };
                    self.0.stores.get_or_create(&labels).inc();
                }
            }
        }
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

/// Serves `/metrics` and `/health` until the process ends.
pub async fn serve(address: SocketAddr, telemetry: Telemetry) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, router(telemetry)).await
}

fn router(telemetry: Telemetry) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health", get(detail))
        .route("/health/live", get(|| async { "alive" }))
        .route("/health/ready", get(ready))
        .with_state(telemetry)
}

async fn metrics(State(telemetry): State<Telemetry>) -> Response {
    let text = telemetry.text();
    (
        [(
            header::CONTENT_TYPE,
            "application/openmetrics-text; version=1.0.0; charset=utf-8",
        )],
        text,
    )
        .into_response()
}

async fn ready(State(telemetry): State<Telemetry>) -> (StatusCode, &'static str) {
    if telemetry.0.synced.load(Ordering::Relaxed) {
        (StatusCode::OK, "ready")
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            "the caches are not filled yet",
        )
    }
}

async fn detail(State(telemetry): State<Telemetry>) -> Json<serde_json::Value> {
    Json(json!({
        "leader": telemetry.0.leader.get() == 1,
        "synced": telemetry.0.synced.load(Ordering::Relaxed),
        "reconcilesRunning": telemetry.0.running.get(),
    }))
}

/// Counts every request that goes through it.
#[derive(Clone)]
pub struct CountCalls(pub Telemetry);

impl<S> Layer<S> for CountCalls {
    type Service = Counting<S>;

    fn layer(&self, inner: S) -> Counting<S> {
        Counting {
            inner,
            telemetry: self.0.clone(),
        }
    }
}

/// What [`CountCalls`] wraps a client in.
#[derive(Clone)]
pub struct Counting<S> {
    inner: S,
    telemetry: Telemetry,
}

impl<S: Service<Request<Body>>> Service<Request<Body>> for Counting<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> S::Future {
        let labels = CallLabels {
            verb: verb(request.method(), request.uri().query().unwrap_or_default()),
            resource: resource(request.uri().path()).to_owned(),
        };
        if !matches!(labels.verb, "get" | "watch") {
            self.telemetry.0.writes.fetch_add(1, Ordering::Relaxed);
        }
        self.telemetry.0.calls.get_or_create(&labels).inc();
        self.inner.call(request)
    }
}

fn verb(method: &Method, query: &str) -> &'static str {
    match *method {
        Method::GET if query.split('&').any(|pair| pair == "watch=true") => "watch",
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}

/// The plural in the path of an API request, with the subresource.
fn resource(path: &str) -> &str {
    // /api/v1/… or /apis/group/version/…, then perhaps namespaces/name/, then plural/name/subresource.
    let skip = if path.starts_with("/apis/") { 4 } else { 3 };
    let mut rest = path;
    for _ in 0..skip {
        rest = rest.split_once('/').map_or("", |(_, rest)| rest);
    }
    if let Some(inside) = rest.strip_prefix("namespaces/") {
        rest = inside
            .split_once('/')
            .map_or("namespaces", |(_, rest)| rest);
    }
    rest.split('/').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{resource, verb};
    use http::Method;

    #[test]
    fn finds_the_resource_in_a_path() {
        for (path, expected) in [
            ("/api/v1/namespaces/shop/services/shop-catalog", "services"),
            ("/api/v1/services", "services"),
            ("/apis/apps/v1/namespaces/shop/deployments", "deployments"),
            ("/apis/apps/v1/deployments", "deployments"),
            (
                "/apis/amazoff.io/v1alpha1/namespaces/shop/amazoffstores/shop/status",
                "amazoffstores",
            ),
            ("/apis/gateway.networking.k8s.io/v1", ""),
        ] {
            assert_eq!(resource(path), expected, "{path}");
        }
    }

    #[test]
    fn tells_watching_from_reading() {
        assert_eq!(verb(&Method::GET, "labelSelector=a&watch=true"), "watch");
        assert_eq!(verb(&Method::GET, ""), "get");
        assert_eq!(
            verb(&Method::PATCH, "fieldManager=amazoff-operator"),
            "patch"
        );
    }
}
