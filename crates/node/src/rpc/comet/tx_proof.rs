//! Proof that a transaction is in a block: the Merkle tree over the transactions' hashes, whose root is the header's
//! `data_hash`.

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::json::{base64, hex_upper};
use crate::comet::merkle;

/// Null when the block has no transaction at `index`.
pub fn proof_json(txs: &[Bytes], index: usize) -> Value {
    let hashes: Vec<[u8; 32]> = txs.iter().map(|tx| Sha256::digest(tx).into()).collect();
    let Some((root, proof)) = merkle::proof(&hashes, index) else { return Value::Null };
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
