//! The price, its course from block to block, and the part of fees that is burned.

use ve_base::{Amount, CodedError, Coins, Dec, Rounding};
use ve_proto::ve::feemarket::v1::{Params, State};
use ve_sdk::{Context, Event, QueryContext, transient};
use ve_store::Read;

use super::keys::STATE;
use super::{BURN, params};
use crate::auth::admission::FEE_COLLECTOR;
use crate::bank;

/// One in basis points.
const ONE: u64 = 10_000;

pub fn state<R: Read + ?Sized>(kv: &R) -> Result<State, CodedError> {
    match STATE.get(kv)? {
        Some(state) => Ok(state),
        None => Ok(State { base_fee: params::load(kv)?.min_base_fee, ..State::default() }),
    }
}

/// Price of one unit of gas in `uve`, the same for all transactions of a block.
pub fn base_fee<R: Read + ?Sized>(kv: &R) -> Result<Dec, CodedError> {
    Ok(Dec::from_mantissa(&state(kv)?.base_fee)?)
}

/// The least fee of a transaction: ⌈gas × price⌉.
pub fn required<R: Read + ?Sized>(kv: &R, gas: u64) -> Result<Amount, CodedError> {
    Ok(base_fee(kv)?.mul_ceil_amount(Amount::from(gas))?)
}

/// Most gas that a transaction may ask for.
pub fn max_tx_gas<R: Read + ?Sized>(kv: &R) -> Result<u64, CodedError> {
    Ok(params::load(kv)?.max_tx_gas)
}

fn bps(value: u64) -> Result<Dec, CodedError> {
    Ok(Dec::from_parts(value, 4)?)
}

/// The state after a block that used `used` of `max` gas. Without a limit on gas there is no use to measure.
pub fn next(params: &Params, before: &State, used: u64, max: u64) -> Result<State, CodedError> {
    let use_bps = used.saturating_mul(ONE).checked_div(max).unwrap_or(0).min(ONE);
    let window = u64::from(params.window).max(1);
    let smoothed = u64::from(before.smoothed_bps)
        .saturating_mul(window.saturating_sub(1))
        .saturating_add(use_bps)
        .checked_div(window)
        .unwrap_or(0);
    let (target, rate) = (u64::from(params.target_bps), u64::from(params.rate_bps));
    let part = |distance: u64| distance.saturating_mul(rate).checked_div(ONE).unwrap_or(0);
    let most = u64::from(params.max_change_bps);
    let factor = if smoothed >= target {
        ONE.saturating_add(part(smoothed.saturating_sub(target)).min(most))
    } else {
        ONE.saturating_sub(part(target.saturating_sub(smoothed)).min(most))
    };
    let mut price = Dec::from_mantissa(&before.base_fee)?.mul(bps(factor)?, Rounding::Truncate)?;
    if smoothed >= u64::from(params.congestion_bps) {
        let boost = ONE.saturating_add(u64::from(params.congestion_boost_bps));
        price = price.mul(bps(boost)?, Rounding::Truncate)?;
    }
    let price = price.clamp(params::min_base_fee(params)?, params::max_base_fee(params)?);
    let narrow = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Ok(State {
        base_fee: price.to_mantissa(),
        smoothed_bps: narrow(smoothed),
        last_bps: narrow(use_bps),
        height: before.height,
    })
}

pub fn update(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let max = u64::try_from(ctx.block().consensus_params.block_max_gas).unwrap_or(0);
    let before = state(ctx)?;
    let after = State { height: ctx.height(), ..next(&params::load(ctx)?, &before, ctx.block().gas_used, max)? };
    if after.base_fee != before.base_fee {
        ctx.emit(Event::new("base_fee").with("amount", Dec::from_mantissa(&after.base_fee)?));
    }
    Ok(STATE.set(ctx, &after)?)
}

/// Counts what a transaction pays for the base price of its gas; [`burn`] takes its part at the end of the block.
pub fn count_base_part(ctx: &mut Context<'_>, base_part: Amount) -> Result<(), CodedError> {
    let amount = base_part.to_u64().unwrap_or(u64::MAX);
    Ok(ctx.unmetered(|ctx| transient::add(ctx, "feemarket", b"base", amount))?)
}

/// Burns its part of the block's base fees, out of what the fee collector received in this block.
pub fn burn(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let paid = Amount::from(transient::get(ctx, "feemarket", b"base")?);
    let part = Amount::from(u64::from(params::load(ctx)?.burn_bps));
    let burned = paid.mul_div(part, Amount::from(ONE)).unwrap_or_default();
    if burned.is_zero() {
        return Ok(());
    }
    let coins = Coins::native(burned);
    bank::send_between_modules(ctx, FEE_COLLECTOR, BURN, &coins)?;
    bank::burn(ctx, BURN, &coins)
}

pub fn check_bounds(ctx: &QueryContext<'_>) -> Result<(), String> {
    let bounds = || -> Result<(Dec, Dec, Dec), CodedError> {
        let params = params::load(ctx)?;
        Ok((params::min_base_fee(&params)?, base_fee(ctx)?, params::max_base_fee(&params)?))
    };
    let (low, price, high) = bounds().map_err(|error| error.log)?;
    if low <= price && price <= high {
        return Ok(());
    }
    Err(format!("the price of gas is {price:#}, the bounds are {low:#} and {high:#}"))
}

#[cfg(test)]
#[path = "price_tests.rs"]
mod tests;
