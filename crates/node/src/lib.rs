//! The node: consensus, block store, mempool and the interfaces that clients use.

pub mod blockstore;
pub mod chain;
pub mod comet;
pub mod config;
pub mod core;
pub mod engine;
pub mod evidence;
#[cfg(test)]
mod fuzz_tests;
pub mod genesis;
pub mod gossip;
pub mod guard;
pub mod index;
pub mod keys;
pub mod mempool;
pub mod metrics;
pub mod node;
pub mod rpc;
pub mod signer;
pub mod statesync;
mod view;
