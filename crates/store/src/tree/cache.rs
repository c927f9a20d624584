//! The upper four levels of the tree in memory: every block reads them, and they are few (at most 4,369 nodes).

use std::sync::Mutex;

use super::node::{Node, StoredNode};
use super::path::ROOT_KEY_LEN;

const LEVELS: usize = 4;
const SLOTS: usize = 1 + 16 + 256 + 4096;

/// Nodes by position; each remembers the database key that it was stored under, so that a stale one is never used.
pub(crate) struct TopNodes {
    slots: Mutex<Vec<Option<StoredNode>>>,
}

impl TopNodes {
    pub fn new() -> Self {
        Self { slots: Mutex::new(vec![None; SLOTS]) }
    }

    pub fn get(&self, key: &[u8]) -> Option<Node> {
        let slot = slot(key)?;
        let slots = self.slots.lock().ok()?;
        let (stored, node) = slots.get(slot)?.as_ref()?;
        (stored == key).then(|| node.clone())
    }

    pub fn put(&self, key: &[u8], node: &Node) {
        let (Some(slot), Ok(mut slots)) = (slot(key), self.slots.lock()) else { return };
        if let Some(entry) = slots.get_mut(slot) {
            *entry = Some((key.to_vec(), node.clone()));
        }
    }
}

/// Position of a node in the cache, from its database key.
fn slot(key: &[u8]) -> Option<usize> {
    let depth = usize::from(*key.get(ROOT_KEY_LEN.checked_sub(1)?)?);
    if depth >= LEVELS {
        return None;
    }
    let packed = key.get(ROOT_KEY_LEN..)?;
    let before: usize = [0, 1, 17, 273].get(depth).copied()?;
    let digits = packed.iter().flat_map(|byte| [byte >> 4, byte & 15]).take(depth);
    Some(before.saturating_add(digits.fold(0usize, |index, digit| (index << 4) | usize::from(digit))))
}
