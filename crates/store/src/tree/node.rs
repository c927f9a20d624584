//! Nodes, their hashes and their stored form.

use sha2::{Digest, Sha256};

use crate::kv::KvError;

pub(crate) type Hash = [u8; 32];

/// Hash of an absent subtree, and root of the empty tree.
pub(crate) const EMPTY_ROOT: Hash = *b"SPARSE_MERKLE_PLACEHOLDER_HASH__";
pub(super) const LEAF_PREFIX: &[u8] = b"JMT::LeafNode";
pub(super) const INNER_PREFIX: &[u8] = b"JMT::IntrnalNode";

/// SHA-256 of the parts one after another.
pub(crate) fn sha256(parts: &[&[u8]]) -> Hash {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// An entry of state: SHA-256 of the raw key and of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Leaf {
    pub key: Hash,
    pub value: Hash,
}

impl Leaf {
    pub fn hash(&self) -> Hash {
        sha256(&[LEAF_PREFIX, &self.key, &self.value])
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Child {
    pub hash: Hash,
    /// Version that wrote the child, which with its path is the child's database key.
    pub version: u64,
    pub leaf: bool,
}

/// Sixteen children by the next digit. Holds two leaves or more below it; stands for a binary subtree of height 4 in
/// which a part with a single leaf is that leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inner {
    pub children: [Option<Child>; 16],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Node {
    /// Root of an empty tree.
    Null,
    Leaf(Leaf),
    Inner(Box<Inner>),
}

/// A node with its database key.
pub(crate) type StoredNode = (Vec<u8>, Node);

pub(super) fn inner_hash(left: &Hash, right: &Hash) -> Hash {
    sha256(&[INNER_PREFIX, left, right])
}

impl Inner {
    pub fn hash(&self) -> Hash {
        self.hash_range(0, 16)
    }

    /// The only child within `width` digits from `start`, if there is just one and it is a leaf.
    pub(super) fn only_leaf(&self, start: usize, width: usize) -> Option<(usize, &Child)> {
        let mut present = self.present(start, width);
        let first = present.next()?;
        (present.next().is_none() && first.1.leaf).then_some(first)
    }

    pub(super) fn present(&self, start: usize, width: usize) -> impl Iterator<Item = (usize, &Child)> {
        self.children
            .iter()
            .enumerate()
            .skip(start)
            .take(width)
            .filter_map(|(digit, child)| child.as_ref().map(|child| (digit, child)))
    }

    /// Hash of the binary subtree over `width` digits from `start`; width is 1, 2, 4, 8 or 16.
    pub(super) fn hash_range(&self, start: usize, width: usize) -> Hash {
        let Some((_, first)) = self.present(start, width).next() else { return EMPTY_ROOT };
        if width <= 1 || self.only_leaf(start, width).is_some() {
            return first.hash;
        }
        let half = width / 2;
        inner_hash(&self.hash_range(start, half), &self.hash_range(start.saturating_add(half), half))
    }
}

impl Node {
    pub fn hash(&self) -> Hash {
        match self {
            Node::Null => EMPTY_ROOT,
            Node::Leaf(leaf) => leaf.hash(),
            Node::Inner(inner) => inner.hash(),
        }
    }

    /// A kind byte, then: nothing; key and value hash; or a bitmap of children, a bitmap of leaves among them, and
    /// version (LEB128) and hash of each child.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Node::Null => vec![0],
            Node::Leaf(leaf) => [&[1], &leaf.key[..], &leaf.value[..]].concat(),
            Node::Inner(inner) => {
                let mut out = Vec::with_capacity(600);
                out.push(2);
                out.extend_from_slice(&bitmap(inner, |_| true).to_be_bytes());
                out.extend_from_slice(&bitmap(inner, |child| child.leaf).to_be_bytes());
                for (_, child) in inner.present(0, 16) {
                    write_varint(child.version, &mut out);
                    out.extend_from_slice(&child.hash);
                }
                out
            }
        }
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, KvError> {
        parse(bytes).ok_or_else(|| KvError::corrupt(&[], "a stored tree node does not decode"))
    }
}

fn bitmap(inner: &Inner, include: impl Fn(&Child) -> bool) -> u16 {
    inner.present(0, 16).filter(|(_, child)| include(child)).fold(0, |bits, (digit, _)| bits | (1 << digit))
}

fn parse(bytes: &[u8]) -> Option<Node> {
    let (kind, mut rest) = bytes.split_first()?;
    let node = match kind {
        0 => Node::Null,
        1 => Node::Leaf(Leaf { key: *take(&mut rest)?, value: *take(&mut rest)? }),
        2 => {
            let present = u16::from_be_bytes(*take(&mut rest)?);
            let leaves = u16::from_be_bytes(*take(&mut rest)?);
            let mut children = [None; 16];
            for (digit, child) in children.iter_mut().enumerate() {
                if present & (1 << digit) != 0 {
                    let version = read_varint(&mut rest)?;
                    *child = Some(Child { version, hash: *take(&mut rest)?, leaf: leaves & (1 << digit) != 0 });
                }
            }
            Node::Inner(Box::new(Inner { children }))
        }
        _ => return None,
    };
    rest.is_empty().then_some(node)
}

fn take<'a, const N: usize>(bytes: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, tail) = bytes.split_first_chunk()?;
    *bytes = tail;
    Some(head)
}

fn write_varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(0x80 | u8::try_from(value & 0x7F).unwrap_or(0));
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or(0));
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let [byte] = *take(bytes)?;
        value |= u64::from(byte & 0x7F) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
