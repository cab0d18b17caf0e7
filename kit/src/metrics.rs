//! Prometheus metrics: the registry, and what every service measures of its requests and of itself.

use std::{
    borrow::Cow,
    fmt::Write as _,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use http::{Method, StatusCode};
use prometheus_client::{
    collector::Collector,
    encoding::{
        DescriptorEncoder, EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder,
        text::encode,
    },
    metrics::{
        counter::{ConstCounter, Counter},
        family::Family,
        gauge::{ConstGauge, Gauge},
        histogram::Histogram,
    },
    registry::Registry,
};

static REGISTRY: LazyLock<Mutex<Registry>> = LazyLock::new(|| {
    let mut registry = Registry::default();
    HTTP.register(&mut registry);
    registry.register_collector(Box::new(ProcessCollector));
    Mutex::new(registry)
});

static HTTP: LazyLock<HttpMetrics> = LazyLock::new(HttpMetrics::default);

/// Adds metrics of the service's own to what `/metrics` shows.
pub fn register(add: impl FnOnce(&mut Registry)) {
    add(&mut REGISTRY.lock().unwrap_or_else(PoisonError::into_inner));
}

/// The text of `/metrics` (`OpenMetrics` 1.0).
pub fn text() -> String {
    let mut text = String::new();
    let registry = REGISTRY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Err(error) = encode(&mut text, &registry) {
        tracing::error!(%error, "metrics could not be written");
    }
    text
}

/// Requests by route template: rate, errors, duration.
struct HttpMetrics {
    requests: Family<RequestLabels, Counter>,
    duration: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    method: MethodLabel,
    route: Cow<'static, str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: MethodLabel,
    route: Cow<'static, str>,
}

/// Unknown methods are one label: what a client invents must not grow the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct MethodLabel(&'static str);

impl EncodeLabelValue for MethodLabel {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        encoder.write_str(self.0)
    }
}

impl From<&Method> for MethodLabel {
    fn from(method: &Method) -> Self {
        Self(match *method {
            Method::GET => "GET",
            Method::HEAD => "HEAD",
            Method::POST => "POST",
            Method::PUT => "PUT",
            Method::PATCH => "PATCH",
            Method::DELETE => "DELETE",
            Method::OPTIONS => "OPTIONS",
            Method::CONNECT => "CONNECT",
            _ => "OTHER",
        })
    }
}

/// From half a millisecond to ten seconds: a page's budget is tens of milliseconds, an import's is seconds.
fn duration_histogram() -> Histogram {
    Histogram::new([
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
    ])
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(duration_histogram),
            in_flight: Gauge::default(),
        }
    }
}

impl HttpMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests answered, by method, route and status",
            self.requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from the request's arrival to the last byte of its answer",
            self.duration.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests being answered",
            self.in_flight.clone(),
        );
    }
}

/// Counts a request as being answered until dropped.
pub(crate) struct InFlight(());

pub(crate) fn in_flight() -> InFlight {
    HTTP.in_flight.inc();
    InFlight(())
}

impl Drop for InFlight {
    fn drop(&mut self) {
        HTTP.in_flight.dec();
    }
}

pub(crate) fn record(
    method: &Method,
    route: Cow<'static, str>,
    status: StatusCode,
    duration: Duration,
) {
    let method = MethodLabel::from(method);
    let labels = RequestLabels {
        method,
        route,
        status: status.as_u16(),
    };
    HTTP.requests.get_or_create(&labels).inc();
    let labels = RouteLabels {
        method,
        route: labels.route,
    };
    HTTP.duration
        .get_or_create(&labels)
        .observe(duration.as_secs_f64());
}

/// Memory, processor time and files of this process, under the names every Prometheus client uses.
#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let Some(process) = read_process() else {
            return Ok(());
        };
        let memory = ConstGauge::new(process.resident_bytes);
        let metric = encoder.encode_descriptor(
            "process_resident_memory_bytes",
            "Resident memory",
            None,
            memory.metric_type(),
        )?;
        memory.encode(metric)?;
        let files = ConstGauge::new(process.open_files);
        let metric = encoder.encode_descriptor(
            "process_open_fds",
            "Open files",
            None,
            files.metric_type(),
        )?;
        files.encode(metric)?;
        let cpu = ConstCounter::new(process.cpu_seconds);
        let metric = encoder.encode_descriptor(
            "process_cpu_seconds",
            "Processor time, user and system",
            None,
            cpu.metric_type(),
        )?;
        cpu.encode(metric)
    }
}

struct Process {
    resident_bytes: i64,
    open_files: i64,
    cpu_seconds: f64,
}

/// Reads `/proc/self` (proc(5)). `None` where there is none, and then the metrics are simply absent.
fn read_process() -> Option<Process> {
    const PAGE_BYTES: i64 = 4096;
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The second field is the command in parentheses and may hold spaces.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields
        .get(11)?
        .parse::<u32>()
        .ok()?
        .checked_add(fields.get(12)?.parse().ok()?)?;
    let open_files = std::fs::read_dir("/proc/self/fd").ok()?.count();
    #[expect(
        clippy::float_arithmetic,
        reason = "Prometheus counts seconds as floats"
    )]
    let cpu_seconds = f64::from(ticks) / TICKS_PER_SECOND;
    Some(Process {
        resident_bytes: fields
            .get(21)?
            .parse::<i64>()
            .ok()?
            .checked_mul(PAGE_BYTES)?,
        open_files: i64::try_from(open_files).ok()?,
        cpu_seconds,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_requests_by_route_and_the_process_itself() {
        record(
            &Method::GET,
            "/v1/things/{id}".into(),
            StatusCode::OK,
            Duration::from_millis(3),
        );
        let text = text();
        for expected in [
            r#"http_requests_total{method="GET",route="/v1/things/{id}",status="200"}"#,
            r#"http_request_duration_seconds_bucket{le="0.005",method="GET",route="/v1/things/{id}"}"#,
            "process_resident_memory_bytes ",
            "process_cpu_seconds_total ",
        ] {
            assert!(text.contains(expected), "{expected} in\n{text}");
        }
    }
}
