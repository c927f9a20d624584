//! The node: consensus, block store, mempool and the interfaces that clients use.

pub mod rpc;
