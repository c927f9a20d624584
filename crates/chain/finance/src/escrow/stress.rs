//! How many accounts run dry: what the price of gas listens to (finance spec section 4).

use ve_base::CodedError;
use ve_chain_core::feemarket::StressGauge;
use ve_sdk::Context;
use ve_store::{Read, Write};

use super::keys::{DRY, LIVE};

const MINUTE: u64 = 60;
/// 720 blocks of 5 seconds.
const WINDOW: u64 = 3_600;
/// Minutes forgotten in one block.
const MAX_FORGOTTEN: usize = 4;

fn minute(now: u64) -> u64 {
    now.checked_div(MINUTE).unwrap_or(0).saturating_mul(MINUTE)
}

pub fn count_live<S: Read + Write>(state: &mut S, opened: u64, closed: u64) -> Result<(), CodedError> {
    let live = LIVE.get_or_default(state)?.saturating_add(opened).saturating_sub(closed);
    Ok(LIVE.set(state, &live)?)
}

/// An account ran dry at `now`.
pub fn count_dry<S: Read + Write>(state: &mut S, now: u64) -> Result<(), CodedError> {
    let key = minute(now);
    let count = DRY.get_or_default(state, &key)?.saturating_add(1);
    Ok(DRY.set(state, &key, &count)?)
}

/// End block: forgets what is too long ago.
pub fn forget<S: Read + Write>(state: &mut S, now: u64) -> Result<(), CodedError> {
    let oldest = minute(now.saturating_sub(WINDOW));
    for (key, _) in DRY.scan().before(&oldest).take(state, MAX_FORGOTTEN)? {
        DRY.remove(state, &key)?;
    }
    Ok(())
}

/// The gauge of the price of gas.
pub struct EscrowStress;

impl StressGauge for EscrowStress {
    fn dry(&self, ctx: &Context<'_>) -> Result<(u64, u64), CodedError> {
        let since = minute(ctx.time().unix().saturating_sub(WINDOW));
        let minutes = usize::try_from(WINDOW.checked_div(MINUTE).unwrap_or(0)).unwrap_or(0).saturating_add(2);
        let counts = DRY.scan().from(&since).take(ctx, minutes)?;
        let dry = counts.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
        Ok((dry, LIVE.get_or_default(ctx)?))
    }
}
