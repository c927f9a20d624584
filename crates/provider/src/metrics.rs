//! Prometheus metrics and health of the daemon (marketplace spec section 13.10). Numbers are read when asked for, so
//! they cannot drift from what the store holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;

use crate::daemon::{Daemon, now};
use crate::db::DbError;
use crate::lease;
use crate::queue::{CommandState, Queue};

/// A chain that shows nothing for this long makes the daemon not ready.
const MAX_SILENCE_S: u64 = 30;

/// Serves `/metrics`, `/healthz` and `/readyz` until the process ends.
pub async fn serve(daemon: Arc<Daemon>, listener: TcpListener) -> std::io::Result<()> {
    let router = Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .with_state(daemon);
    axum::serve(listener, router).await
}

async fn metrics(State(daemon): State<Arc<Daemon>>) -> Result<String, (StatusCode, String)> {
    text(&daemon).map_err(|error| (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")))
}

fn text(daemon: &Daemon) -> Result<String, DbError> {
    let mut leases: BTreeMap<String, u64> = BTreeMap::new();
    for record in lease::all(&daemon.db)? {
        *leases.entry(format!("{:?}", record.desired).to_lowercase()).or_default() += 1;
    }
    let mut commands: BTreeMap<&str, u64> = BTreeMap::new();
    for command in Queue::new(&daemon.db).all()? {
        let state = match command.state {
            CommandState::Pending => "pending",
            CommandState::Executing { .. } => "executing",
            CommandState::Succeeded => "succeeded",
            CommandState::Failed => "failed",
            CommandState::DeadLetter => "dead_letter",
        };
        *commands.entry(state).or_default() += 1;
    }
    let mut out = String::from("# TYPE ve_provider_leases gauge\n");
    for (state, count) in leases {
        let _ = writeln!(out, "ve_provider_leases{{state=\"{state}\"}} {count}");
    }
    out.push_str("# TYPE ve_provider_commands gauge\n");
    for (state, count) in commands {
        let _ = writeln!(out, "ve_provider_commands{{state=\"{state}\"}} {count}");
    }
    for (name, kind, value) in [
        ("ve_provider_bids_total", "counter", daemon.counters.bids.load(Ordering::Relaxed)),
        ("ve_provider_passes_total", "counter", daemon.counters.passes.load(Ordering::Relaxed)),
        ("ve_provider_height", "gauge", daemon.counters.height.load(Ordering::Relaxed)),
        ("ve_provider_event_age_seconds", "gauge", silence(daemon)),
    ] {
        let _ = writeln!(out, "# TYPE {name} {kind}\n{name} {value}");
    }
    Ok(out)
}

fn silence(daemon: &Daemon) -> u64 {
    now().saturating_sub(daemon.counters.heard_at.load(Ordering::Relaxed))
}

async fn ready(State(daemon): State<Arc<Daemon>>) -> (StatusCode, String) {
    let silent = silence(&daemon);
    if silent > MAX_SILENCE_S {
        return (StatusCode::SERVICE_UNAVAILABLE, format!("no block was seen for {silent} s\n"));
    }
    match daemon.backend.inventory().await {
        Ok(_) => (StatusCode::OK, "ready\n".into()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("backend: {error}\n")),
    }
}
