//! Transactions waiting for a block. The application decides which are good; this module keeps them bounded, in order,
//! and unique.
//!
//! Order: an account's transactions by sequence, accounts by the priority of their next transaction, then by arrival.

mod cache;
mod pool;
mod queue;

#[cfg(test)]
mod pool_tests;

pub use self::pool::{CommitGuard, Mempool, Sizes};

use std::time::Duration;

/// Bytes of the largest transaction that any configuration admits; the servers' limits of a request follow from it.
pub const MAX_TX_BYTES: usize = 1 << 20;

/// Limits of the waiting transactions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Waiting transactions in all.
    pub max_txs: usize,
    /// Their bytes in all.
    pub max_bytes: u64,
    /// Bytes of one transaction.
    pub max_tx_bytes: usize,
    /// Waiting transactions of one account.
    pub max_per_account: usize,
    /// Remembered hashes of transactions that wait or were committed lately.
    pub cache: usize,
    /// Blocks after which a waiting transaction is dropped; 0 = never.
    pub ttl_blocks: u64,
    /// Time after which a waiting transaction is dropped; zero = never.
    pub ttl: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_txs: 5_000,
            max_bytes: 64 << 20,
            max_tx_bytes: MAX_TX_BYTES,
            max_per_account: 64,
            cache: 20_000,
            ttl_blocks: 0,
            ttl: Duration::from_secs(600),
        }
    }
}
