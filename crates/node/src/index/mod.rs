//! Finds transactions by hash and transactions and blocks by their events.
//!
//! The index is derived data: it can be deleted and is rebuilt from the block store by [`Index::catch_up`]. Each block is
//! one atomic batch, so a crash leaves it behind the chain, never inconsistent.

mod keys;
pub mod query;
mod search;

#[cfg(test)]
mod index_tests;
#[cfg(test)]
mod query_tests;

use std::collections::BTreeMap;
use std::path::Path;

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};
use sha2::{Digest, Sha256};
use ve_proto::tendermint::abci::{Event, ExecTxResult};

pub use self::{
    query::{Query, QueryError},
    search::{Order, Page, SearchResult},
};
use crate::rpc::backend::{CommittedBlock, NodeView, StoredBlock};

/// Postings that one search may read before it is refused.
pub const MAX_SCANNED: usize = 1_000_000;

const MEMTABLE_BYTES: u64 = 8 << 20;

/// Where a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TxPlace {
    pub height: u64,
    /// Position in the block.
    pub index: u32,
}

#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error("event index storage failed: {0}; it is derived data, delete its folder to rebuild it")]
    Storage(#[from] fjall::Error),
    #[error("event index entry is damaged: {0}; delete the index folder to rebuild it")]
    Damaged(&'static str),
    #[error("the query reads more than {MAX_SCANNED} index entries; narrow it with tx.height or block.height bounds")]
    TooBroad,
    #[error("cannot index height {found}: the index is at {expected}")]
    OutOfOrder { expected: u64, found: u64 },
    #[error("block store failed while rebuilding the index: {0}")]
    Blocks(String),
}

pub struct Index {
    db: Database,
    /// Event postings, transactions by height, and the height reached.
    postings: Keyspace,
    /// Transaction hash to place and code.
    places: Keyspace,
}

impl Index {
    pub fn open(path: &Path) -> Result<Self, IndexError> {
        let db = Database::builder(path).open()?;
        // What waits in memory is bounded, not only what is on disk.
        let options = || KeyspaceCreateOptions::default().max_memtable_size(MEMTABLE_BYTES);
        let postings = db.keyspace("postings", options)?;
        let places = db.keyspace("places", options)?;
        Ok(Self { db, postings, places })
    }

    /// The last indexed height; 0 before the first block.
    pub fn height(&self) -> Result<u64, IndexError> {
        match self.postings.get(keys::HEIGHT)? {
            None => Ok(0),
            Some(bytes) => keys::height(&bytes),
        }
    }

    /// Adds a block: for each attribute and value that occurs in it one entry with all places. Heights already indexed are
    /// accepted and change nothing; a gap is refused, except that an empty index starts anywhere (a node may have begun
    /// from a snapshot).
    pub fn apply(&self, block: &CommittedBlock) -> Result<(), IndexError> {
        let (height, reached) = (block.height(), self.height()?);
        if height <= reached {
            return Ok(());
        }
        if reached != 0 && height != reached + 1 {
            return Err(IndexError::OutOfOrder { expected: reached + 1, found: height });
        }
        let mut batch = self.db.batch();
        for (place, hash, result) in transactions(block) {
            batch.insert(&self.postings, keys::tx_at(place), hash);
            if self.replaces(&hash, result)? {
                batch.insert(&self.places, hash, keys::place(place, result.code));
            }
        }
        for (key, spots) in postings(block) {
            batch.insert(&self.postings, key, spots);
        }
        batch.insert(&self.postings, keys::HEIGHT, height.to_be_bytes());
        batch.commit()?;
        Ok(())
    }

    /// Removes what [`Index::apply`] wrote for the last block, if the index has it.
    pub fn take_back(&self, block: &CommittedBlock) -> Result<(), IndexError> {
        let height = block.height();
        if self.height()? != height {
            return Ok(());
        }
        let mut batch = self.db.batch();
        for (place, hash, _) in transactions(block) {
            batch.remove(&self.postings, keys::tx_at(place));
            if self.tx(&hash)? == Some(place) {
                batch.remove(&self.places, hash);
            }
        }
        for key in postings(block).into_keys() {
            batch.remove(&self.postings, key);
        }
        batch.insert(&self.postings, keys::HEIGHT, height.saturating_sub(1).to_be_bytes());
        // What follows is durable, too: an index that still had the block would keep its old results.
        batch.durability(Some(PersistMode::SyncAll)).commit()?;
        Ok(())
    }

    /// The same bytes can be included twice when the first attempt failed; success stays findable.
    fn replaces(&self, hash: &[u8; 32], result: &ExecTxResult) -> Result<bool, IndexError> {
        if result.code == 0 {
            return Ok(true);
        }
        match self.places.get(hash)? {
            None => Ok(true),
            Some(bytes) => Ok(keys::parse_place(&bytes)?.1 != 0),
        }
    }

    /// Indexes what the node committed while the index was behind, e.g. before a crash.
    pub fn catch_up(&self, view: &dyn NodeView) -> Result<(), IndexError> {
        let from = (self.height()? + 1).max(view.earliest_height());
        for height in from..=view.latest_height() {
            let failed = |e: crate::rpc::backend::ViewError| IndexError::Blocks(e.0);
            let stored: Option<StoredBlock> = view.block(height).map_err(failed)?;
            let results = view.block_results(height).map_err(failed)?;
            let (Some(stored), Some(results)) = (stored, results) else {
                return Err(IndexError::Blocks(format!("block or results of height {height} are missing")));
            };
            self.apply(&CommittedBlock { stored, results })?;
        }
        Ok(())
    }

    /// Place of a transaction by its hash (SHA-256 of its bytes).
    pub fn tx(&self, hash: &[u8]) -> Result<Option<TxPlace>, IndexError> {
        self.places.get(hash)?.map(|bytes| keys::parse_place(&bytes).map(|(place, _)| place)).transpose()
    }
}

/// Place, hash and result of each transaction.
fn transactions(block: &CommittedBlock) -> impl Iterator<Item = (TxPlace, [u8; 32], &ExecTxResult)> {
    let height = block.height();
    let txs = block.stored.block.data.as_ref().map_or(&[][..], |data| &data.txs);
    txs.iter()
        .zip(&block.results.tx_results)
        .zip(0..)
        .map(move |((tx, result), index)| (TxPlace { height, index }, Sha256::digest(tx).into(), result))
}

/// All places of each attribute and value that occurs in the block's events.
fn postings(block: &CommittedBlock) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut postings = BTreeMap::new();
    for (place, _, result) in transactions(block) {
        collect(&mut postings, keys::Subject::Tx, &result.events, place);
    }
    let whole = TxPlace { height: block.height(), index: 0 };
    collect(&mut postings, keys::Subject::Block, &block.results.events, whole);
    postings
}

/// Adds where the attributes of `events` stand, in order of places.
fn collect(postings: &mut BTreeMap<Vec<u8>, Vec<u8>>, subject: keys::Subject, events: &[Event], place: TxPlace) {
    for (sequence, event) in events.iter().enumerate() {
        let spot = keys::spot(place.index, sequence as u32);
        for attribute in &event.attributes {
            let key = keys::event(subject, &event.r#type, &attribute.key, &attribute.value, place.height);
            let Some(key) = key else { continue };
            let spots = postings.entry(key).or_default();
            // An event may say the same twice.
            if !spots.ends_with(&spot) {
                spots.extend(spot);
            }
        }
    }
}
