//! What consensus, mempool and interfaces share: the application, the block store, and where the chain stands.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::broadcast;
use ve_proto::tendermint::types::BlockIdFlag;
use ve_sdk::application::{AppInfo, Application, InitChain};

use crate::blockstore::{BlockStore, StoreError};
use crate::chain::{self, ChainState, SealedBlock};
use crate::comet::validators::ValidatorSet;
use crate::genesis::Genesis;
use crate::index::Index;
use crate::mempool::Mempool;
use crate::metrics::{BlockFacts, Metrics};
use crate::rpc::backend::{CommittedBlock, RoundState, StoredBlock};

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
    pub store: BlockStore,
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

impl Core {
    /// Brings block store and application to the same height and opens the chain there.
    pub fn open(
        app: Arc<dyn Application>,
        store: BlockStore,
        mempool: Arc<Mempool>,
        index: Arc<Index>,
        metrics: Arc<Metrics>,
        genesis: &Genesis,
        halt_height: u64,
    ) -> Result<Self, Halt> {
        let state = match store.state()? {
            // Nothing was committed yet: the application may have lost what it made of the genesis document.
            Some(state) if state.chain_id == genesis.chain_id && state.last_height < state.initial_height => {
                if app.info().last_app_hash.is_empty() { init_chain(&app, &store, genesis)? } else { state }
            }
            Some(state) if state.chain_id == genesis.chain_id => state,
            Some(state) => {
                return Err(Halt::Broken(format!(
                    "the data belongs to chain {}, the genesis file to {}",
                    state.chain_id, genesis.chain_id
                )));
            }
            None => init_chain(&app, &store, genesis)?,
        };
        if halt_height > 0 && state.last_height >= halt_height {
            return Err(Halt::Planned(state.last_height));
        }
        let core = Self {
            app,
            store,
            mempool,
            index,
            metrics,
            events: broadcast::channel(EVENT_BUFFER).0,
            halt_height,
            state: RwLock::new(state),
            round: Mutex::default(),
            syncing: AtomicBool::new(false),
        };
        core.replay()?;
        Ok(core)
    }

    /// A crash between recording a block's results and the application's commit leaves the application one block
    /// behind: it executes that block again.
    fn replay(&self) -> Result<(), Halt> {
        let state = self.state();
        let info: AppInfo = self.app.info();
        if info.last_height == state.last_height {
            if info.last_height >= state.initial_height && info.last_app_hash != state.app_hash {
                return Err(Halt::Broken("the application's hash is not the one that the chain agreed on".into()));
            }
            return Ok(());
        }
        if info.last_height.saturating_add(1) != state.last_height {
            return Err(Halt::Broken(format!(
                "the application is at height {}, the blocks at {}; restore both from one backup",
                info.last_height, state.last_height
            )));
        }
        let bytes = self.store.block_bytes(state.last_height)?.unwrap_or_default();
        let sealed = SealedBlock::decode(bytes)
            .ok_or_else(|| Halt::Broken(format!("block {} is missing or damaged", state.last_height)))?;
        let before = self.state_before(&state)?;
        let (after, _) = chain::execute(&before, &self.app, &sealed).map_err(Halt::Broken)?;
        if after.app_hash != state.app_hash {
            return Err(Halt::Broken(format!("replaying block {} gave another state", state.last_height)));
        }
        self.app.commit().map_err(|error| Halt::Broken(error.to_string()))?;
        Ok(())
    }

    /// The parts of the previous state that execution reads.
    fn state_before(&self, state: &ChainState) -> Result<ChainState, Halt> {
        let height = state.last_height;
        let set = |at: u64| -> Result<ValidatorSet, Halt> {
            let stored = self.store.validators(at)?.ok_or(StoreError::Damaged("validator set"))?;
            ValidatorSet::from_proto(&stored).map_err(|error| Halt::Broken(error.to_string()))
        };
        let last_validators = if height > state.initial_height { Some(set(height.saturating_sub(1))?) } else { None };
        Ok(ChainState {
            last_height: height.saturating_sub(1),
            last_validators,
            validators: set(height)?,
            next_validators: set(height.saturating_add(1))?,
            ..state.clone()
        })
    }

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

    /// Executes a block whose bytes and certificate are stored, in the order that survives a crash, and tells the world.
    pub fn apply(&self, sealed: &SealedBlock, round: u32) -> Result<(), Halt> {
        let started = Instant::now();
        let before = self.state();
        let (after, results) = chain::execute(&before, &self.app, sealed).map_err(Halt::Broken)?;
        self.store.save_executed(&after, &results)?;
        let txs: Vec<Bytes> = sealed.block.data.clone().unwrap_or_default().txs;
        let height = after.last_height;
        let pool = self.mempool.pause();
        let retain = self.app.commit().map_err(|error| Halt::Broken(error.to_string()))?;
        pool.update(height, txs.into_iter().zip(results.tx_results.iter().map(|result| result.code)));
        self.observe(&before, sealed, round, started);
        *self.state.write().unwrap_or_else(PoisonError::into_inner) = after;
        let committed = Arc::new(CommittedBlock {
            stored: StoredBlock { id: sealed.id.clone(), block: sealed.block.clone(), size: sealed.bytes.len() as u64 },
            results,
        });
        self.index.apply(&committed).map_err(|error| Halt::Broken(error.to_string()))?;
        self.store.prune(retain.min(height))?;
        // Nobody listening is no failure.
        let _ = self.events.send(committed);
        Ok(())
    }

    fn observe(&self, before: &ChainState, sealed: &SealedBlock, round: u32, started: Instant) {
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
            round,
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

fn init_chain(app: &Arc<dyn Application>, store: &BlockStore, genesis: &Genesis) -> Result<ChainState, Halt> {
    let response = app
        .init_chain(InitChain {
            chain_id: genesis.chain_id.clone(),
            genesis_time: genesis.time(),
            initial_height: genesis.initial_height,
            consensus_params: genesis.params.clone(),
            app_state: genesis.app_state.clone(),
        })
        .map_err(|error| Halt::Broken(format!("genesis: {error}")))?;
    let keys: Vec<([u8; 32], u64)> = if response.validators.is_empty() {
        genesis.validators.clone()
    } else {
        response.validators.iter().map(|update| (update.pub_key, update.power)).collect()
    };
    let validators = ValidatorSet::new(&keys).map_err(|error| Halt::Broken(format!("genesis validators: {error}")))?;
    let next_validators = validators.next(&[]).map_err(|error| Halt::Broken(error.to_string()))?;
    let state = ChainState {
        chain_id: genesis.chain_id.clone(),
        initial_height: genesis.initial_height,
        last_height: genesis.initial_height.saturating_sub(1),
        last_block_id: ve_proto::tendermint::types::BlockId {
            hash: Vec::new(),
            part_set_header: Some(ve_proto::tendermint::types::PartSetHeader::default()),
        },
        last_time: genesis.time().to_proto(),
        last_validators: None,
        validators,
        next_validators,
        params: chain::params_to_proto(&response.consensus_params),
        app_hash: response.app_hash,
        last_results_hash: crate::comet::hash::results(&[]).to_vec(),
    };
    store.save_genesis(&state, genesis.initial_height)?;
    Ok(state)
}
