//! How a server does, in numbers, for Prometheus. Labels are words of this program alone: no name, id or address of
//! anybody ever becomes one.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use deskbell_protocol::ErrorCode;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use crate::desk::Core;
use crate::operations;

/// The page's type, as Prometheus asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// One label with its value.
type Label = [(&'static str, String); 1];

/// The numbers of one desk since its server started.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    connections: Family<Label, Gauge>,
    commands: Family<Label, Counter>,
    errors: Family<Label, Counter>,
    commit_jobs: Histogram,
    commit_seconds: Histogram,
    writer_queue: Gauge,
    database_bytes: Gauge,
    free_bytes: Gauge,
    /// Bytes of frames from sockets.
    pub(crate) received_bytes: Counter,
    /// Bytes of frames to sockets.
    pub(crate) sent_bytes: Counter,
    /// Deltas to sockets.
    pub(crate) deltas: Counter,
    /// Agents who were rung for, each time.
    pub(crate) rings: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("deskbell"),
            connections: Family::default(),
            commands: Family::default(),
            errors: Family::default(),
            commit_jobs: Histogram::new(exponential_buckets(1.0, 2.0, 7)),
            commit_seconds: Histogram::new(exponential_buckets(0.000_25, 2.0, 14)),
            writer_queue: Gauge::default(),
            database_bytes: Gauge::default(),
            free_bytes: Gauge::default(),
            received_bytes: Counter::default(),
            sent_bytes: Counter::default(),
            deltas: Counter::default(),
            rings: Counter::default(),
        };
        let registry = &mut metrics.registry;
        registry.register(
            "connections",
            "Sockets and waiting requests, by who they are of",
            metrics.connections.clone(),
        );
        registry.register("commands", "Commands, by what came of them", metrics.commands.clone());
        registry.register("errors", "Refusals, by their code", metrics.errors.clone());
        registry.register("commit_jobs", "Pieces of work of one commit", metrics.commit_jobs.clone());
        let (seconds, bytes) = (Unit::Seconds, Unit::Bytes);
        registry.register_with_unit("commit", "Time of one commit", seconds, metrics.commit_seconds.clone());
        registry.register("writer_queue", "Pieces of work that wait for the writer", metrics.writer_queue.clone());
        let database = metrics.database_bytes.clone();
        registry.register_with_unit("database", "The database and its log", bytes.clone(), database);
        registry.register_with_unit("disk_free", "Room on the disk", bytes.clone(), metrics.free_bytes.clone());
        let received = metrics.received_bytes.clone();
        registry.register_with_unit("received", "Frames from sockets", bytes.clone(), received);
        registry.register_with_unit("sent", "Frames to sockets", bytes, metrics.sent_bytes.clone());
        registry.register("deltas", "Deltas to sockets", metrics.deltas.clone());
        registry.register("rings", "Agents who were rung for, each time", metrics.rings.clone());
        metrics
    }
}

impl Metrics {
    /// A command was done, had been done before, or was refused.
    pub(crate) fn command(&self, outcome: &'static str) {
        self.commands.get_or_create(&[("outcome", outcome.to_owned())]).inc();
    }

    /// Something was refused.
    pub(crate) fn error(&self, code: ErrorCode) {
        let name = serde_json::to_value(code).ok().and_then(|name| name.as_str().map(str::to_owned));
        self.errors.get_or_create(&[("code", name.unwrap_or_default())]).inc();
    }

    /// A group of jobs was committed.
    pub(crate) fn commit(&self, jobs: usize, took: Duration) {
        self.commit_jobs.observe(f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)));
        self.commit_seconds.observe(took.as_secs_f64());
    }
}

fn gauge(value: impl TryInto<i64>) -> i64 {
    value.try_into().unwrap_or(i64::MAX)
}

/// The page. What is not counted is looked up now.
pub(crate) async fn page(core: Arc<Core>) -> Response {
    let metrics = &core.hub.metrics;
    for (kind, number) in core.hub.census() {
        metrics.connections.get_or_create(&[("kind", kind.to_owned())]).set(gauge(number));
    }
    metrics.writer_queue.set(gauge(core.writer.waiting()));
    let data = core.settings.data.clone();
    let looked = tokio::task::spawn_blocking(move || {
        let size = |name: &str| std::fs::metadata(data.join(name)).map_or(0, |about| about.len());
        (size(operations::DATABASE) + size("desk.db-wal"), operations::free_bytes(&data).unwrap_or(0))
    });
    if let Ok((database, free)) = looked.await {
        metrics.database_bytes.set(gauge(database));
        metrics.free_bytes.set(gauge(free));
    }
    let mut text = String::new();
    match encode(&mut text, &metrics.registry) {
        Ok(()) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
