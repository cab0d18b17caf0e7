//! Logs and traces.
//!
//! Logs go to standard output, one line an event, written by a thread of their own so that a slow reader slows no request.
//! Traces go to an OTLP endpoint when one is configured.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing_appender::non_blocking::{NonBlocking, NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::{
    EnvFilter, Layer as _, layer::SubscriberExt as _, util::SubscriberInitExt as _,
};

use crate::config::{Config, LogFormat};

/// Writes what is still buffered when dropped; `main` keeps it until the end.
pub struct Guard {
    _logs: WorkerGuard,
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
    /// It was set up before.
    #[error("telemetry was set up twice")]
    Twice(#[source] tracing_subscriber::util::TryInitError),
}

/// Starts logging, and tracing when configured. Call it once, first.
pub fn init(service: &'static str, config: &Config) -> Result<Guard, TelemetryError> {
    let filter = EnvFilter::try_new(&config.log_filter).map_err(TelemetryError::Filter)?;
    let (writer, logs) = NonBlockingBuilder::default()
        .lossy(false)
        .finish(std::io::stdout());
    let traces = config
        .otlp_endpoint
        .as_ref()
        .map(|endpoint| tracer_provider(service, endpoint))
        .transpose()?;
    let otel = traces
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("amazoff")));
    tracing_subscriber::registry()
        .with(log_layer(config.log_format, writer).with_filter(filter))
        .with(otel)
        .try_init()
        .map_err(TelemetryError::Twice)?;
    Ok(Guard {
        _logs: logs,
        traces,
    })
}

fn log_layer<S>(
    format: LogFormat,
    writer: NonBlocking,
) -> Box<dyn tracing_subscriber::Layer<S> + Send + Sync>
where
    S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
{
    let layer = tracing_subscriber::fmt::layer().with_writer(writer);
    match format {
        LogFormat::Json => layer
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .boxed(),
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
