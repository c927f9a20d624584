//! The price, its course from block to block, and the part of fees that is burned.

use ve_base::{Amount, CodedError, Coins, Dec};
use ve_proto::ve::feemarket::v1::{Params, State};
use ve_sdk::{Context, Event, QueryContext, transient};
use ve_store::Read;

use super::keys::STATE;
use super::{BURN, StressGauge, course, params};
use crate::auth::admission::FEE_COLLECTOR;
use crate::bank;

/// One in basis points.
pub(super) const ONE: u64 = 10_000;

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

pub fn update(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let max = u64::try_from(ctx.block().consensus_params.block_max_gas).unwrap_or(0);
    let (params, before) = (params::load(ctx)?, state(ctx)?);
    let stressed = is_stressed(ctx, &params)?;
    if stressed != before.stressed {
        ctx.emit(Event::new("gas_price_floor").with("raised", stressed));
    }
    let after = course::next(&params, &State { stressed, ..before.clone() }, ctx.block().gas_used, max)?;
    let after = State { height: ctx.height(), ..after };
    if after.base_fee != before.base_fee {
        ctx.emit(Event::new("base_fee").with("amount", Dec::from_mantissa(&after.base_fee)?));
    }
    Ok(STATE.set(ctx, &after)?)
}

/// Whether too large a share of what is paid for by escrow ran dry lately.
fn is_stressed(ctx: &Context<'_>, params: &Params) -> Result<bool, CodedError> {
    let (mut dry, mut open) = (0u64, 0u64);
    for gauge in ctx.hooks().all::<dyn StressGauge>() {
        let (more_dry, more_open) = gauge.dry(ctx)?;
        (dry, open) = (dry.saturating_add(more_dry), open.saturating_add(more_open));
    }
    Ok(dry.saturating_mul(ONE) > open.saturating_mul(params.stress_bps.into()))
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
