//! What consensus, mempool and interfaces share: the application, the block store, and where the chain stands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use tokio::sync::broadcast;
use ve_proto::tendermint::types::BlockIdFlag;
use ve_sdk::application::Application;

use crate::blockstore::{BlockStore, StoreError};
use crate::chain::{self, ChainState, SealedBlock};
use crate::comet::validators::ValidatorSet;
use crate::evidence::{self, EvidencePool, Key};
use crate::index::Index;
use crate::mempool::Mempool;
use crate::metrics::{BlockFacts, Metrics};
use crate::rpc::backend::{CommittedBlock, RoundState, StoredBlock};

mod blocks;
mod recovery;
mod rollback;

pub use rollback::roll_back;

#[cfg(test)]
pub(crate) mod crash_tests;
#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
pub(crate) mod test_app;
#[cfg(test)]
pub(crate) mod test_chain;

/// Why the node stops.
#[derive(Debug, thiserror::Error)]
pub enum Halt {
    /// The configured height was reached; the node refuses to go on.
    #[error("halted at height {0} as configured; remove `halt_height` to go on")]
    Planned(u64),
    #[error("{0}")]
    Broken(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Blocks that a slow subscriber may lag behind before it is cut off.
const EVENT_BUFFER: usize = 128;

pub struct Core {
    pub app: Arc<dyn Application>,
    pub store: Arc<BlockStore>,
    pub evidence: Arc<EvidencePool>,
    pub mempool: Arc<Mempool>,
    pub index: Arc<Index>,
    pub metrics: Arc<Metrics>,
    pub events: broadcast::Sender<Arc<CommittedBlock>>,
    /// 0 = never.
    pub halt_height: u64,
    state: RwLock<ChainState>,
    round: Mutex<(RoundState, [u8; 20])>,
    /// Blocks come from peers' stores instead of being voted on.
    syncing: AtomicBool,
}

/// What a [`Core`] is made of.
pub struct Parts {
    pub app: Arc<dyn Application>,
    pub store: Arc<BlockStore>,
    pub evidence: Arc<EvidencePool>,
    pub mempool: Arc<Mempool>,
    pub index: Arc<Index>,
    pub metrics: Arc<Metrics>,
    /// The node stops after this height; 0 = never.
    pub halt_height: u64,
}

impl Core {
    pub fn state(&self) -> ChainState {
        self.state.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn last_height(&self) -> u64 {
        self.state.read().unwrap_or_else(PoisonError::into_inner).last_height
    }

    pub fn max_block_bytes(&self) -> usize {
        let max = self.state().params.block.map_or(0, |block| block.max_bytes);
        usize::try_from(max).unwrap_or(crate::comet::parts::MAX_BLOCK_BYTES)
    }

    /// Whether the configured last height is reached.
    pub fn must_halt(&self) -> bool {
        self.halt_height > 0 && self.last_height() >= self.halt_height
    }

    pub fn note_round(&self, height: u64, round: u32, proposer: [u8; 20]) {
        *self.round.lock().unwrap_or_else(PoisonError::into_inner) = (RoundState { height, round, step: 3 }, proposer);
    }

    pub fn round(&self) -> RoundState {
        self.round.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    /// Who proposes in the current round; `None` before the first one.
    pub fn round_proposer(&self) -> Option<[u8; 20]> {
        let (round, proposer) = *self.round.lock().unwrap_or_else(PoisonError::into_inner);
        (round.height > 0).then_some(proposer)
    }

    pub fn note_syncing(&self, syncing: bool) {
        self.syncing.store(syncing, Ordering::Relaxed);
        self.metrics.syncing(syncing);
    }

    pub fn syncing(&self) -> bool {
        self.syncing.load(Ordering::Relaxed)
    }

    /// Executes a block whose bytes and commit are stored, in the order that survives a crash, and tells the world.
    fn apply(&self, sealed: &SealedBlock, round: i32) -> Result<(), Halt> {
        let started = Instant::now();
        let before = self.state();
        let (after, results) = chain::execute(&before, &self.app, sealed).map_err(Halt::Broken)?;
        let evidence = sealed.evidence();
        let convicted: Vec<Key> = evidence.iter().filter_map(|evidence| Key::of(evidence).ok()).collect();
        self.store.save_executed(&after, &results, &convicted)?;
        let height = after.last_height;
        let committed = Arc::new(CommittedBlock {
            stored: StoredBlock { id: sealed.id.clone(), block: sealed.block.clone(), size: sealed.bytes.len() as u64 },
            results,
        });
        // The index may be a block ahead of the application after a crash: the block's results are on disk and stay what
        // they are.
        let (indexed, retain) = std::thread::scope(|scope| {
            let indexing = scope.spawn(|| self.index.apply(&committed).map_err(|error| error.to_string()));
            let retain = self.app.commit().map_err(|error| error.to_string());
            (indexing.join().unwrap_or_else(|_| Err("the index panicked".into())), retain)
        });
        let retain = retain.map_err(Halt::Broken)?;
        indexed.map_err(Halt::Broken)?;
        let codes = committed.results.tx_results.iter().map(|result| result.code);
        self.mempool.pause().update(height, sealed.txs().into_iter().zip(codes));
        self.observe(&before, sealed, round, started);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = after;
        self.tidy(retain)?;
        // Nobody listening is no failure.
        let _ = self.events.send(committed);
        Ok(())
    }

    /// Drops what is too old: waiting evidence, and blocks below `retain` that no evidence can be about any more.
    fn tidy(&self, retain: u64) -> Result<(), Halt> {
        let state = self.state();
        let stale = self.evidence.stale(&state)?;
        self.store.drop_pending_evidence(&stale)?;
        let last = (state.last_height, &state.last_time);
        self.store.drop_past(|height, time| evidence::expired(&state.params, last, height, time))?;
        let useless = |stored: &StoredBlock| {
            let header = stored.block.header.clone().unwrap_or_default();
            let height = u64::try_from(header.height).unwrap_or(0);
            evidence::expired(&state.params, last, height, &header.time.unwrap_or_default())
        };
        // Both must be exceeded, and heights are compared without reading a block.
        let age = state.params.evidence.as_ref().map_or(0, |params| params.max_age_num_blocks);
        let counted = state.last_height.saturating_sub(u64::try_from(age).unwrap_or(0));
        Ok(self.store.prune(retain.min(counted), useless)?)
    }

    fn observe(&self, before: &ChainState, sealed: &SealedBlock, round: i32, started: Instant) {
        let signatures = sealed.block.last_commit.clone().unwrap_or_default().signatures;
        let absent = |flag: i32| flag == BlockIdFlag::Absent as i32;
        let set = before.last_validators.as_ref().map(ValidatorSet::validators).unwrap_or_default();
        let missing: Vec<u64> = set
            .iter()
            .zip(&signatures)
            .filter(|(_, signature)| absent(signature.block_id_flag))
            .map(|(validator, _)| validator.power)
            .collect();
        let seconds = |time: &prost_types::Timestamp| time.seconds as f64 + f64::from(time.nanos) / 1e9;
        let first = before.last_height < before.initial_height;
        let txs = sealed.block.data.as_ref().map_or(0, |data| data.txs.len());
        self.metrics.block(BlockFacts {
            height: sealed.height(),
            round: u32::try_from(round).unwrap_or(0),
            txs,
            bytes: sealed.bytes.len(),
            interval: if first { 0.0 } else { seconds(&sealed.time) - seconds(&before.last_time) },
            processing: started.elapsed(),
            validators: before.validators.validators().len(),
            power: before.validators.total_power(),
            missing: missing.len(),
            missing_power: missing.iter().sum(),
            byzantine: sealed.block.evidence.as_ref().map_or(0, |list| list.evidence.len()),
        });
        let waiting = self.mempool.sizes();
        self.metrics.mempool(waiting.txs, waiting.bytes);
        tracing::info!(height = sealed.height(), round, txs, hash = %hex::encode_upper(&sealed.id.hash), "committed");
    }
}
