//! Proof that a transaction is in a block: RFC 6962 Merkle tree over the transactions' hashes, whose root is the header's
//! `data_hash`.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use ve_proto::tendermint::crypto::Proof;

use super::json::{base64, hex_upper};

fn leaf(data: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

fn inner(left: &[u8], right: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Largest power of two below `len`, which is at least 2.
fn split(len: usize) -> usize {
    len.next_power_of_two() / 2
}

fn root(leaves: &[[u8; 32]]) -> [u8; 32] {
    match leaves {
        [] => Sha256::digest([]).into(),
        [only] => *only,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            inner(&root(left), &root(right))
        }
    }
}

/// Siblings from the leaf up.
fn aunts(leaves: &[[u8; 32]], index: usize) -> Vec<Vec<u8>> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, sibling) = if index < left.len() {
        (aunts(left, index), root(right))
    } else {
        (aunts(right, index - left.len()), root(left))
    };
    path.push(sibling.to_vec());
    path
}

/// Root and proof for the transaction at `index`, which must exist.
pub fn prove(txs: &[Bytes], index: usize) -> ([u8; 32], Proof) {
    let leaves: Vec<[u8; 32]> = txs.iter().map(|tx| leaf(&Sha256::digest(tx))).collect();
    let proof = Proof {
        total: leaves.len() as i64,
        index: index as i64,
        leaf_hash: leaves[index].to_vec(),
        aunts: aunts(&leaves, index),
    };
    (root(&leaves), proof)
}

pub fn proof_json(txs: &[Bytes], index: usize) -> Value {
    let (root, proof) = prove(txs, index);
    json!({
        "root_hash": hex_upper(&root),
        "data": base64(&txs[index]),
        "proof": {
            "total": proof.total.to_string(),
            "index": proof.index.to_string(),
            "leaf_hash": base64(&proof.leaf_hash),
            "aunts": proof.aunts.iter().map(|a| base64(a)).collect::<Vec<_>>(),
        },
    })
}
