//! One OpenTelemetry span for each traced request, exported in the background.
//!
//! A span is made once the reply is known and before it is written, and waits for nothing: what does
//! not fit into the exporter's queue is dropped. A span holds the command, what became of the
//! callback and the status: nothing of the message, the sender or the group.

use std::thread;
use std::time::{Duration, SystemTime};

use hyper::header::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator};
use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, Tracer as _, TracerProvider as _,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracer, SdkTracerProvider};

use super::{Answered, Trace, TraceError};

/// How long the collector may take for a batch.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);

/// Records spans, if asked to.
#[derive(Debug)]
pub struct Tracer(Option<On>);

#[derive(Debug)]
struct On {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
    propagator: TraceContextPropagator,
}

impl Tracer {
    /// Begins to export to where the configuration says.
    pub fn begin(trace: Option<&Trace>) -> Result<Self, TraceError> {
        let Some(trace) = trace else { return Ok(Self(None)) };
        let failed = |why: String| TraceError { endpoint: trace.endpoint.clone(), why };
        // The exporter's HTTP client blocks, which a thread of the runtime must not.
        let provider = thread::scope(|scope| scope.spawn(|| provider(trace)).join());
        let provider = provider
            .map_err(|_| failed("the exporter broke down".to_owned()))?
            .map_err(|error| failed(error.to_string()))?;
        let tracer = provider.tracer("quell");
        Ok(Self(Some(On { provider, tracer, propagator: TraceContextPropagator::new() })))
    }

    /// Makes the span of a request, if it is one of the traced.
    pub fn record(&self, answered: Answered<'_>) {
        let Some(on) = &self.0 else { return };
        let mut parent = Context::new();
        // Whoever is refused has no say in what is traced, or a stranger could have everything be.
        if answered.outcome != "refused" {
            parent = on.propagator.extract_with_context(&parent, &Headers(answered.headers));
        }
        let spent = answered.begun.elapsed();
        let now = SystemTime::now();
        let name = if answered.command.is_empty() { "refused" } else { answered.command };
        let builder = SpanBuilder::from_name(name)
            .with_kind(SpanKind::Server)
            .with_start_time(now.checked_sub(spent).unwrap_or(now));
        let mut span = on.tracer.build_with_context(builder, &parent);
        if !span.is_recording() {
            return;
        }
        span.set_attribute(KeyValue::new("quell.outcome", answered.outcome));
        span.set_attribute(KeyValue::new("http.response.status_code", i64::from(answered.status)));
        if answered.outcome == "fallback" {
            span.set_status(Status::error("fallback"));
        }
        span.end_with_timestamp(now);
    }

    /// Sends what is left, for so long at most.
    pub fn stop(&self, patience: Duration) {
        let Some(on) = &self.0 else { return };
        if let Err(error) = on.provider.shutdown_with_timeout(patience) {
            tracing::warn!(%error, "the last spans are lost");
        }
    }
}

fn provider(trace: &Trace) -> Result<SdkTracerProvider, opentelemetry_otlp::ExporterBuildError> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpJson)
        .with_endpoint(trace.endpoint.clone())
        .with_timeout(EXPORT_TIMEOUT)
        .build()?;
    let ratio = Sampler::TraceIdRatioBased(f64::from(trace.percent) / 100.0);
    let resource = Resource::builder()
        .with_service_name("quell")
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).build())
        .with_sampler(Sampler::ParentBased(Box::new(ratio)))
        .with_resource(resource)
        .build())
}

/// The headers that carry W3C trace context.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(hyper::header::HeaderName::as_str).collect()
    }
}
