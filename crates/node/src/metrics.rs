//! What operators watch: CometBFT's metric names on `/metrics` (OpenMetrics text), `/healthz` and `/readyz`.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

type Whole = Gauge<i64, AtomicI64>;
type Real = Gauge<f64, AtomicU64>;

/// What one committed block tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct BlockFacts {
    pub height: u64,
    pub round: u32,
    pub txs: usize,
    pub bytes: usize,
    /// Block time minus the parent's, in seconds.
    pub interval: f64,
    /// How long the application took to execute and commit.
    pub processing: Duration,
    pub validators: usize,
    pub power: u64,
    pub missing: usize,
    pub missing_power: u64,
    pub byzantine: usize,
}

/// Registered once per node; cheap to clone through an `Arc`.
pub struct Metrics {
    registry: Registry,
    height: Whole,
    rounds: Whole,
    validators: Whole,
    validators_power: Whole,
    missing: Whole,
    missing_power: Whole,
    byzantine: Whole,
    num_txs: Whole,
    total_txs: Whole,
    block_bytes: Whole,
    syncing: Whole,
    interval: Histogram,
    processing: Histogram,
    block_age: Real,
    peers: Whole,
    tx_peers: Whole,
    pool_txs: Whole,
    pool_bytes: Whole,
    pool_failed: Whole,
    refused_blocks: Whole,
    refused_parts: Whole,
    double_proposals: Whole,
    last_block: Mutex<Instant>,
}

fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn gauge(registry: &mut Registry, name: &str, help: &str) -> Whole {
    let gauge = Whole::default();
    registry.register(name, help, gauge.clone());
    gauge
}

fn histogram(registry: &mut Registry, name: &str, help: &str, buckets: &[f64]) -> Histogram {
    let histogram = Histogram::new(buckets.iter().copied());
    registry.register(name, help, histogram.clone());
    histogram
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::default();
        let r = &mut registry;
        let block_age = Real::default();
        r.register("ve_node_block_age_seconds", "Seconds since this node committed a block", block_age.clone());
        Self {
            height: gauge(r, "cometbft_consensus_height", "Height of the chain"),
            rounds: gauge(r, "cometbft_consensus_rounds", "Rounds that the last block needed beyond the first"),
            validators: gauge(r, "cometbft_consensus_validators", "Validators"),
            validators_power: gauge(r, "cometbft_consensus_validators_power", "Power of all validators"),
            missing: gauge(r, "cometbft_consensus_missing_validators", "Validators that did not sign the last commit"),
            missing_power: gauge(r, "cometbft_consensus_missing_validators_power", "Their power"),
            byzantine: gauge(r, "cometbft_consensus_byzantine_validators", "Validators that the last block convicts"),
            num_txs: gauge(r, "cometbft_consensus_num_txs", "Transactions in the last block"),
            total_txs: gauge(r, "cometbft_consensus_total_txs", "Transactions committed since this node started"),
            block_bytes: gauge(r, "cometbft_consensus_block_size_bytes", "Bytes of the last block"),
            syncing: gauge(r, "cometbft_blocksync_syncing", "1 while blocks are fetched instead of decided"),
            interval: histogram(
                r,
                "cometbft_consensus_block_interval_seconds",
                "Time between a block and its parent",
                &[0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 6.0, 10.0, 30.0, 60.0],
            ),
            processing: histogram(
                r,
                "cometbft_state_block_processing_time",
                "Milliseconds to execute and commit a block",
                &[1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_500.0, 10_000.0],
            ),
            peers: gauge(r, "cometbft_p2p_peers", "Consensus peers"),
            tx_peers: gauge(r, "ve_node_tx_peers", "Peers that exchange transactions"),
            pool_txs: gauge(r, "cometbft_mempool_size", "Waiting transactions"),
            pool_bytes: gauge(r, "cometbft_mempool_size_bytes", "Bytes of waiting transactions"),
            pool_failed: gauge(r, "cometbft_mempool_failed_txs", "Transactions refused since this node started"),
            refused_blocks: gauge(r, "ve_node_refused_blocks", "Blocks of others that this node found wrong"),
            refused_parts: gauge(
                r,
                "ve_node_refused_parts",
                "Parts of blocks that no honest node sends or that came in vain",
            ),
            double_proposals: gauge(r, "ve_node_double_proposals", "Times a validator proposed twice in one round"),
            block_age,
            last_block: Mutex::new(Instant::now()),
            registry,
        }
    }
}

impl Metrics {
    pub fn block(&self, facts: BlockFacts) {
        self.height.set(whole(facts.height));
        self.rounds.set(i64::from(facts.round));
        self.num_txs.set(whole(facts.txs as u64));
        self.total_txs.inc_by(whole(facts.txs as u64));
        self.block_bytes.set(whole(facts.bytes as u64));
        self.validators.set(whole(facts.validators as u64));
        self.validators_power.set(whole(facts.power));
        self.missing.set(whole(facts.missing as u64));
        self.missing_power.set(whole(facts.missing_power));
        self.byzantine.set(whole(facts.byzantine as u64));
        if facts.interval > 0.0 {
            self.interval.observe(facts.interval);
        }
        self.processing.observe(facts.processing.as_secs_f64() * 1_000.0);
        *self.last_block.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    pub fn mempool(&self, txs: usize, bytes: u64) {
        self.pool_txs.set(whole(txs as u64));
        self.pool_bytes.set(whole(bytes));
    }

    pub fn refused_tx(&self) {
        self.pool_failed.inc();
    }

    pub fn refused_block(&self) {
        self.refused_blocks.inc();
    }

    pub fn refused_part(&self) {
        self.refused_parts.inc();
    }

    pub fn double_proposal(&self) {
        self.double_proposals.inc();
    }

    pub fn peers(&self, consensus: usize) {
        self.peers.set(whole(consensus as u64));
    }

    pub fn tx_peers(&self, peers: usize) {
        self.tx_peers.set(whole(peers as u64));
    }

    pub fn syncing(&self, syncing: bool) {
        self.syncing.set(i64::from(syncing));
    }

    /// Time since this node committed a block, or since it started.
    pub fn block_age(&self) -> Duration {
        self.last_block.lock().unwrap_or_else(PoisonError::into_inner).elapsed()
    }

    /// The registry as text; `more` may append another registry's lines.
    pub fn text(&self, more: impl FnOnce(&mut String)) -> String {
        self.block_age.set(self.block_age().as_secs_f64());
        let mut own = String::new();
        if let Err(error) = encode(&mut own, &self.registry) {
            tracing::warn!(%error, "cannot write the metrics");
        }
        let mut text = own.trim_end().trim_end_matches("# EOF").to_string();
        let mut other = String::new();
        more(&mut other);
        text.push_str(other.trim_end().trim_end_matches("# EOF"));
        text.push_str("# EOF\n");
        text
    }
}

/// Answers whether the node is alive (`/healthz`) and ready to serve clients (`/readyz`): `Err` says why not.
pub trait Health: Send + Sync + 'static {
    fn healthy(&self) -> Result<(), String>;

    fn ready(&self) -> Result<(), String>;
}

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

fn verdict(result: Result<(), String>) -> impl IntoResponse {
    match result {
        Ok(()) => (StatusCode::OK, "ok\n".to_string()),
        Err(cause) => (StatusCode::SERVICE_UNAVAILABLE, format!("{cause}\n")),
    }
}

/// The operator's interface; `more` appends the engine's metrics.
pub fn router(
    metrics: Arc<Metrics>,
    health: Arc<dyn Health>,
    more: impl Fn(&mut String) + Clone + Send + Sync + 'static,
) -> Router {
    let ready = health.clone();
    Router::new()
        .route("/metrics", get(move || async move { ([(header::CONTENT_TYPE, OPENMETRICS)], metrics.text(&more)) }))
        .route("/healthz", get(move || async move { verdict(health.healthy()) }))
        .route("/readyz", get(move || async move { verdict(ready.ready()) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_has_cometbfts_names_and_one_end() {
        let metrics = Metrics::default();
        metrics.block(BlockFacts { height: 7, txs: 2, interval: 1.0, validators: 4, ..BlockFacts::default() });
        metrics.mempool(3, 99);
        let text = metrics.text(|other| other.push_str("# HELP other o.\n# TYPE other gauge\nother 1\n# EOF\n"));
        for line in [
            "cometbft_consensus_height 7\n",
            "cometbft_consensus_total_txs 2\n",
            "cometbft_mempool_size 3\n",
            "cometbft_consensus_block_interval_seconds_count 1\n",
            "other 1\n",
        ] {
            assert!(text.contains(line), "{line} is missing in\n{text}");
        }
        assert_eq!(text.matches("# EOF").count(), 1);
        assert!(text.ends_with("# EOF\n"));
    }
}
