//! Begin block: who signed the last block, and who has missed too many.

use ve_base::{Address, BlockTime, CONSENSUS_PREFIX, CodedError, Dec};
use ve_proto::cosmos::slashing::v1beta1::Params;
use ve_proto::ve::slashing::v1::{Reason, SigningState, Stretch};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::keys::{BLOCKS, SIGNING};
use super::window::Window;
use super::{params, punish};
use crate::staking;

/// An absence as long as 100 nominal blocks is reported once.
const REPORT_AFTER: u64 = 500;
/// Parts of the window forgotten in one block.
const MAX_FORGOTTEN: usize = 200;

pub fn window(params: &Params, now: BlockTime) -> Window {
    Window::new(params::window_seconds(params), now)
}

pub fn time(given: &Option<prost_types::Timestamp>) -> BlockTime {
    given.as_ref().and_then(BlockTime::from_proto).unwrap_or_default()
}

/// All blocks of the window, by its parts.
pub fn blocks<R: Read + ?Sized>(state: &R) -> Result<Vec<Stretch>, CodedError> {
    let stretch = |(index, blocks)| Stretch { index, blocks };
    BLOCKS.iter(state).map(|entry| entry.map(stretch).map_err(Into::into)).collect()
}

pub fn track(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let votes = &ctx.block().last_commit.votes;
    if votes.is_empty() {
        return Ok(());
    }
    let params = params::load(ctx)?;
    let window = window(&params, ctx.time());
    for (old, _) in BLOCKS.scan().before(&window.oldest()).take(ctx, MAX_FORGOTTEN)? {
        BLOCKS.remove(ctx, &old)?;
    }
    let count = BLOCKS.get(ctx, &window.current())?.unwrap_or(0).saturating_add(1);
    BLOCKS.set(ctx, &window.current(), &count)?;
    for vote in votes {
        let consensus = Address::from(vote.address);
        let Some(state) = SIGNING.get(ctx, &consensus)? else { continue };
        if !vote.signed {
            missed(ctx, &params, &consensus, state, vote.power)?;
        } else if state.missing_since.is_some() {
            SIGNING.set(ctx, &consensus, &SigningState { missing_since: None, reported: false, ..state })?;
        }
    }
    Ok(())
}

fn missed(
    ctx: &mut Context<'_>,
    params: &Params,
    consensus: &Address,
    mut state: SigningState,
    power: u64,
) -> Result<(), CodedError> {
    match staking::by_consensus(ctx, consensus)? {
        // It leaves the set already.
        None => return Ok(()),
        Some(validator) if validator.jailed => return Ok(()),
        Some(_) => {}
    }
    let window = window(params, ctx.time());
    window.count(&mut state.missed);
    state.missing_since = Some(state.missing_since.unwrap_or_else(|| ctx.time().to_proto()));
    let since = time(&state.missing_since);
    if !state.reported && ctx.time().seconds_since(since) >= REPORT_AFTER {
        state.reported = true;
        ctx.emit(
            Event::new("liveness")
                .with("address", consensus.to_bech32(CONSENSUS_PREFIX))
                .with("missed_blocks", window.sum(&state.missed))
                .with("height", ctx.height()),
        );
    }
    let most = Dec::one().checked_sub(params::min_signed(params)?)?.mul_int(window.sum(&blocks(ctx)?).into())?;
    let too_many = Dec::from_amount(window.sum(&state.missed).into())? > most;
    let judged = window.is_full_since(time(&state.start_time));
    SIGNING.set(ctx, consensus, &state)?;
    if !too_many || !judged {
        return Ok(());
    }
    // The commit is that of the block before.
    let height = ctx.height().saturating_sub(1);
    let infraction =
        punish::Infraction { reason: Reason::Downtime, height, power, evidence: punish::absence(consensus, height) };
    punish::punish(ctx, consensus, &infraction).map(|_| ())
}

/// The validator joined the set: it is judged by what it does from now on.
pub fn begin(ctx: &mut Context<'_>, consensus: &Address) -> Result<(), CodedError> {
    let known = SIGNING.get(ctx, consensus)?.unwrap_or_default();
    let state = SigningState {
        start_height: ctx.height(),
        start_time: Some(ctx.time().to_proto()),
        missed: Vec::new(),
        missing_since: None,
        reported: false,
        ..known
    };
    Ok(SIGNING.set(ctx, consensus, &state)?)
}

/// The validator is gone. What its key did is remembered, so that a new validator cannot shed it.
pub fn end(ctx: &mut Context<'_>, consensus: &Address) -> Result<(), CodedError> {
    match SIGNING.get(ctx, consensus)? {
        Some(state) if !state.tombstoned && state.offences.is_empty() => Ok(SIGNING.remove(ctx, consensus)?),
        _ => Ok(()),
    }
}

pub fn is_tombstoned<R: Read + ?Sized>(state: &R, consensus: &Address) -> Result<bool, CodedError> {
    Ok(SIGNING.get(state, consensus)?.is_some_and(|state| state.tombstoned))
}

/// Counts of a window of another length mean nothing: every validator begins anew.
pub fn forget_counts(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let stretches: Vec<u64> = BLOCKS.scan().keys(ctx).collect::<Result<_, _>>()?;
    for index in stretches {
        BLOCKS.remove(ctx, &index)?;
    }
    let known: Vec<_> = SIGNING.iter(ctx).collect::<Result<_, _>>()?;
    for (consensus, state) in known {
        let start_time = Some(ctx.time().to_proto());
        SIGNING.set(ctx, &consensus, &SigningState { missed: Vec::new(), start_time, ..state })?;
    }
    Ok(())
}
