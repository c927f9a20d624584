//! ICS-23 existence and non-existence proofs from the stored tree.

use ics23::{ExistenceProof, HashOp, InnerOp, LeafOp, LengthOp, NonExistenceProof};

use super::node::{EMPTY_ROOT, Hash, INNER_PREFIX, Inner, LEAF_PREFIX, Leaf, Node};
use super::path::{nibble, node_key, root_key, with_nibble};
use super::{Nodes, sha256};
use crate::kv::{Entry, KvError};

/// How a leaf is hashed: domain prefix, SHA-256 of the key, SHA-256 of the value, without lengths (all have 32 bytes).
pub(crate) fn leaf_op() -> LeafOp {
    LeafOp {
        hash: HashOp::Sha256.into(),
        prehash_key: HashOp::Sha256.into(),
        prehash_value: HashOp::Sha256.into(),
        length: LengthOp::NoPrefix.into(),
        prefix: LEAF_PREFIX.to_vec(),
    }
}

/// Rules for checking proofs of this tree; the same as `jmt::ics23_spec`.
pub(crate) fn spec() -> ics23::ProofSpec {
    let prefix_len = i32::try_from(INNER_PREFIX.len()).unwrap_or(i32::MAX);
    ics23::ProofSpec {
        leaf_spec: Some(leaf_op()),
        inner_spec: Some(ics23::InnerSpec {
            hash: HashOp::Sha256.into(),
            child_order: vec![0, 1],
            min_prefix_length: prefix_len,
            max_prefix_length: prefix_len,
            child_size: 32,
            empty_child: EMPTY_ROOT.to_vec(),
        }),
        min_depth: 0,
        max_depth: 64,
        prehash_key_before_comparison: true,
    }
}

/// Proves what one version holds. `entry` gives the raw key and the value behind a key hash at that version.
pub(crate) struct Prover<'a> {
    pub nodes: &'a dyn Nodes,
    pub version: u64,
    pub entry: &'a dyn Fn(&Hash) -> Result<Entry, KvError>,
}

#[derive(Clone, Copy)]
enum Side {
    Left,
    Right,
}

impl Prover<'_> {
    /// The proof for a raw key: of its value if `value` is given, else of its absence. Fails with
    /// [`KvError::Refused`] in an empty tree, which ICS-23 cannot speak about.
    pub fn prove(&self, key: &[u8], value: Option<Vec<u8>>) -> Result<ics23::commitment_proof::Proof, KvError> {
        use ics23::commitment_proof::Proof;
        let hash = sha256(&[key]);
        if let Some(value) = value {
            return Ok(Proof::Exist(self.existence(&hash, key.to_vec(), value)?));
        }
        let left = self.neighbour(&hash, Side::Left)?;
        let right = self.neighbour(&hash, Side::Right)?;
        if left.is_none() && right.is_none() {
            return Err(KvError::refused(key, "an empty tree cannot prove absence"));
        }
        Ok(Proof::Nonexist(NonExistenceProof { key: key.to_vec(), left, right }))
    }

    fn neighbour(&self, hash: &Hash, side: Side) -> Result<Option<ExistenceProof>, KvError> {
        let root = self.nodes.node(&root_key(self.version))?;
        let Some(leaf) = self.nearest(root, 0, hash, side)? else { return Ok(None) };
        let (key, value) = (self.entry)(&leaf.key)?;
        self.existence(&leaf.key, key, value).map(Some)
    }

    /// The leaf next to `target` on one side, within the subtree at the first `depth` digits of `target`, which is not
    /// in the tree itself.
    fn nearest(&self, node: Node, depth: usize, target: &Hash, side: Side) -> Result<Option<Leaf>, KvError> {
        let inner = match node {
            Node::Null => return Ok(None),
            Node::Leaf(leaf) => {
                let fits = match side {
                    Side::Left => leaf.key < *target,
                    Side::Right => leaf.key > *target,
                };
                return Ok(fits.then_some(leaf));
            }
            Node::Inner(inner) => inner,
        };
        let digit = nibble(target, depth);
        let outwards: Vec<usize> = match side {
            Side::Left => (0..=digit).rev().collect(),
            Side::Right => (digit..16).collect(),
        };
        for candidate in outwards {
            let Some(child) = inner.children.get(candidate).copied().flatten() else { continue };
            let path = with_nibble(target, depth, candidate);
            let below = depth.saturating_add(1);
            let node = self.nodes.node(&node_key(child.version, &path, below))?;
            let found = if candidate == digit {
                self.nearest(node, below, target, side)?
            } else {
                Some(self.extreme(node, path, below, side)?)
            };
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// The last leaf of a subtree for `Left`, the first for `Right`.
    fn extreme(&self, mut node: Node, mut path: Hash, mut depth: usize, side: Side) -> Result<Leaf, KvError> {
        loop {
            let inner = match node {
                Node::Leaf(leaf) => return Ok(leaf),
                Node::Inner(inner) => inner,
                Node::Null => return Err(KvError::corrupt(&path, "an empty node inside the tree")),
            };
            let mut present = inner.present(0, 16);
            let chosen = match side {
                Side::Left => present.last(),
                Side::Right => present.next(),
            };
            let (digit, child) = chosen.ok_or_else(|| KvError::corrupt(&path, "a tree node without children"))?;
            path = with_nibble(&path, depth, digit);
            depth = depth.saturating_add(1);
            node = self.nodes.node(&node_key(child.version, &path, depth))?;
        }
    }

    fn existence(&self, hash: &Hash, key: Vec<u8>, value: Vec<u8>) -> Result<ExistenceProof, KvError> {
        let mut path = Vec::new();
        let mut depth = 0usize;
        let mut node = self.nodes.node(&root_key(self.version))?;
        loop {
            let inner = match node {
                Node::Leaf(leaf) if leaf.key == *hash => break,
                Node::Inner(inner) => inner,
                _ => return Err(KvError::corrupt(hash, "state holds a key that the tree does not")),
            };
            let digit = nibble(hash, depth);
            steps(&inner, digit, &mut path);
            let child = inner.children.get(digit).copied().flatten();
            let child = child.ok_or_else(|| KvError::corrupt(hash, "state holds a key that the tree does not"))?;
            depth = depth.saturating_add(1);
            node = self.nodes.node(&node_key(child.version, hash, depth))?;
        }
        path.reverse();
        Ok(ExistenceProof { key, value, leaf: Some(leaf_op()), path })
    }
}

/// The binary steps from an inner node down to the child at `digit`, root first.
fn steps(inner: &Inner, digit: usize, path: &mut Vec<InnerOp>) {
    let (mut start, mut width) = (0usize, 16usize);
    while width > 1 && inner.only_leaf(start, width).is_none() {
        let half = width / 2;
        let middle = start.saturating_add(half);
        let hash = HashOp::Sha256.into();
        if digit < middle {
            let suffix = inner.hash_range(middle, half).to_vec();
            path.push(InnerOp { hash, prefix: INNER_PREFIX.to_vec(), suffix });
        } else {
            let prefix = [INNER_PREFIX, &inner.hash_range(start, half)].concat();
            path.push(InnerOp { hash, prefix, suffix: Vec::new() });
            start = middle;
        }
        width = half;
    }
}
