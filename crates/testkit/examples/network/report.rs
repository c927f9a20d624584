//! The measurements as JSON, with what limited each.

use serde_json::{Value, json};

use crate::follow::Gas;
use crate::genesis::Loaded;
use crate::load::{Flood, Latency};
use crate::plan::Plan;

pub struct NetworkReport {
    pub validators: u16,
    pub genesis: Loaded,
    pub idle_kib: u64,
    pub latency: Latency,
    pub flood: Flood,
    pub gas: Gas,
    pub verifications: f64,
}

fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |cores| cores.get() as f64)
}

fn mib(kib: u64) -> u64 {
    kib / 1024
}

pub fn document(plan: &Plan, verifications: f64, networks: &[NetworkReport]) -> Value {
    json!({
        "accounts": plan.accounts,
        "cores": cores(),
        "verifications_per_second": verifications.round(),
        "block_gas": plan.block_gas,
        "block_txs": plan.block_txs,
        "networks": networks.iter().map(|network| network.to_json(plan)).collect::<Vec<_>>(),
    })
}

impl NetworkReport {
    fn to_json(&self, plan: &Plan) -> Value {
        let flood = &self.flood;
        let transfers: usize = flood.blocks.iter().map(|block| block.txs).sum();
        let micros = |seconds: f64| (seconds * 1e6 / transfers.max(1) as f64).round();
        json!({
            "validators": self.validators,
            "genesis": {"seconds": tenths(self.genesis.seconds), "peak_mib": mib(self.genesis.peak_kib)},
            "idle_mib": mib(self.idle_kib),
            "loaded_mib": mib(flood.loaded_kib),
            "throughput": {
                "transfers": transfers,
                "per_second": flood.per_second.round(),
                "efficiency": (flood.per_second / self.verifications * 1_000.0).round() / 1_000.0,
                "blocks": flood.blocks.len(),
                "largest_block": flood.blocks.iter().map(|block| block.txs).max(),
                "gas_used": self.gas.used,
                "gas_wanted": self.gas.wanted,
                "node_cpu_us": micros(flood.node_cpu),
                "sender_cpu_us": micros(flood.own_cpu),
                "busy": (self.busy() * 100.0).round() / 100.0,
                "limit": self.throughput_limit(plan),
            },
            "latency": {
                "rate": plan.rate,
                "p50_ms": self.latency.p50.round(),
                "p99_ms": self.latency.p99.round(),
                "block_interval_ms": self.latency.interval.round(),
                "limit": self.latency_limit(),
            },
        })
    }

    /// Share of the machine's processors that nodes and sender used under full load.
    fn busy(&self) -> f64 {
        (self.flood.node_cpu + self.flood.own_cpu) / (self.flood.seconds * cores())
    }

    fn throughput_limit(&self, plan: &Plan) -> String {
        let by_gas = plan.block_gas / self.gas.wanted.max(1);
        let most = by_gas.min(plan.block_txs);
        let full = self.flood.blocks.iter().filter(|block| block.txs as u64 * 100 >= most * 95).count();
        let rule = if by_gas < plan.block_txs { "gas" } else { "transaction quota" };
        let busy = (self.busy() * 100.0).round();
        if full * 2 > self.flood.blocks.len() {
            format!("blocks: most are full by their {rule}, {most} transfers each; processors are {busy} % busy")
        } else if busy >= 80.0 {
            format!("processors: {busy} % busy with {} nodes and the sender on one machine", self.validators)
        } else {
            format!("waiting for consensus and disk: processors are {busy} % busy, blocks are not full")
        }
    }

    fn latency_limit(&self) -> String {
        let half = self.latency.interval / 2.0;
        format!(
            "block interval: {:.0} ms on average until the next block begins, {:.0} ms until it is final",
            half,
            (self.latency.p50 - half).max(0.0)
        )
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}
