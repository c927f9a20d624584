//! One block's changes applied to the tree in a single descent.

use super::Nodes;
use super::node::{Child, EMPTY_ROOT, Hash, Inner, Leaf, Node, StoredNode};
use super::path::{nibble, node_key, root_key, with_nibble};
use crate::kv::KvError;

/// SHA-256 of a raw key, of its new value and of the value that it replaces; `None` where there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashedChange {
    pub key: Hash,
    pub new: Option<Hash>,
    pub old: Option<Hash>,
}

/// Fewer changes than this are not worth another thread.
const PARALLEL_FROM: usize = 128;

/// What a version does to the stored tree.
#[derive(Debug)]
pub(crate) struct TreeUpdate {
    pub root: Hash,
    /// New nodes with their database keys.
    pub written: Vec<StoredNode>,
    /// Keys of nodes that this version no longer reaches.
    pub stale: Vec<Vec<u8>>,
}

/// What became of a subtree. A lone leaf has no node of its own yet: the level that keeps it decides where it lies.
pub(crate) enum Outcome {
    Unchanged,
    Empty,
    Leaf(Leaf),
    Inner(Hash),
}

/// Applies `changes`, sorted by key hash without duplicates, on top of version `previous` as `version`. The result is
/// the same for every number of threads.
pub(crate) fn update(
    nodes: &dyn Nodes,
    previous: Option<u64>,
    version: u64,
    changes: &[HashedChange],
    threads: usize,
) -> Result<TreeUpdate, KvError> {
    let mut descent = Descent { nodes, out: Assembly::new(version) };
    let outcome = match changes {
        [] => Outcome::Unchanged,
        _ => descent.apply(0, previous, None, changes, threads)?,
    };
    let mut out = descent.out;
    let root = match outcome {
        Outcome::Unchanged => {
            let node = match previous {
                Some(previous) => {
                    out.stale.push(root_key(previous));
                    nodes.node(&root_key(previous))?
                }
                None => Node::Null,
            };
            let hash = node.hash();
            out.written.push((root_key(version), node));
            hash
        }
        outcome => out.finish(outcome),
    };
    Ok(TreeUpdate { root, written: out.written, stale: out.stale })
}

/// Collects the nodes of one version, from the leaves up.
pub(crate) struct Assembly {
    version: u64,
    pub written: Vec<StoredNode>,
    pub stale: Vec<Vec<u8>>,
}

impl Assembly {
    pub fn new(version: u64) -> Self {
        Self { version, written: Vec::new(), stale: Vec::new() }
    }

    /// Writes the root and returns its hash.
    pub fn finish(&mut self, outcome: Outcome) -> Hash {
        match outcome {
            Outcome::Inner(hash) => hash,
            Outcome::Leaf(leaf) => {
                self.written.push((root_key(self.version), Node::Leaf(leaf)));
                leaf.hash()
            }
            Outcome::Empty | Outcome::Unchanged => {
                self.written.push((root_key(self.version), Node::Null));
                EMPTY_ROOT
            }
        }
    }

    /// A new subtree of leaves that are sorted, distinct and agree in their first `depth` digits.
    pub fn build(&mut self, depth: usize, leaves: &[Leaf]) -> Outcome {
        match leaves {
            [] => Outcome::Empty,
            [leaf] => Outcome::Leaf(*leaf),
            [first, ..] => {
                let mut slots = Slots::default();
                for group in leaves.chunk_by(|a, b| nibble(&a.key, depth) == nibble(&b.key, depth)) {
                    let Some(head) = group.first() else { continue };
                    let outcome = self.build(depth.saturating_add(1), group);
                    slots.put(nibble(&head.key, depth), outcome, self.version);
                }
                self.inner(depth, &first.key, slots)
            }
        }
    }

    /// Joins subtrees built apart, by digit, at the given depth of `path`.
    pub fn join(&mut self, depth: usize, path: &Hash, parts: impl IntoIterator<Item = (usize, Outcome)>) -> Outcome {
        let mut slots = Slots::default();
        for (digit, outcome) in parts {
            slots.put(digit, outcome, self.version);
        }
        let mut leaves = slots.leaves.iter().flatten();
        match (slots.count(), leaves.next(), leaves.next()) {
            (0, ..) => Outcome::Empty,
            (1, Some(leaf), None) => Outcome::Leaf(*leaf),
            _ => self.inner(depth, path, slots),
        }
    }

    /// Writes an inner node and the leaves that now lie directly below it.
    fn inner(&mut self, depth: usize, path: &Hash, slots: Slots) -> Outcome {
        for leaf in slots.leaves.into_iter().flatten() {
            self.written.push((node_key(self.version, &leaf.key, depth.saturating_add(1)), Node::Leaf(leaf)));
        }
        let inner = Inner { children: slots.children };
        let hash = inner.hash();
        self.written.push((node_key(self.version, path, depth), Node::Inner(Box::new(inner))));
        Outcome::Inner(hash)
    }
}

/// Children under construction; `leaves` are those of this version, not written yet.
#[derive(Default)]
struct Slots {
    children: [Option<Child>; 16],
    leaves: [Option<Leaf>; 16],
}

impl Slots {
    /// Returns whether the child changed.
    fn put(&mut self, digit: usize, outcome: Outcome, version: u64) -> bool {
        let (Some(child), Some(leaf_slot)) = (self.children.get_mut(digit), self.leaves.get_mut(digit)) else {
            return false;
        };
        match outcome {
            Outcome::Unchanged => return false,
            Outcome::Empty => *child = None,
            Outcome::Leaf(leaf) => {
                *child = Some(Child { hash: leaf.hash(), version, leaf: true });
                *leaf_slot = Some(leaf);
            }
            Outcome::Inner(hash) => *child = Some(Child { hash, version, leaf: false }),
        }
        true
    }

    fn count(&self) -> usize {
        self.children.iter().flatten().count()
    }
}

struct Descent<'a> {
    nodes: &'a dyn Nodes,
    out: Assembly,
}

impl Descent<'_> {
    /// Applies changes that agree in their first `depth` digits to the subtree there, written by version `existing`;
    /// `known` spares reading it if it is a leaf.
    fn apply(
        &mut self,
        depth: usize,
        existing: Option<u64>,
        known: Option<Leaf>,
        changes: &[HashedChange],
        threads: usize,
    ) -> Result<Outcome, KvError> {
        let Some(HashedChange { key: path, .. }) = changes.first() else { return Ok(Outcome::Unchanged) };
        let found = existing.map(|version| node_key(version, path, depth));
        let node = match (known, &found) {
            (Some(leaf), _) => Node::Leaf(leaf),
            (None, Some(key)) => self.nodes.node(key)?,
            (None, None) => Node::Null,
        };
        let (leaves, before) = match node {
            Node::Inner(inner) => {
                return self.descend(depth, found.unwrap_or_default(), *inner, changes, threads);
            }
            Node::Leaf(leaf) => (with_leaf(leaf, changes), Some(leaf)),
            Node::Null => (inserted(changes).collect(), None),
        };
        if leaves.as_slice() == before.as_slice() {
            return Ok(Outcome::Unchanged);
        }
        self.out.stale.extend(found);
        Ok(self.out.build(depth, &leaves))
    }

    fn descend(
        &mut self,
        depth: usize,
        key: Vec<u8>,
        inner: Inner,
        changes: &[HashedChange],
        threads: usize,
    ) -> Result<Outcome, KvError> {
        let Some(HashedChange { key: path, .. }) = changes.first() else { return Ok(Outcome::Unchanged) };
        let groups: Vec<&[HashedChange]> =
            changes.chunk_by(|a, b| nibble(&a.key, depth) == nibble(&b.key, depth)).collect();
        let mut slots = Slots { children: inner.children, ..Slots::default() };
        let mut changed = false;
        for (digit, outcome) in self.apply_groups(depth, &inner, &groups, threads)? {
            changed |= slots.put(digit, outcome, self.out.version);
        }
        if !changed {
            return Ok(Outcome::Unchanged);
        }
        self.out.stale.push(key);
        match (slots.count(), slots.children.iter().enumerate().find_map(|(digit, child)| Some((digit, (*child)?)))) {
            (0, _) => Ok(Outcome::Empty),
            (1, Some((digit, child))) if child.leaf => self.lift(depth, path, digit, &child, &slots),
            _ => Ok(self.out.inner(depth, path, slots)),
        }
    }

    /// The last leaf of a subtree moves up to where its parent was.
    fn lift(
        &mut self,
        depth: usize,
        path: &Hash,
        digit: usize,
        child: &Child,
        slots: &Slots,
    ) -> Result<Outcome, KvError> {
        if let Some(leaf) = slots.leaves.iter().flatten().next() {
            return Ok(Outcome::Leaf(*leaf));
        }
        let key = node_key(child.version, &with_nibble(path, depth, digit), depth.saturating_add(1));
        match self.nodes.node(&key)? {
            Node::Leaf(leaf) => {
                self.out.stale.push(key);
                Ok(Outcome::Leaf(leaf))
            }
            _ => Err(KvError::corrupt(&key, "a leaf was expected in the tree")),
        }
    }

    /// Outcomes by digit, in order. With several threads each takes a run of whole groups.
    fn apply_groups(
        &mut self,
        depth: usize,
        inner: &Inner,
        groups: &[&[HashedChange]],
        threads: usize,
    ) -> Result<Vec<(usize, Outcome)>, KvError> {
        let total: usize = groups.iter().map(|group| group.len()).sum();
        if threads <= 1 || total < PARALLEL_FROM || groups.len() < 2 {
            return groups.iter().map(|group| self.apply_group(depth, inner, group)).collect();
        }
        let share = groups.len().div_ceil(threads.min(groups.len()));
        let (nodes, version) = (self.nodes, self.out.version);
        let run = move |groups: &[&[HashedChange]]| -> Result<(Vec<(usize, Outcome)>, Assembly), KvError> {
            let mut part = Descent { nodes, out: Assembly::new(version) };
            let outcomes =
                groups.iter().map(|group| part.apply_group(depth, inner, group)).collect::<Result<_, _>>()?;
            Ok((outcomes, part.out))
        };
        let parts = std::thread::scope(|scope| {
            let (own, others) = groups.split_at(share);
            let others: Vec<_> = others.chunks(share).map(|groups| scope.spawn(move || run(groups))).collect();
            let mut parts = vec![run(own)];
            parts.extend(others.into_iter().map(|thread| {
                thread.join().unwrap_or_else(|_| Err(KvError::Io("a tree hashing thread panicked".into())))
            }));
            parts
        });
        let mut outcomes = Vec::with_capacity(groups.len());
        for part in parts {
            let (part_outcomes, out) = part?;
            outcomes.extend(part_outcomes);
            self.out.written.extend(out.written);
            self.out.stale.extend(out.stale);
        }
        Ok(outcomes)
    }

    fn apply_group(
        &mut self,
        depth: usize,
        inner: &Inner,
        group: &[HashedChange],
    ) -> Result<(usize, Outcome), KvError> {
        let digit = group.first().map_or(0, |change| nibble(&change.key, depth));
        let child = inner.children.get(digit).copied().flatten();
        let known = child.and_then(|child| replaced_leaf(&child, group));
        let existing = child.map(|child| child.version);
        Ok((digit, self.apply(depth.saturating_add(1), existing, known, group, 1)?))
    }
}

/// The leaf at `child` if one of the changes replaces it, told by its hash instead of by reading it.
fn replaced_leaf(child: &Child, changes: &[HashedChange]) -> Option<Leaf> {
    if !child.leaf {
        return None;
    }
    let leaves = changes.iter().filter_map(|change| change.old.map(|value| Leaf { key: change.key, value }));
    leaves.into_iter().find(|leaf| leaf.hash() == child.hash)
}

fn inserted(changes: &[HashedChange]) -> impl Iterator<Item = Leaf> {
    changes.iter().filter_map(|change| change.new.map(|value| Leaf { key: change.key, value }))
}

/// The leaves after `changes` to a subtree that held only `leaf`, in order.
fn with_leaf(leaf: Leaf, changes: &[HashedChange]) -> Vec<Leaf> {
    let mut leaves: Vec<Leaf> = inserted(changes).collect();
    if changes.binary_search_by(|change| change.key.cmp(&leaf.key)).is_err() {
        let at = leaves.partition_point(|other| other.key < leaf.key);
        leaves.insert(at, leaf);
    }
    leaves
}
