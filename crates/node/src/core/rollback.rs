//! Taking the last block back (platform spec section 3.4): it stays decided and is executed again at the next start, by
//! another release if need be.
//!
//! The application goes back first, then the index, then the chain's state. Whatever a crash in between leaves is taken
//! back by the same command again; the release that executed the block could also be started as it is.

use super::Halt;
use super::recovery::{broken, pruned, state_before};
use crate::blockstore::BlockStore;
use crate::chain::ChainState;
use crate::index::Index;
use crate::rpc::backend::CommittedBlock;

/// Takes the last block back and returns the height reached. `app` takes the application to that height, where it may be
/// already.
pub fn roll_back(store: &BlockStore, index: &Index, app: impl FnOnce(u64) -> Result<(), String>) -> Result<u64, Halt> {
    let state = store.state()?.filter(|state| state.last_height > state.initial_height);
    let state = state.ok_or_else(|| broken("there is no block whose state before it is kept; nothing to take back"))?;
    let before = before(store, &state)?;
    app(before.last_height).map_err(broken)?;
    let height = state.last_height;
    if let (Some(stored), Some(results)) = (store.block(height)?, store.results(height)?) {
        index.take_back(&CommittedBlock { stored, results }).map_err(broken)?;
    }
    store.take_back(&before)?;
    Ok(before.last_height)
}

/// Where the chain stood before its last block, as that block's header and the one before it say.
fn before(store: &BlockStore, state: &ChainState) -> Result<ChainState, Halt> {
    let header = |height: u64| -> Result<_, Halt> {
        let stored = store.block(height)?.ok_or_else(|| pruned(height))?;
        stored.block.header.ok_or_else(|| broken("a block has no header"))
    };
    let (last, parent) = (header(state.last_height)?, header(state.last_height.saturating_sub(1))?);
    Ok(ChainState {
        last_block_id: last.last_block_id.unwrap_or_default(),
        last_time: parent.time.unwrap_or_default(),
        app_hash: last.app_hash,
        last_results_hash: last.last_results_hash,
        ..state_before(store, state, state.last_height)?
    })
}
