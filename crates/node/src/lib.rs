//! The node: consensus, block store, mempool and the interfaces that clients use.

pub mod comet;
pub mod index;
pub mod rpc;
