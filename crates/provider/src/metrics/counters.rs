//! What the daemon counts while it works.

use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Default)]
pub struct Count(AtomicU64);

impl Count {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub fn set(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }

    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub struct Counters {
    /// Bids that the chain took.
    pub bids: Count,
    /// Signs of life that the chain took.
    pub heartbeats: Count,
    /// Orders for which capacity is held.
    pub held: Count,
    /// Comparisons of chain, store and backend, and those that failed and were repeated.
    pub passes: Count,
    pub pass_errors: Count,
    /// Workloads found missing, stopped or left over.
    pub drift: Count,
    /// Workloads under our tag that belong to no lease, at the last comparison.
    pub orphans: Count,
    /// Attempts at commands that failed.
    pub command_errors: Count,
    /// Operations of customers carried out and reported.
    pub operations: Count,
    pub provisions: Count,
    pub provision_ms: Count,
    /// Of the account, in `uve`, at the last bid.
    pub balance: Count,
    /// Unix seconds at which the gateway's certificate ends; 0 when unknown.
    pub certificate_ends: Count,
    /// Last block whose events were handled, the newest known then, and when that was.
    pub height: Count,
    pub tip: Count,
    pub heard_at: Count,
}

impl Counters {
    /// A block's events were handled.
    pub fn heard(&self, height: u64, tip: u64, now: u64) {
        self.height.set(height);
        self.tip.set(tip.max(height));
        self.heard_at.set(now);
    }

    /// Blocks that exist and were not handled yet.
    pub fn lag(&self) -> u64 {
        self.tip.get().saturating_sub(self.height.get())
    }

    /// Seconds since a block was heard of; `None` before the first.
    pub fn silence(&self, now: u64) -> Option<u64> {
        let at = self.heard_at.get();
        (at > 0).then(|| now.saturating_sub(at))
    }
}
