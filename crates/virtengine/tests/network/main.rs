//! Whole networks of real processes, started as a user starts them.

mod chain;
mod clocks;
mod crash;
mod crash_load;
mod deploy;
mod hostile_market;
mod hostile_txs;
mod interrupt;
mod late;
mod light;
mod market;
mod operations;
mod overdrawn;
mod proven;
mod provider;
mod signer;
mod snapshot;
mod support;
mod validators;
