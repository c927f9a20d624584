//! The Merkle tree over state: a Jellyfish Merkle Tree, the same nodes, hashes and ICS-23 proofs as the `jmt` crate.
//!
//! Keys are placed by the SHA-256 of the raw key. Written here rather than taken from `jmt` because that crate updates
//! one key at a time and hashes every node on the way each time; here a block's whole sorted change set goes down the
//! tree once, each touched node is hashed once, and subtrees can go to several threads. Tests hold both against each
//! other.

mod cache;
mod node;
mod path;
mod proof;
mod update;

pub(crate) use cache::TopNodes;
pub(crate) use node::{EMPTY_ROOT, Hash, Leaf, Node, StoredNode, sha256};
pub(crate) use path::root_key;
pub(crate) use proof::{Prover, spec};
pub(crate) use update::{Assembly, HashedChange, Outcome, TreeUpdate, update};

use crate::kv::KvError;

/// Where nodes are read from, by the key that [`node_key`] makes. A missing node is corruption.
pub(crate) trait Nodes: Sync {
    fn node(&self, key: &[u8]) -> Result<Node, KvError>;
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
