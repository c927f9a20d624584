//! Nibbles of hashed keys and the database keys of nodes.

use super::node::Hash;

/// Length of a root's key: version and depth 0.
pub(crate) const ROOT_KEY_LEN: usize = 9;

/// The 4-bit digit of `key` at `depth`, 0..64, most significant first.
pub(super) fn nibble(key: &Hash, depth: usize) -> usize {
    let byte = key.get(depth / 2).copied().unwrap_or(0);
    usize::from(if depth.is_multiple_of(2) { byte >> 4 } else { byte & 15 })
}

/// `key` with the digit at `depth` replaced.
pub(super) fn with_nibble(key: &Hash, depth: usize, digit: usize) -> Hash {
    let mut key = *key;
    let digit = u8::try_from(digit & 15).unwrap_or(0);
    if let Some(byte) = key.get_mut(depth / 2) {
        *byte = if depth.is_multiple_of(2) { (*byte & 0x0F) | (digit << 4) } else { (*byte & 0xF0) | digit };
    }
    key
}

/// Database key of the node that `version` wrote at the first `depth` digits of `path`: version, depth, packed digits.
/// The version leads so that a block's nodes are written side by side.
pub(crate) fn node_key(version: u64, path: &Hash, depth: usize) -> Vec<u8> {
    let whole = depth / 2;
    let mut key = Vec::with_capacity(ROOT_KEY_LEN.saturating_add(whole).saturating_add(1));
    key.extend_from_slice(&version.to_be_bytes());
    key.push(u8::try_from(depth).unwrap_or(u8::MAX));
    key.extend(path.iter().take(whole));
    if !depth.is_multiple_of(2) {
        key.extend(path.get(whole).map(|byte| byte & 0xF0));
    }
    key
}

pub(crate) fn root_key(version: u64) -> Vec<u8> {
    node_key(version, &[0; 32], 0)
}
