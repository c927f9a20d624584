//! Hashes seen lately, oldest forgotten first.

use std::collections::{BTreeMap, VecDeque};

pub type TxHash = [u8; 32];

/// A bounded set. Removing leaves a ghost in the order, so an entry carries the turn in which it was put.
#[derive(Debug)]
pub struct Cache {
    capacity: usize,
    turn: u64,
    seen: BTreeMap<TxHash, u64>,
    order: VecDeque<(u64, TxHash)>,
}

impl Cache {
    pub fn new(capacity: usize) -> Self {
        Self { capacity: capacity.max(1), turn: 0, seen: BTreeMap::new(), order: VecDeque::new() }
    }

    /// False when the hash is there already.
    pub fn insert(&mut self, hash: TxHash) -> bool {
        if self.seen.contains_key(&hash) {
            return false;
        }
        self.turn += 1;
        self.seen.insert(hash, self.turn);
        self.order.push_back((self.turn, hash));
        while self.seen.len() > self.capacity || self.order.len() > self.capacity * 2 {
            let Some((turn, oldest)) = self.order.pop_front() else { break };
            if self.seen.get(&oldest) == Some(&turn) {
                self.seen.remove(&oldest);
            }
        }
        true
    }

    pub fn remove(&mut self, hash: &TxHash) {
        self.seen.remove(hash);
    }
}
