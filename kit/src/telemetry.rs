//! Logs and traces.
//!
//! Logs go to standard output, one line an event, written by a thread of their own so that a slow reader slows no request.
//! Traces go to an OTLP endpoint when one is configured.

mod json;
mod lines;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_subscriber::{
    EnvFilter, Layer as _, Registry,
    filter::{FilterExt as _, filter_fn},
    layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

use self::{json::JsonLines, lines::Lines};

use crate::config::{Config, LogFormat};

/// Writes what is still buffered when dropped; `main` keeps it until the end.
pub struct Guard {
    _logs: lines::Guard,
    traces: Option<SdkTracerProvider>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(Err(error)) = self.traces.take().map(|traces| traces.shutdown()) {
            tracing::warn!(%error, "the last traces could not be sent");
        }
    }
}

/// Why logs or traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `LOG_FILTER` is malformed.
    #[error("LOG_FILTER is not a filter such as info,catalog=debug")]
    Filter(#[source] tracing_subscriber::filter::ParseError),
    /// `OTEL_EXPORTER_OTLP_ENDPOINT` can't be used.
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT can't be used")]
    Exporter(#[source] opentelemetry_otlp::ExporterBuildError),
    /// The system refused the thread that writes logs.
    #[error("the thread that writes logs can't be started")]
    Thread(#[source] std::io::Error),
    /// It was set up before.
    #[error("telemetry was set up twice")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging, and tracing when configured. Call it once, first.
pub fn init(service: &'static str, config: &Config) -> Result<Guard, TelemetryError> {
    let filter = EnvFilter::try_new(&config.log_filter).map_err(TelemetryError::Filter)?;
    let (writer, logs) = Lines::start(std::io::stdout()).map_err(TelemetryError::Thread)?;
    let traces = config
        .otlp_endpoint
        .as_ref()
        .map(|endpoint| tracer_provider(service, endpoint))
        .transpose()?;
    let otel = traces
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("amazoff")));
    // Spans are for traces only: where none are sent, they cost nothing. Lines know their request by its context.
    let log = log_layer(config.log_format, writer).with_filter(filter.and(filter_fn(is_event)));
    let layers: Vec<Box<dyn tracing_subscriber::Layer<Registry> + Send + Sync>> =
        std::iter::once(log.boxed())
            .chain(otel.map(tracing_subscriber::Layer::boxed))
            .collect();
    tracing_subscriber::registry()
        .with(layers)
        .try_init()
        .map_err(TelemetryError::Twice)?;
    Ok(Guard {
        _logs: logs,
        traces,
    })
}

fn is_event(metadata: &tracing::Metadata<'_>) -> bool {
    metadata.is_event()
}

fn log_layer<S>(
    format: LogFormat,
    writer: Lines,
) -> Box<dyn tracing_subscriber::Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Json => layer.event_format(JsonLines).boxed(),
        LogFormat::Pretty => layer.with_target(false).boxed(),
    }
}

fn tracer_provider(
    service: &'static str,
    endpoint: &url::Url,
) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_endpoint(format!(
            "{}/v1/traces",
            endpoint.as_str().trim_end_matches('/')
        ))
        .with_headers(std::collections::HashMap::new())
        .build()
        .map_err(TelemetryError::Exporter)?;
    let resource = Resource::builder().with_service_name(service).build();
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_resource(resource)
        .build())
}
