//! The waiting transactions and their order. Pure: no application, no clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::time::Instant;

use bytes::Bytes;

use super::cache::TxHash;

#[derive(Clone, Debug)]
pub struct Waiting {
    pub tx: Bytes,
    pub hash: TxHash,
    /// First signer; the transaction's own hash when the application named none.
    pub account: Vec<u8>,
    pub sequence: u64,
    pub priority: i64,
    /// Height at which it was admitted.
    pub height: u64,
    pub since: Instant,
}

/// Place within an account: sequence, then arrival.
type Place = (u64, u64);

#[derive(Debug, Default)]
pub struct Queue {
    by_hash: BTreeMap<TxHash, (Vec<u8>, Place)>,
    accounts: BTreeMap<Vec<u8>, BTreeMap<Place, Waiting>>,
    bytes: u64,
    arrivals: u64,
}

impl Queue {
    pub fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// Bytes of all waiting transactions.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn of_account(&self, account: &[u8]) -> usize {
        self.accounts.get(account).map_or(0, BTreeMap::len)
    }

    pub fn push(&mut self, waiting: Waiting) {
        if self.by_hash.contains_key(&waiting.hash) {
            return;
        }
        self.arrivals += 1;
        let place = (waiting.sequence, self.arrivals);
        self.bytes += waiting.tx.len() as u64;
        self.by_hash.insert(waiting.hash, (waiting.account.clone(), place));
        self.accounts.entry(waiting.account.clone()).or_default().insert(place, waiting);
    }

    pub fn remove(&mut self, hash: &TxHash) -> Option<Waiting> {
        let (account, place) = self.by_hash.remove(hash)?;
        let of_account = self.accounts.get_mut(&account)?;
        let removed = of_account.remove(&place);
        if of_account.is_empty() {
            self.accounts.remove(&account);
        }
        if let Some(removed) = &removed {
            self.bytes = self.bytes.saturating_sub(removed.tx.len() as u64);
        }
        removed
    }

    /// The transaction that is worth least: the last one of the account whose last one has the lowest priority.
    pub fn least(&self) -> Option<&Waiting> {
        let last = self.accounts.values().filter_map(|txs| txs.last_key_value());
        last.min_by_key(|((_, arrival), waiting)| (waiting.priority, Reverse(*arrival))).map(|(_, waiting)| waiting)
    }

    /// All of them, each account's in sequence order.
    pub fn iter(&self) -> impl Iterator<Item = &Waiting> {
        self.accounts.values().flat_map(BTreeMap::values)
    }

    /// Those of one account in sequence order.
    pub fn iter_of(&self, account: &[u8]) -> impl Iterator<Item = &Waiting> {
        self.accounts.get(account).into_iter().flat_map(BTreeMap::values)
    }

    /// Up to `max_txs` transactions of together `max_bytes`, best first. An account whose next transaction does not fit
    /// is passed over as a whole, since its later ones depend on it.
    pub fn reap(&self, max_txs: usize, max_bytes: u64) -> Vec<Bytes> {
        let mut rest: Vec<_> = self.accounts.values().map(BTreeMap::iter).collect();
        let mut heads: BinaryHeap<(i64, Reverse<u64>, usize)> = BinaryHeap::new();
        let mut next: Vec<Option<&Waiting>> = vec![None; rest.len()];
        for at in 0..rest.len() {
            if let Some(((_, arrival), waiting)) = rest[at].next() {
                next[at] = Some(waiting);
                heads.push((waiting.priority, Reverse(*arrival), at));
            }
        }
        let mut left = max_bytes;
        let mut reaped = Vec::new();
        while let Some((_, _, at)) = heads.pop() {
            if reaped.len() >= max_txs {
                break;
            }
            let Some(waiting) = next[at] else { continue };
            // A transaction in a block costs its bytes and a few for the field around it.
            let cost = waiting.tx.len() as u64 + 5;
            if cost > left {
                continue;
            }
            left -= cost;
            reaped.push(waiting.tx.clone());
            if let Some(((_, arrival), waiting)) = rest[at].next() {
                next[at] = Some(waiting);
                heads.push((waiting.priority, Reverse(*arrival), at));
            }
        }
        reaped
    }
}
