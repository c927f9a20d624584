//! Starting from whatever a crash left behind. Writes are durable in the order block, results with state, application,
//! index; so the application and the index may be behind the blocks, and one decided block may wait for execution.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, RwLock};

use tokio::sync::broadcast;
use ve_proto::tendermint::types::{BlockId, PartSetHeader};
use ve_sdk::application::{Application, InitChain};

use super::{Core, EVENT_BUFFER, Halt, Parts};
use crate::blockstore::{BlockStore, StoreError};
use crate::chain::{self, ChainState, SealedBlock};
use crate::comet::validators::ValidatorSet;
use crate::comet::{abci, hash};
use crate::genesis::Genesis;
use crate::rpc::backend::CommittedBlock;

pub(super) fn broken(cause: impl ToString) -> Halt {
    Halt::Broken(cause.to_string())
}

impl Core {
    /// Brings block store, application and index to the same height and opens the chain there.
    pub fn open(parts: Parts, genesis: &Genesis) -> Result<Self, Halt> {
        let Parts { app, store, evidence, mempool, index, metrics, halt_height } = parts;
        let state = match store.state()? {
            Some(state) if state.chain_id != genesis.chain_id => {
                return Err(Halt::Broken(format!(
                    "the data belongs to chain {}, the genesis file to {}",
                    state.chain_id, genesis.chain_id
                )));
            }
            Some(state) => {
                replay(&app, &store, &state, genesis)?;
                state
            }
            None if app.info().last_height >= genesis.initial_height => return Err(behind(app.info().last_height, 0)),
            None => {
                let state = init_chain(&app, genesis)?;
                store.save_genesis(&state, genesis.initial_height)?;
                state
            }
        };
        let core = Self {
            app,
            store,
            evidence,
            mempool,
            index,
            metrics,
            events: broadcast::channel(EVENT_BUFFER).0,
            halt_height,
            state: RwLock::new(state),
            round: Mutex::default(),
            syncing: AtomicBool::new(false),
        };
        core.catch_up_index()?;
        if core.must_halt() {
            return Err(Halt::Planned(core.last_height()));
        }
        core.finish_decided()?;
        if core.must_halt() {
            return Err(Halt::Planned(core.last_height()));
        }
        Ok(core)
    }

    fn catch_up_index(&self) -> Result<(), Halt> {
        let from = self.index.height().map_err(broken)?.saturating_add(1).max(self.store.earliest()?);
        for height in from..=self.last_height() {
            let (Some(stored), Some(results)) = (self.store.block(height)?, self.store.results(height)?) else {
                return Err(Halt::Broken(format!("block {height} or its results are missing; sync this node anew")));
            };
            self.index.apply(&CommittedBlock { stored, results }).map_err(broken)?;
        }
        Ok(())
    }

    /// Executes the block that was decided just before the node died.
    fn finish_decided(&self) -> Result<(), Halt> {
        let height = self.state().next_height();
        let (Some(bytes), Some(commit)) = (self.store.block_bytes(height)?, self.store.commit(height)?) else {
            return Ok(());
        };
        let sealed = SealedBlock::decode(bytes).ok_or(StoreError::Damaged("block"))?;
        tracing::info!(height, "executing the block that was decided before the restart");
        self.apply(&sealed, commit.round)
    }
}

fn behind(app: u64, store: u64) -> Halt {
    Halt::Broken(format!(
        "the application is at height {app}, the block store only at {store}. Restore the block store (`data/blocks`) \
         from the same backup as the application's state (`data/state`), or move `data/state` away: it is then built \
         again from the blocks"
    ))
}

/// Executes again every block that the application has lost.
fn replay(app: &Arc<dyn Application>, store: &BlockStore, state: &ChainState, genesis: &Genesis) -> Result<(), Halt> {
    let info = app.info();
    if info.last_height > state.last_height {
        return Err(behind(info.last_height, state.last_height));
    }
    if info.last_app_hash.is_empty() {
        let first = init_chain(app, genesis)?;
        // Compared with what the first header says when there is one.
        let agreed = match store.block(state.initial_height)? {
            Some(stored) => stored.block.header.unwrap_or_default().app_hash,
            None if state.last_height < state.initial_height => state.app_hash.clone(),
            None => return Err(pruned(state.initial_height)),
        };
        if first.app_hash != agreed {
            return Err(broken("the genesis file gives another state than the one that this chain started from"));
        }
    }
    let reached = info.last_height.max(state.initial_height.saturating_sub(1));
    if reached == state.last_height {
        if !info.last_app_hash.is_empty() && info.last_app_hash != state.app_hash {
            return Err(broken("the application's hash is not the one that the chain agreed on"));
        }
        return Ok(());
    }
    tracing::info!(from = reached + 1, to = state.last_height, "executing blocks that the application lost");
    let mut before = state_before(store, state, reached + 1)?;
    for height in reached + 1..=state.last_height {
        let bytes = store.block_bytes(height)?.ok_or_else(|| pruned(height))?;
        let sealed = SealedBlock::decode(bytes).ok_or(StoreError::Damaged("block"))?;
        let (after, _) = chain::execute(&before, app, &sealed).map_err(broken)?;
        let agreed = if height == state.last_height {
            after == *state
        } else {
            let next = store.block(height + 1)?.ok_or_else(|| pruned(height + 1))?.block.header.unwrap_or_default();
            next.app_hash == after.app_hash && next.last_results_hash == after.last_results_hash
        };
        if !agreed {
            return Err(Halt::Broken(format!(
                "executing block {height} again gave another result than the one that the chain agreed on; run the \
                 release that executed it; or, if that release was wrong, `virtengine node rollback` and the right \
                 one; or sync this node anew"
            )));
        }
        app.commit().map_err(broken)?;
        app.advance_checks();
        before = after;
    }
    Ok(())
}

pub(super) fn pruned(height: u64) -> Halt {
    Halt::Broken(format!(
        "the application needs block {height} again, which is pruned; restore `data/state` and `data/blocks` from one \
         backup, or sync this node anew"
    ))
}

/// The parts of the state before `height` that execution reads; the rest is of the last block.
pub(super) fn state_before(store: &BlockStore, state: &ChainState, height: u64) -> Result<ChainState, Halt> {
    let set = |at: u64| -> Result<ValidatorSet, Halt> {
        ValidatorSet::from_proto(&store.validators(at)?.ok_or_else(|| pruned(at))?).map_err(broken)
    };
    let last_validators = if height > state.initial_height { Some(set(height.saturating_sub(1))?) } else { None };
    Ok(ChainState {
        last_height: height.saturating_sub(1),
        last_validators,
        validators: set(height)?,
        next_validators: set(height.saturating_add(1))?,
        params: store.params(height)?.ok_or_else(|| pruned(height))?,
        ..state.clone()
    })
}

/// Gives the application the genesis document; the state before the first block.
fn init_chain(app: &Arc<dyn Application>, genesis: &Genesis) -> Result<ChainState, Halt> {
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
    Ok(ChainState {
        chain_id: genesis.chain_id.clone(),
        initial_height: genesis.initial_height,
        last_height: genesis.initial_height.saturating_sub(1),
        last_block_id: BlockId { hash: Vec::new(), part_set_header: Some(PartSetHeader::default()) },
        last_time: genesis.time().to_proto(),
        last_validators: None,
        validators,
        next_validators,
        params: abci::params(&response.consensus_params),
        app_hash: response.app_hash,
        last_results_hash: hash::results(&[]).to_vec(),
    })
}
