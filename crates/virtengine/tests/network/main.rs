//! Whole networks of real processes, started as a user starts them.

mod chain;
mod chaos;
mod clocks;
mod cluster;
mod crash;
mod crash_load;
mod deploy;
mod drills;
mod hostile_market;
mod hostile_txs;
mod hosts;
mod interrupt;
mod late;
mod light;
mod market;
mod next_release;
mod operations;
mod overdrawn;
mod partition;
mod proven;
mod provider;
mod signer;
mod snapshot;
mod support;
mod validators;
