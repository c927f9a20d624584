//! Genesis and the execution of blocks.

use bytes::Bytes;
use ve_base::CodedError;
use ve_chain_core::admission::Tally;
use ve_sdk::admission::Candidate;
use ve_sdk::application::{
    AppState, BlockInput, ConsensusParams, Event, Fatal, FinalizeBlockResponse, InitChain, InitChainResponse, TxResult,
    ValidatorUpdate, Verdict,
};
use ve_sdk::context::{BlockInfo, Context, Mode, QueryContext, State};
use ve_sdk::gas::GasMeter;
use ve_sdk::transient;
use ve_store::{ChangeSet, KvError, Prepared, Read};

use crate::application::{App, MAX_TX_BYTES, fatal, lock, refused};
use crate::{base_state, upgrades};

/// An executed block that is not durable yet.
pub(crate) struct Pending {
    prepared: Prepared,
    height: u64,
    /// Every key that the block wrote.
    written: Vec<Vec<u8>>,
}

/// Versions before genesis do not exist: the state of genesis is the version before the first block's.
pub(crate) fn init_chain(app: &App, request: InitChain) -> Result<InitChainResponse, Fatal> {
    let last = app.view();
    if let Some(block) = &last.block
        && block.height >= request.initial_height
    {
        return Err(Fatal(format!("the state is already at height {}; it cannot take a genesis", block.height)));
    }
    let block = BlockInfo {
        chain_id: request.chain_id,
        height: request.initial_height.saturating_sub(1),
        time: request.genesis_time,
        consensus_params: request.consensus_params.clone(),
        ..BlockInfo::default()
    };
    let mut state = State::new(app.store.empty());
    let validators = init_modules(app, &mut state, &block, request.app_state)?;
    base_state::save(&mut state, &block).map_err(fatal)?;
    let changes = into_durable(state);
    let app_hash = if last.block.is_some() {
        // A node that stopped between its first write and its own first record starts over with the same genesis.
        if !holds_exactly(last.state.as_ref(), &changes).map_err(fatal)? {
            return Err(Fatal("the state was made from another genesis; remove the data directory".into()));
        }
        last.app_hash
    } else {
        let entries = changes.into_iter().filter_map(|(key, value)| value.map(|value| Ok((key, value))));
        let root = app.store.load(block.height, entries).map_err(fatal)?;
        app.publish(Vec::new())?;
        app.reset_check();
        root.to_vec()
    };
    Ok(InitChainResponse { validators, consensus_params: request.consensus_params, app_hash })
}

fn holds_exactly<R: Read + ?Sized>(state: &R, changes: &ChangeSet) -> Result<bool, KvError> {
    let mut expected = changes.iter().filter_map(|(key, value)| value.as_ref().map(|value| (key, value)));
    for entry in state.range(&[], None, false) {
        let (key, value) = entry?;
        if expected.next() != Some((&key, &value)) {
            return Ok(false);
        }
    }
    Ok(expected.next().is_none())
}

fn init_modules(
    app: &App,
    state: &mut State,
    block: &BlockInfo,
    mut app_state: AppState,
) -> Result<Vec<ValidatorUpdate>, Fatal> {
    let named = app_state.modules().ok_or_else(|| Fatal("app_state is not an object".into()))?;
    if let Some(unknown) = named.iter().find(|name| !app.modules.iter().any(|module| module.name() == *name)) {
        return Err(Fatal(format!("app_state names the module {unknown}, which this release does not have")));
    }
    let mut validators = Vec::new();
    for module in &app.modules {
        let given = app_state
            .take(module.name())
            .map_err(|error| Fatal(format!("genesis of module {}: {error}", module.name())))?;
        let genesis = given.unwrap_or_else(|| module.default_genesis());
        let mut ctx = Context::new(state, block, &app.registry, GasMeter::unlimited(), Mode::Genesis);
        let updates = module
            .init_genesis(&mut ctx, &genesis)
            .map_err(|error| Fatal(format!("genesis of module {}: {}", module.name(), error.log)))?;
        validators.extend(updates);
    }
    Ok(validators)
}

/// Candidates without room that a proposer passes over in search of smaller ones: a full block is not worth decoding all
/// that waits.
const MAX_MISFITS: u32 = 100;

/// Candidates in the mempool's order, as far as bytes, gas and quotas reach.
pub(crate) fn choose(app: &App, block: &BlockInput, max_bytes: u64) -> Vec<Bytes> {
    let view = app.view();
    let max_gas = view.block.map_or(0, |last| last.consensus_params.block_max_gas);
    let mut chosen = Vec::new();
    // A proposal of nothing is better than none when the disk fails; execution will say why.
    let Ok(mut tally) = Tally::new(view.state.as_ref()) else { return chosen };
    let (mut bytes, mut gas, mut misfits) = (0u64, 0u64, 0u32);
    for raw in &block.txs {
        if tally.is_full() || misfits > MAX_MISFITS {
            break;
        }
        let Ok(tx) = ve_base::tx::decode_tx(raw) else { continue };
        let Ok(candidate) = Candidate::new(&tx, raw.len(), &app.registry, &app.verified) else { continue };
        // Each transaction costs its length prefix in the block too: at most 6 bytes.
        let size = (raw.len() as u64).saturating_add(6);
        let wanted = candidate.gas_limit();
        if bytes.saturating_add(size) > max_bytes || exceeds(gas.saturating_add(wanted), max_gas) {
            misfits = misfits.saturating_add(1);
            continue;
        }
        if !tally.add(view.state.as_ref(), &app.registry, &candidate).unwrap_or(false) {
            continue;
        }
        bytes = bytes.saturating_add(size);
        gas = gas.saturating_add(wanted);
        chosen.push(raw.clone());
    }
    chosen
}

/// What every honest proposer respects: bytes decode, gas fits.
pub(crate) fn judge(app: &App, block: &BlockInput) -> Verdict {
    let view = app.view();
    let max_gas = view.block.map_or(0, |last| last.consensus_params.block_max_gas);
    let mut gas = 0u64;
    for (index, tx) in block.txs.iter().enumerate() {
        if tx.len() > MAX_TX_BYTES {
            return Verdict::Reject(format!("transaction {index} has {} bytes", tx.len()));
        }
        let Some(wanted) = gas_wanted(tx) else {
            return Verdict::Reject(format!("transaction {index} does not decode"));
        };
        gas = gas.saturating_add(wanted);
        if exceeds(gas, max_gas) {
            return Verdict::Reject(format!("the block wants more than {max_gas} gas"));
        }
    }
    Verdict::Accept
}

fn gas_wanted(tx: &[u8]) -> Option<u64> {
    let tx = ve_base::tx::decode_tx(tx).ok()?;
    Some(tx.auth_info.fee.as_ref().map_or(0, |fee| fee.gas_limit))
}

/// `max` below zero means no limit, as in CometBFT.
fn exceeds(gas: u64, max: i64) -> bool {
    u64::try_from(max).is_ok_and(|max| gas > max)
}

pub(crate) fn finalize(app: &App, input: &BlockInput) -> Result<FinalizeBlockResponse, Fatal> {
    let view = app.view();
    let last = view.block.ok_or_else(|| Fatal("a block before genesis".into()))?;
    let expected = last.height.saturating_add(1);
    if input.height != expected {
        return Err(Fatal(format!("block {} does not follow the state at height {}", input.height, last.height)));
    }
    let mut block = BlockInfo {
        height: input.height,
        time: input.time,
        hash: input.hash.clone(),
        proposer_address: input.proposer_address,
        next_validators_hash: input.next_validators_hash.clone(),
        proposer_order: input.proposer_order,
        app_hash: view.app_hash,
        last_commit: input.last_commit.clone(),
        misbehavior: input.misbehavior.clone(),
        chain_id: last.chain_id,
        consensus_params: last.consensus_params,
        gas_used: 0,
    };
    let mut state = State::new(view.state.clone());
    let mut response = FinalizeBlockResponse::default();
    response.events.extend(marked(upgrades::prepare(app, &mut state, &block)?, "BeginBlock"));
    begin_block(app, &mut state, &block, &mut response)?;
    (response.tx_results, block.gas_used) = run_txs(app, &mut state, &block, &input.txs)?;
    end_block(app, &mut state, &block, &mut response)?;
    if let Some(params) = consensus_update(app, &mut state, &block)? {
        block.consensus_params = params.clone();
        response.consensus_params = Some(params);
    }
    base_state::save(&mut state, &block).map_err(fatal)?;
    if app.options.check_invariants {
        check_invariants(app, &state, &block)?;
    }
    let changes = into_durable(state);
    ve_chain_core::bank::check_conservation(view.state.as_ref(), &changes)
        .map_err(|violation| Fatal(format!("block {}: {violation}", block.height)))?;
    let written = changes.keys().cloned().collect();
    let prepared = app.store.prepare(block.height, changes).map_err(fatal)?;
    response.app_hash = prepared.root().to_vec();
    *lock(&app.pending) = Some(Pending { prepared, height: block.height, written });
    Ok(response)
}

fn begin_block(
    app: &App,
    state: &mut State,
    block: &BlockInfo,
    response: &mut FinalizeBlockResponse,
) -> Result<(), Fatal> {
    for module in &app.modules {
        let mut ctx = Context::new(state, block, &app.registry, GasMeter::unlimited(), Mode::Deliver);
        let result = module.begin_block(&mut ctx);
        finish(&mut ctx, module.name(), "begin", result)?;
        response.events.extend(marked(ctx.take_events(), "BeginBlock"));
    }
    Ok(())
}

fn end_block(
    app: &App,
    state: &mut State,
    block: &BlockInfo,
    response: &mut FinalizeBlockResponse,
) -> Result<(), Fatal> {
    for module in &app.modules {
        let mut ctx = Context::new(state, block, &app.registry, GasMeter::unlimited(), Mode::Deliver);
        let result = module.end_block(&mut ctx);
        let updates = finish(&mut ctx, module.name(), "end", result)?;
        response.events.extend(marked(ctx.take_events(), "EndBlock"));
        if !updates.is_empty() && !response.validator_updates.is_empty() {
            return Err(Fatal(format!("{} is the second module to change validators", module.name())));
        }
        response.validator_updates.extend(updates);
    }
    Ok(())
}

/// The parameters that governance decided in this block.
fn consensus_update(app: &App, state: &mut State, block: &BlockInfo) -> Result<Option<ConsensusParams>, Fatal> {
    let mut ctx = Context::new(state, block, &app.registry, GasMeter::unlimited(), Mode::Deliver);
    let result = ve_chain_core::consensus::take_update(&mut ctx);
    finish(&mut ctx, "consensus", "end", result)
}

fn finish<T>(ctx: &mut Context<'_>, module: &str, phase: &str, result: Result<T, CodedError>) -> Result<T, Fatal> {
    if let Some(error) = ctx.take_fatal() {
        return Err(fatal(error));
    }
    result.map_err(|error| Fatal(format!("{phase} block of module {module}: {}", error.log)))
}

fn marked(events: Vec<Event>, mode: &str) -> impl Iterator<Item = Event> + '_ {
    events.into_iter().map(move |event| event.with("mode", mode))
}

/// The results with the gas that all transactions used.
fn run_txs(app: &App, state: &mut State, block: &BlockInfo, txs: &[Bytes]) -> Result<(Vec<TxResult>, u64), Fatal> {
    let executor = app.executor(block);
    let mut results = Vec::with_capacity(txs.len());
    let mut gas = 0u64;
    for tx in txs {
        if exceeds(gas, block.consensus_params.block_max_gas) {
            let error = ve_base::errors::sdk::Error::OutOfGas("the block has no gas left".into());
            results.push(refused(error.into()));
            continue;
        }
        let result = executor.run(state, tx, Mode::Deliver).map_err(fatal)?;
        gas = gas.saturating_add(u64::try_from(result.gas_used).unwrap_or(0));
        results.push(result);
    }
    Ok((results, gas))
}

fn check_invariants(app: &App, state: &State, block: &BlockInfo) -> Result<(), Fatal> {
    let ctx = QueryContext::new(state, block, &app.registry);
    for (module, invariant) in app.registry.invariants() {
        (invariant.check)(&ctx).map_err(|violation| {
            Fatal(format!("invariant {module}/{} broken at height {}: {violation}", invariant.name, block.height))
        })?;
    }
    Ok(())
}

/// The block's changes without the transient area.
fn into_durable(state: State) -> ChangeSet {
    let mut changes = state.into_changes();
    changes.retain(|key, _| !transient::is_transient(key));
    changes
}

pub(crate) fn commit(app: &App) -> Result<u64, Fatal> {
    let pending = lock(&app.pending).take().ok_or_else(|| Fatal("commit without an executed block".into()))?;
    app.store.apply(pending.prepared).map_err(fatal)?;
    app.publish(pending.written)?;
    let needed = app.store.oldest_version().map_err(fatal)?.min(pending.height);
    // Whoever starts from a snapshot fetches the blocks after it.
    Ok(app.snapshots.after_commit(app, pending.height)?.map_or(needed, |oldest| oldest.min(needed)))
}
