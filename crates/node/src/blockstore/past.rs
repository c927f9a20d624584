//! Where a chain begins that was not replayed from genesis, and what is kept of the blocks before.

use prost::Message;
use prost_types::Timestamp;
use ve_proto::tendermint::types::{ExtendedCommit, ValidatorSet as ProtoSet};

use super::{BlockStore, EARLIEST, STATE, StoreError, at, io};
use crate::chain::ChainState;

/// Entries dropped at one commit, so that no commit waits long.
const MAX_DROPPED: usize = 100;

/// What is kept of a block that is not here: enough to judge evidence about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastBlock {
    pub height: u64,
    pub time: Timestamp,
    /// Names a set given with it or before.
    pub validators_hash: Vec<u8>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct StoredPast {
    #[prost(message, optional, tag = "1")]
    time: Option<Timestamp>,
    #[prost(bytes = "vec", tag = "2")]
    validators_hash: Vec<u8>,
}

impl BlockStore {
    /// The chain begins at `state`: the next block is the first one that is kept.
    pub fn save_restored(&self, state: &ChainState, commit: &ExtendedCommit) -> Result<(), StoreError> {
        let height = state.last_height;
        let sets = [
            (height, state.last_validators.as_ref()),
            (height.saturating_add(1), Some(&state.validators)),
            (height.saturating_add(2), Some(&state.next_validators)),
        ];
        self.write(|batch| {
            for (height, set) in sets {
                if let Some(set) = set {
                    batch.insert(&self.sets, at(height), set.to_proto().encode_to_vec());
                }
            }
            batch.insert(&self.params, at(height.saturating_add(1)), state.params.encode_to_vec());
            batch.insert(&self.commits, at(height), commit.encode_to_vec());
            batch.insert(&self.meta, STATE, state.to_bytes());
            batch.insert(&self.meta, EARLIEST, at(height.saturating_add(1)));
        })
    }

    /// Keeps facts about blocks before the first one that is here.
    pub fn save_past(&self, blocks: &[PastBlock], sets: &[([u8; 32], ProtoSet)]) -> Result<(), StoreError> {
        self.write(|batch| {
            for (hash, set) in sets {
                batch.insert(&self.past_sets, hash, set.encode_to_vec());
            }
            for block in blocks {
                let stored = StoredPast { time: Some(block.time), validators_hash: block.validators_hash.clone() };
                batch.insert(&self.past, at(block.height), stored.encode_to_vec());
            }
        })
    }

    fn past(&self, height: u64) -> Result<Option<StoredPast>, StoreError> {
        self.get(&self.past, height, "header")
    }

    /// Time of a block, here or before the first one that is.
    pub fn time_of(&self, height: u64) -> Result<Option<Timestamp>, StoreError> {
        match self.block(height)? {
            Some(stored) => Ok(stored.block.header.and_then(|header| header.time)),
            None => Ok(self.past(height)?.and_then(|past| past.time)),
        }
    }

    /// Who decided a block, here or before the first one that is; then without priorities that mean something.
    pub fn deciders(&self, height: u64) -> Result<Option<ProtoSet>, StoreError> {
        if let Some(set) = self.validators(height)? {
            return Ok(Some(set));
        }
        let Some(past) = self.past(height)? else { return Ok(None) };
        let Some(bytes) = self.past_sets.get(&past.validators_hash).map_err(io)? else { return Ok(None) };
        ProtoSet::decode(&*bytes).map(Some).map_err(|_| StoreError::Damaged("validator set"))
    }

    /// Drops the oldest facts for which `useless` holds, some at a time. Sets stay: there are few.
    pub fn drop_past(&self, useless: impl Fn(u64, &Timestamp) -> bool) -> Result<(), StoreError> {
        let mut dropped = Vec::new();
        for entry in self.past.iter().take(MAX_DROPPED) {
            let (key, value) = entry.into_inner().map_err(io)?;
            let height = (*key).try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Damaged("height"))?;
            let past = StoredPast::decode(&*value).map_err(|_| StoreError::Damaged("header"))?;
            if !useless(height, &past.time.unwrap_or_default()) {
                break;
            }
            dropped.push(key);
        }
        if dropped.is_empty() {
            return Ok(());
        }
        self.write(|batch| dropped.iter().for_each(|key| batch.remove(&self.past, key.clone())))
    }
}
