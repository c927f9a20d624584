//! Who had which power when, as far back as evidence counts. Whole sets are kept for the latest blocks only, so this is
//! kept by its changes, and the time of one block in many.

use ve_base::{Address, BlockTime, CodedError};
use ve_sdk::Context;
use ve_store::Read;

use super::keys::{CLEARED, HISTORY, POWERS, TIMES};

/// Blocks from one kept time to the next.
const TIME_STEP: u64 = 100;
/// Times and powers that are looked at in one block to see whether they are still needed.
const MAX_CLEARED_PER_BLOCK: usize = 8;

/// A set takes effect in the second block after the one that made it.
const DELAY: u64 = 2;

/// Keeps a change of power at the end of a block; of genesis with the height 0.
pub fn record(ctx: &mut Context<'_>, operator: &Address, power: u64, height: u64) -> Result<(), CodedError> {
    Ok(POWERS.set(ctx, (operator, &height), &power)?)
}

/// Begin block: keeps the time of some blocks, forgets what evidence no longer reaches.
pub fn track(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let (height, time) = (ctx.height(), ctx.time());
    if height.checked_rem(TIME_STEP) == Some(0) || TIMES.scan().first(ctx)?.is_none() {
        TIMES.set(ctx, &height, &time.to_proto())?;
    }
    let oldest = forget_times(ctx)?;
    forget_powers(ctx, oldest)
}

/// Whether evidence of a block is too old: both its ages count, so that neither slow blocks nor fast ones let it expire
/// early.
pub fn is_expired(ctx: &Context<'_>, height: u64, time: BlockTime) -> bool {
    let params = &ctx.block().consensus_params;
    let blocks = u64::try_from(params.evidence_max_age_blocks).unwrap_or(0);
    let seconds = u64::try_from(params.evidence_max_age_secs).unwrap_or(0);
    ctx.height().saturating_sub(height) > blocks && ctx.time().seconds_since(time) > seconds
}

/// Removes the times before the last expired one, and returns the oldest height that is still kept.
fn forget_times(ctx: &mut Context<'_>) -> Result<u64, CodedError> {
    let first = TIMES.scan().take(ctx, MAX_CLEARED_PER_BLOCK)?;
    for (entry, next) in first.iter().zip(first.iter().skip(1)) {
        if !BlockTime::from_proto(&next.1).is_some_and(|time| is_expired(ctx, next.0, time)) {
            return Ok(entry.0);
        }
        TIMES.remove(ctx, &entry.0)?;
    }
    Ok(first.last().map_or(0, |(height, _)| *height))
}

/// Goes round all powers, some in each block: a power that another one replaced before `oldest` decides nothing.
fn forget_powers(ctx: &mut Context<'_>, oldest: u64) -> Result<(), CodedError> {
    let before = oldest.saturating_sub(DELAY);
    let scan = match CLEARED.scan().first(ctx)? {
        Some((last, ())) => {
            CLEARED.remove(ctx, &last)?;
            POWERS.scan().from(&last)
        }
        None => POWERS.scan(),
    };
    let some = scan.take(ctx, MAX_CLEARED_PER_BLOCK)?;
    for (entry, next) in some.iter().zip(some.iter().skip(1)) {
        let ((operator, height), power) = entry;
        let replaced = next.0.0 == *operator && next.0.1 <= before;
        if replaced || *power == 0 && *height < before {
            POWERS.remove(ctx, (operator, height))?;
        }
    }
    match some.last().filter(|_| some.len() == MAX_CLEARED_PER_BLOCK) {
        Some((last, _)) => Ok(CLEARED.set(ctx, last, &())?),
        None => Ok(()),
    }
}

/// A validator as it was at a height.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Past {
    pub power: u64,
    /// Of the block at that height; of one shortly before it when the block's own is no longer kept.
    pub time: BlockTime,
}

/// Power with which a validator decided the block at `height`; `None` when evidence of it no longer counts or the
/// validator was not in the set.
pub fn at<R: Read + ?Sized>(state: &R, height: u64, operator: &Address) -> Result<Option<Past>, CodedError> {
    let made = height.saturating_sub(DELAY);
    let known = POWERS.scan().prefix(operator).through(&(operator.clone(), made)).reverse().first(state)?;
    let Some(((_, _), power)) = known.filter(|(_, power)| *power > 0) else { return Ok(None) };
    let exact = HISTORY.get(state, &height)?.and_then(|block| block.header).and_then(|header| header.time);
    let time = match exact.as_ref().and_then(BlockTime::from_proto) {
        Some(time) => Some(time),
        None => {
            TIMES.scan().through(&height).reverse().first(state)?.and_then(|(_, time)| BlockTime::from_proto(&time))
        }
    };
    Ok(time.map(|time| Past { power, time }))
}
