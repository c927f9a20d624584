//! Blocks, commits, results and validator sets on disk. Order of writes at a decision: block and commit, then results
//! with the new chain state, then the application's own commit; each is durable before the next begins, so a crash
//! anywhere leaves a point from which `core::recovery` goes on.

mod evidence;
mod past;
mod prune;

pub use self::past::PastBlock;

use std::path::Path;

use bytes::Bytes;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, OwnedWriteBatch, PersistMode};
use prost::Message;
use ve_proto::tendermint::abci::ResponseFinalizeBlock;
use ve_proto::tendermint::types::{Block, ConsensusParams, ExtendedCommit, ValidatorSet as ProtoSet};

use crate::chain::ChainState;
use crate::comet::parts;
use crate::evidence::Key;
use crate::rpc::backend::StoredBlock;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the block store failed: {0}; check the disk")]
    Io(String),
    #[error("{0} is in use by another process; stop that one first")]
    Locked(String),
    #[error("the block store holds a damaged {0}; sync this node anew")]
    Damaged(&'static str),
}

fn io(error: impl std::fmt::Display) -> StoreError {
    StoreError::Io(error.to_string())
}

pub struct BlockStore {
    db: Database,
    blocks: Keyspace,
    hashes: Keyspace,
    /// The precommits with which this node saw a height decided, extensions included.
    commits: Keyspace,
    results: Keyspace,
    sets: Keyspace,
    params: Keyspace,
    /// Proposed blocks that are not decided: `height ‖ hash`.
    undecided: Keyspace,
    /// Hash of the block that this node built for `height ‖ round`.
    built: Keyspace,
    /// Evidence that no block carries yet, by `height ‖ address`.
    evidence: Keyspace,
    /// Who was convicted: `height ‖ address`.
    convicted: Keyspace,
    /// Facts about blocks before the first one here, and the sets that they name, by hash.
    past: Keyspace,
    past_sets: Keyspace,
    meta: Keyspace,
}

const STATE: &[u8] = b"state";
const EARLIEST: &[u8] = b"earliest";

fn at(height: u64) -> [u8; 8] {
    height.to_be_bytes()
}

fn undecided_key(height: u64, hash: &[u8; 32]) -> Vec<u8> {
    [at(height).as_slice(), hash].concat()
}

impl BlockStore {
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let database = Database::builder(path).cache_size(16 << 20).max_journaling_size(64 << 20);
        let db = database.open().map_err(|error| match error {
            fjall::Error::Locked => StoreError::Locked(path.display().to_string()),
            error => io(error),
        })?;
        let open =
            |name: &str| db.keyspace(name, || KeyspaceCreateOptions::default().max_memtable_size(4 << 20)).map_err(io);
        Ok(Self {
            blocks: open("blocks")?,
            hashes: open("hashes")?,
            commits: open("commits")?,
            results: open("results")?,
            sets: open("sets")?,
            params: open("params")?,
            undecided: open("undecided")?,
            built: open("built")?,
            evidence: open("evidence")?,
            convicted: open("convicted")?,
            past: open("past")?,
            past_sets: open("past_sets")?,
            meta: open("meta")?,
            db,
        })
    }

    fn write(&self, fill: impl FnOnce(&mut OwnedWriteBatch)) -> Result<(), StoreError> {
        let mut batch = self.db.batch();
        fill(&mut batch);
        #[cfg(test)]
        crate::core::crash_tests::write_point();
        batch.durability(Some(PersistMode::SyncAll)).commit().map_err(io)?;
        #[cfg(test)]
        crate::core::crash_tests::write_point();
        Ok(())
    }

    fn get<M: Message + Default>(
        &self,
        keyspace: &Keyspace,
        height: u64,
        what: &'static str,
    ) -> Result<Option<M>, StoreError> {
        let Some(bytes) = keyspace.get(at(height)).map_err(io)? else { return Ok(None) };
        M::decode(&*bytes).map(Some).map_err(|_| StoreError::Damaged(what))
    }

    /// Keeps a proposed block: its bytes must be here before consensus hears of it, because replay after a crash can
    /// decide it at once. `built_for` marks it as this node's own proposal of a round.
    pub fn save_undecided(
        &self,
        height: u64,
        hash: &[u8; 32],
        bytes: &[u8],
        built_for: Option<u32>,
    ) -> Result<(), StoreError> {
        self.write(|batch| {
            batch.insert(&self.undecided, undecided_key(height, hash), bytes);
            if let Some(round) = built_for {
                batch.insert(&self.built, [at(height).as_slice(), &round.to_be_bytes()].concat(), hash);
            }
        })
    }

    pub fn undecided(&self, height: u64, hash: &[u8; 32]) -> Result<Option<Bytes>, StoreError> {
        let found = self.undecided.get(undecided_key(height, hash)).map_err(io)?;
        Ok(found.map(|bytes| Bytes::copy_from_slice(&bytes)))
    }

    /// The block that this node built for a round before it restarted.
    pub fn built(&self, height: u64, round: u32) -> Result<Option<Bytes>, StoreError> {
        let key = [at(height).as_slice(), &round.to_be_bytes()].concat();
        let Some(hash) = self.built.get(key).map_err(io)? else { return Ok(None) };
        let hash: [u8; 32] = (*hash).try_into().map_err(|_| StoreError::Damaged("proposal"))?;
        self.undecided(height, &hash)
    }

    /// Keeps the decided block with its commit and drops what else was proposed up to its height.
    pub fn save_decided(&self, hash: &[u8; 32], bytes: &[u8], commit: &ExtendedCommit) -> Result<(), StoreError> {
        let height = u64::try_from(commit.height).map_err(|_| StoreError::Damaged("commit"))?;
        let end = at(height.saturating_add(1));
        let mut stale = Vec::new();
        for keyspace in [&self.undecided, &self.built] {
            for entry in keyspace.range(..end.to_vec()) {
                let (key, _) = entry.into_inner().map_err(io)?;
                stale.push((keyspace.clone(), key.to_vec()));
            }
        }
        self.write(|batch| {
            batch.insert(&self.blocks, at(height), bytes);
            batch.insert(&self.hashes, hash, at(height));
            batch.insert(&self.commits, at(height), commit.encode_to_vec());
            for (keyspace, key) in &stale {
                batch.remove(keyspace, key.as_slice());
            }
        })
    }

    /// Replaces the commit by one with more signatures.
    pub fn save_commit(&self, commit: &ExtendedCommit) -> Result<(), StoreError> {
        let height = u64::try_from(commit.height).map_err(|_| StoreError::Damaged("commit"))?;
        self.write(|batch| batch.insert(&self.commits, at(height), commit.encode_to_vec()))
    }

    /// The commit that this node saw for a block.
    pub fn commit(&self, height: u64) -> Result<Option<ExtendedCommit>, StoreError> {
        self.get(&self.commits, height, "commit")
    }

    pub fn block_bytes(&self, height: u64) -> Result<Option<Bytes>, StoreError> {
        Ok(self.blocks.get(at(height)).map_err(io)?.map(|bytes| Bytes::copy_from_slice(&bytes)))
    }

    pub fn block(&self, height: u64) -> Result<Option<StoredBlock>, StoreError> {
        let Some(bytes) = self.block_bytes(height)? else { return Ok(None) };
        let block = Block::decode(bytes.clone()).map_err(|_| StoreError::Damaged("block"))?;
        let id = parts::block_id(&block, &bytes).ok_or(StoreError::Damaged("block header"))?;
        Ok(Some(StoredBlock { id, block, size: bytes.len() as u64 }))
    }

    pub fn height_of(&self, hash: &[u8]) -> Result<Option<u64>, StoreError> {
        let Some(bytes) = self.hashes.get(hash).map_err(io)? else { return Ok(None) };
        let bytes: [u8; 8] = (*bytes).try_into().map_err(|_| StoreError::Damaged("hash index"))?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// The chain state before block 1, with the sets of the first two heights.
    pub fn save_genesis(&self, state: &ChainState, initial_height: u64) -> Result<(), StoreError> {
        self.write(|batch| {
            batch.insert(&self.sets, at(initial_height), state.validators.to_proto().encode_to_vec());
            batch.insert(
                &self.sets,
                at(initial_height.saturating_add(1)),
                state.next_validators.to_proto().encode_to_vec(),
            );
            batch.insert(&self.params, at(initial_height), state.params.encode_to_vec());
            batch.insert(&self.meta, STATE, state.to_bytes());
            batch.insert(&self.meta, EARLIEST, at(initial_height));
        })
    }

    /// What executing block `state.last_height` gave: its results, the state that the next block builds on, and whom its
    /// evidence convicted.
    pub fn save_executed(
        &self,
        state: &ChainState,
        results: &ResponseFinalizeBlock,
        convicted: &[Key],
    ) -> Result<(), StoreError> {
        let height = state.last_height;
        self.write(|batch| {
            batch.insert(&self.results, at(height), results.encode_to_vec());
            batch.insert(&self.sets, at(height.saturating_add(2)), state.next_validators.to_proto().encode_to_vec());
            batch.insert(&self.params, at(height.saturating_add(1)), state.params.encode_to_vec());
            batch.insert(&self.meta, STATE, state.to_bytes());
            for key in convicted {
                batch.remove(&self.evidence, key.to_bytes());
                batch.insert(&self.convicted, key.to_bytes(), at(height));
            }
        })
    }

    /// The chain stands at `state` again, one block earlier. That block stays, decided and not executed.
    pub fn take_back(&self, state: &ChainState) -> Result<(), StoreError> {
        self.write(|batch| {
            batch.remove(&self.results, at(state.last_height.saturating_add(1)));
            batch.insert(&self.meta, STATE, state.to_bytes());
        })
    }

    pub fn state(&self) -> Result<Option<ChainState>, StoreError> {
        let Some(bytes) = self.meta.get(STATE).map_err(io)? else { return Ok(None) };
        ChainState::from_bytes(&bytes).map(Some).ok_or(StoreError::Damaged("chain state"))
    }

    pub fn earliest(&self) -> Result<u64, StoreError> {
        let Some(bytes) = self.meta.get(EARLIEST).map_err(io)? else { return Ok(0) };
        (*bytes).try_into().map(u64::from_be_bytes).map_err(|_| StoreError::Damaged("height"))
    }

    pub fn results(&self, height: u64) -> Result<Option<ResponseFinalizeBlock>, StoreError> {
        self.get(&self.results, height, "block result")
    }

    pub fn validators(&self, height: u64) -> Result<Option<ProtoSet>, StoreError> {
        self.get(&self.sets, height, "validator set")
    }

    pub fn params(&self, height: u64) -> Result<Option<ConsensusParams>, StoreError> {
        self.get(&self.params, height, "consensus parameters")
    }
}
