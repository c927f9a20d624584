//! Gas: the deterministic price of computation and storage. Costs are those of platform spec section 1.

use std::cell::Cell;

use ve_store::KvError;

/// What store access costs, in gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvCosts {
    pub has: u64,
    pub delete: u64,
    pub read_flat: u64,
    pub read_byte: u64,
    pub write_flat: u64,
    pub write_byte: u64,
    pub iterate_flat: u64,
}

pub const KV_COSTS: KvCosts = KvCosts {
    has: 1000,
    delete: 1000,
    read_flat: 1000,
    read_byte: 3,
    write_flat: 2000,
    write_byte: 30,
    iterate_flat: 30,
};

/// Counts gas up to a limit. Reads take `&self`, so the counter is a cell; a context never leaves its thread.
#[derive(Debug)]
pub struct GasMeter {
    limit: Option<u64>,
    used: Cell<u64>,
}

impl GasMeter {
    pub fn with_limit(limit: u64) -> Self {
        Self { limit: Some(limit), used: Cell::new(0) }
    }

    /// For begin/end block, genesis and queries, whose work is bounded by other limits.
    pub fn unlimited() -> Self {
        Self { limit: None, used: Cell::new(0) }
    }

    pub fn used(&self) -> u64 {
        self.used.get()
    }

    pub fn limit(&self) -> Option<u64> {
        self.limit
    }

    /// Charges `amount` for `what`. The excess stays counted, so that the client sees how much was needed.
    pub fn consume(&self, amount: u64, what: &'static str) -> Result<(), KvError> {
        let used = self.used.get().saturating_add(amount);
        self.used.set(used);
        match self.limit {
            Some(limit) if used > limit => Err(KvError::OutOfGas(what)),
            _ => Ok(()),
        }
    }
}
