//! Prometheus metrics and health of the daemon (marketplace spec section 13.10). What the store holds is read when asked
//! for, so that the numbers cannot drift from it.

mod counters;
mod health;
mod startup;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::daemon::{Daemon, now};
use crate::db::DbError;
use crate::lease;
use crate::queue::Queue;

pub use counters::{Count, Counters};
pub use health::Health;
pub use startup::Startup;

/// Serves `/metrics`, `/healthz` and `/readyz` until the process ends.
pub async fn serve(startup: Arc<Startup>, listener: TcpListener) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(startup);
    axum::serve(listener, router).await
}

async fn metrics(State(startup): State<Arc<Startup>>) -> impl IntoResponse {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    let mut page = Page(String::new());
    page.one("started", "gauge", startup.daemon().is_some().into());
    let text = match startup.daemon() {
        Some(daemon) => text(daemon, page),
        None => Ok(page.0),
    };
    match text {
        Ok(text) => (StatusCode::OK, kind, text),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, kind, format!("# {error}\n")),
    }
}

async fn ready(State(startup): State<Arc<Startup>>) -> impl IntoResponse {
    let health = startup.health().await;
    let status = if health.ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, axum::Json(health))
}

/// In the text format of Prometheus.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str) {
        let _ = writeln!(self.0, "# TYPE ve_provider_{name} {kind}");
    }

    fn one(&mut self, name: &str, kind: &str, value: u64) {
        self.family(name, kind);
        let _ = writeln!(self.0, "ve_provider_{name} {value}");
    }

    fn by<K: std::fmt::Display>(&mut self, name: &str, kind: &str, label: &str, values: &BTreeMap<K, u64>) {
        self.family(name, kind);
        for (key, value) in values {
            let _ = writeln!(self.0, "ve_provider_{name}{{{label}=\"{key}\"}} {value}");
        }
    }
}

fn text(daemon: &Daemon, mut page: Page) -> Result<String, DbError> {
    let counters = &daemon.counters;
    let mut leases: BTreeMap<&str, u64> = BTreeMap::new();
    for record in lease::all(&daemon.db)? {
        *leases.entry(record.desired.name()).or_default() += 1;
    }
    let mut commands: BTreeMap<&str, u64> = BTreeMap::new();
    let mut depth = 0;
    for command in Queue::new(&daemon.db).all()? {
        *commands.entry(command.state.name()).or_default() += 1;
        depth += u64::from(command.ended_at.is_none());
    }
    page.by("leases", "gauge", "state", &leases);
    page.by("commands", "gauge", "state", &commands);
    page.one("queue_depth", "gauge", depth);
    page.one("bids_total", "counter", counters.bids.get());
    page.one("heartbeats_total", "counter", counters.heartbeats.get());
    page.one("bids_held", "gauge", counters.held.get());
    page.by("orders_declined_total", "counter", "reason", &daemon.declined.totals());
    page.by("orders_declined", "gauge", "reason", &daemon.declined.open());
    page.one("passes_total", "counter", counters.passes.get());
    page.one("pass_errors_total", "counter", counters.pass_errors.get());
    page.one("reconcile_drift_total", "counter", counters.drift.get());
    page.one("reconcile_orphans", "gauge", counters.orphans.get());
    page.one("command_errors_total", "counter", counters.command_errors.get());
    page.one("operations_total", "counter", counters.operations.get());
    let adapter = daemon.backend.name();
    page.family("provision_seconds", "summary");
    let seconds = counters.provision_ms.get() as f64 / 1000.0;
    let _ = writeln!(page.0, "ve_provider_provision_seconds_sum{{adapter=\"{adapter}\"}} {seconds}");
    let count = counters.provisions.get();
    let _ = writeln!(page.0, "ve_provider_provision_seconds_count{{adapter=\"{adapter}\"}} {count}");
    page.one("balance_uve", "gauge", counters.balance.get());
    page.one("height", "gauge", counters.height.get());
    page.one("event_lag_blocks", "gauge", counters.lag());
    if let Some(age) = counters.silence(now()) {
        page.one("event_age_seconds", "gauge", age);
    }
    let ends = counters.certificate_ends.get();
    if ends > 0 {
        page.one("certificate_expiry_seconds", "gauge", ends.saturating_sub(now()));
    }
    Ok(page.0)
}

#[cfg(test)]
mod tests;
