//! The Merkle tree of RFC 6962 section 2.1: roots, paths and their checks. Leaves are entry hashes.

use sha2::{Digest, Sha256};

pub type Hash = [u8; 32];

/// Longest path that a tree of 2^64 leaves can need.
pub const MAX_PATH: usize = 65;

pub fn leaf(data: &Hash) -> Hash {
    Sha256::new().chain_update([0]).chain_update(data).finalize().into()
}

pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Hashes of complete subtrees: `get(level, index)` covers the leaves `index·2^level … (index+1)·2^level − 1`; level 0
/// is a leaf hash.
pub trait Nodes {
    type Error;
    fn get(&self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

/// Largest power of two below `size`, which is at least 2.
fn split(size: u64) -> u64 {
    1 << (63 - size.saturating_sub(1).leading_zeros().min(63))
}

/// Root of the leaves `start … start+size−1`, where `start` is a multiple of the largest power of two in `size`.
fn subtree<N: Nodes + ?Sized>(nodes: &N, start: u64, size: u64) -> Result<Hash, N::Error> {
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        return nodes.get(level, start >> level);
    }
    let left = split(size);
    let right = subtree(nodes, start.saturating_add(left), size.saturating_sub(left))?;
    Ok(node(&subtree(nodes, start, left)?, &right))
}

/// Root of the first `size` leaves; that of none is the hash of nothing.
pub fn root<N: Nodes + ?Sized>(nodes: &N, size: u64) -> Result<Hash, N::Error> {
    if size == 0 { Ok(Sha256::digest([]).into()) } else { subtree(nodes, 0, size) }
}

/// Path from leaf `index` to the root of the first `size` leaves; `index` is below `size`.
pub fn inclusion<N: Nodes + ?Sized>(nodes: &N, index: u64, size: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    let (mut start, mut length) = (0u64, size);
    while length > 1 {
        let left = split(length);
        let middle = start.saturating_add(left);
        if index < middle {
            path.push(subtree(nodes, middle, length.saturating_sub(left))?);
            length = left;
        } else {
            path.push(subtree(nodes, start, left)?);
            start = middle;
            length = length.saturating_sub(left);
        }
    }
    path.reverse();
    Ok(path)
}

/// Proof that the tree of `second` leaves continues that of `first`; 0 < `first` ≤ `second`.
pub fn consistency<N: Nodes + ?Sized>(nodes: &N, first: u64, second: u64) -> Result<Vec<Hash>, N::Error> {
    let mut path = Vec::new();
    let (mut start, mut old, mut new, mut whole) = (0u64, first, second, true);
    while old != new {
        let left = split(new);
        let middle = start.saturating_add(left);
        if old <= left {
            path.push(subtree(nodes, middle, new.saturating_sub(left))?);
            new = left;
        } else {
            path.push(subtree(nodes, start, left)?);
            (start, old, new, whole) = (middle, old.saturating_sub(left), new.saturating_sub(left), false);
        }
    }
    if !whole {
        path.push(subtree(nodes, start, new)?);
    }
    path.reverse();
    Ok(path)
}

/// Whether `path` leads from the leaf with this entry hash at `index` to the `root` of `size` leaves (RFC 9162 section
/// 2.1.3.2).
pub fn verify_inclusion(hash: &Hash, index: u64, size: u64, path: &[Hash], root: &Hash) -> bool {
    if index >= size || path.len() > MAX_PATH {
        return false;
    }
    let (mut at, mut last, mut current) = (index, size.saturating_sub(1), leaf(hash));
    for sibling in path {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            current = node(sibling, &current);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            current = node(&current, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && current == *root
}

/// Whether `path` proves that the tree of `second` leaves continues that of `first` (RFC 9162 section 2.1.4.2).
pub fn verify_consistency(first: (u64, &Hash), second: (u64, &Hash), path: &[Hash]) -> bool {
    let ((old, old_root), (new, new_root)) = (first, second);
    if old == 0 || old > new || path.len() > MAX_PATH {
        return false;
    }
    if old == new {
        return path.is_empty() && old_root == new_root;
    }
    let mut rest = path.iter();
    let (mut at, mut last) = (old.saturating_sub(1), new.saturating_sub(1));
    while at & 1 == 1 {
        (at, last) = (at >> 1, last >> 1);
    }
    let start = if old.is_power_of_two() { Some(old_root) } else { rest.next() };
    let Some(start) = start else { return false };
    let (mut ours, mut theirs) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            ours = node(sibling, &ours);
            theirs = node(sibling, &theirs);
            while at & 1 == 0 && at != 0 {
                (at, last) = (at >> 1, last >> 1);
            }
        } else {
            theirs = node(&theirs, sibling);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    last == 0 && ours == *old_root && theirs == *new_root
}
