//! RFC 6962 Merkle trees as CometBFT has them: leaf SHA-256(00‖x), inner SHA-256(01‖l‖r), empty SHA-256(""), split at the
//! largest power of two below n.

use sha2::{Digest, Sha256};
use ve_proto::tendermint::crypto::Proof;

pub type Hash = [u8; 32];

pub fn leaf_hash(data: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

fn inner_hash(left: &[u8], right: &[u8]) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Root over the items.
pub fn root<T: AsRef<[u8]>>(items: &[T]) -> Hash {
    let leaves: Vec<Hash> = items.iter().map(|item| leaf_hash(item.as_ref())).collect();
    root_of_leaves(&leaves)
}

fn split(len: usize) -> usize {
    len.next_power_of_two() / 2
}

fn root_of_leaves(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Sha256::digest([]).into(),
        [only] => *only,
        many => {
            let (left, right) = many.split_at(split(many.len()));
            inner_hash(&root_of_leaves(left), &root_of_leaves(right))
        }
    }
}

/// Root and, for every item, its proof.
pub fn proofs<T: AsRef<[u8]>>(items: &[T]) -> (Hash, Vec<Proof>) {
    let leaves: Vec<Hash> = items.iter().map(|item| leaf_hash(item.as_ref())).collect();
    let proofs = (0..leaves.len())
        .map(|index| Proof {
            total: leaves.len() as i64,
            index: index as i64,
            leaf_hash: leaves[index].to_vec(),
            aunts: aunts(&leaves, index),
        })
        .collect();
    (root_of_leaves(&leaves), proofs)
}

/// Root and the proof of one item; `None` when there is no item at `index`.
pub fn proof<T: AsRef<[u8]>>(items: &[T], index: usize) -> Option<(Hash, Proof)> {
    let leaves: Vec<Hash> = items.iter().map(|item| leaf_hash(item.as_ref())).collect();
    let proof = Proof {
        total: leaves.len() as i64,
        index: index as i64,
        leaf_hash: leaves.get(index)?.to_vec(),
        aunts: aunts(&leaves, index),
    };
    Some((root_of_leaves(&leaves), proof))
}

/// Siblings from the leaf up.
fn aunts(leaves: &[Hash], index: usize) -> Vec<Vec<u8>> {
    if leaves.len() < 2 {
        return Vec::new();
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, sibling) = if index < middle {
        (aunts(left, index), root_of_leaves(right))
    } else {
        (aunts(right, index - middle), root_of_leaves(left))
    };
    path.push(sibling.to_vec());
    path
}

/// The root that `proof` gives for `data` at (`index`, `total`), or `None` when the proof is for another place or has
/// the wrong shape.
pub fn root_from_proof(proof: &Proof, index: u32, total: u32, data: &[u8]) -> Option<Hash> {
    if proof.index != i64::from(index) || proof.total != i64::from(total) || index >= total {
        return None;
    }
    let leaf = leaf_hash(data);
    if proof.leaf_hash != leaf {
        return None;
    }
    climb(leaf, index as usize, total as usize, &proof.aunts)
}

fn climb(leaf: Hash, index: usize, total: usize, aunts: &[Vec<u8>]) -> Option<Hash> {
    if total == 1 {
        return aunts.is_empty().then_some(leaf);
    }
    let (sibling, rest) = aunts.split_last()?;
    if sibling.len() != 32 {
        return None;
    }
    let middle = split(total);
    if index < middle {
        Some(inner_hash(&climb(leaf, index, middle, rest)?, sibling))
    } else {
        Some(inner_hash(sibling, &climb(leaf, index - middle, total - middle, rest)?))
    }
}
