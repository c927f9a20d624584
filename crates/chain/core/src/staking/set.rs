//! The validator set: who consensus counts, recomputed at the end of every block.

use std::collections::BTreeMap;

use ve_base::{Address, Amount, BlockTime, CodedError};
use ve_sdk::Context;
use ve_sdk::application::ValidatorUpdate;
use ve_store::Read;

use super::error::Error;
use super::hooks::each;
use super::keys::{BY_POWER, LAST_POWERS, LAST_TOTAL_POWER, VALIDATOR_QUEUE};
use super::unbonding::MAX_COMPLETIONS_PER_BLOCK;
use super::validator::{MAX_TOTAL_POWER, Status, Validator};
use super::{params, past, pools, table};

/// The strongest validators that are not jailed and have power, strongest first.
fn strongest<R: Read + ?Sized>(state: &R, count: u32) -> Result<Vec<(Validator, u64)>, CodedError> {
    let mut chosen = Vec::new();
    for key in BY_POWER.scan().keys(state).take(count as usize) {
        let (rank, operator) = key?;
        let power = u64::MAX.saturating_sub(rank);
        if power == 0 {
            break;
        }
        chosen.push((table::require(state, &operator)?, power));
    }
    Ok(chosen)
}

/// The validators that consensus counts, with their power, by operator.
pub fn bonded<R: Read + ?Sized>(state: &R) -> Result<Vec<(Validator, u64)>, CodedError> {
    let mut members = Vec::new();
    for entry in LAST_POWERS.iter(state) {
        let (operator, power) = entry?;
        members.push((table::require(state, &operator)?, power));
    }
    Ok(members)
}

/// Brings the set up to date and returns what changed for consensus. Coins of validators that join and leave change
/// pools once, by the difference.
pub fn update(ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
    let made = ctx.height();
    update_at(ctx, made)
}

/// As [`update`] at a height; genesis makes a set before any block.
pub fn update_at(ctx: &mut Context<'_>, made: u64) -> Result<Vec<ValidatorUpdate>, CodedError> {
    let chosen = strongest(ctx, params::load(ctx)?.max_validators)?;
    if chosen.is_empty() {
        // Consensus cannot go on without validators, so the last set stays until another validator qualifies.
        return Ok(Vec::new());
    }
    let mut last: BTreeMap<Address, u64> = LAST_POWERS.iter(ctx).collect::<Result<_, _>>()?;
    let mut updates = Vec::new();
    let (mut joined, mut left) = (Amount::ZERO, Amount::ZERO);
    let mut total = 0u64;
    let add = |sum: Amount, tokens| sum.checked_add(tokens).ok_or(ve_base::AmountError::Overflow);
    for (mut validator, power) in chosen {
        total =
            total.checked_add(power).filter(|sum| *sum <= MAX_TOTAL_POWER).ok_or(Error::PowerBound(MAX_TOTAL_POWER))?;
        if !validator.is_bonded() {
            joined = add(joined, validator.tokens)?;
            bond(ctx, &mut validator)?;
        }
        if last.remove(&validator.operator) != Some(power) {
            LAST_POWERS.set(ctx, &validator.operator, &power)?;
            past::record(ctx, &validator.operator, power, made)?;
            updates.push(ValidatorUpdate { pub_key: validator.consensus_key, power });
        }
    }
    for operator in last.into_keys() {
        let mut validator = table::require(ctx, &operator)?;
        left = add(left, validator.tokens)?;
        begin_unbonding(ctx, &mut validator)?;
        LAST_POWERS.remove(ctx, &operator)?;
        past::record(ctx, &operator, 0, made)?;
        updates.push(ValidatorUpdate { pub_key: validator.consensus_key, power: 0 });
    }
    pools::transfer(ctx, pools::NOT_BONDED, pools::BONDED, joined.saturating_sub(left))?;
    pools::transfer(ctx, pools::BONDED, pools::NOT_BONDED, left.saturating_sub(joined))?;
    if !updates.is_empty() {
        LAST_TOTAL_POWER.set(ctx, &total)?;
    }
    Ok(updates)
}

fn bond(ctx: &mut Context<'_>, validator: &mut Validator) -> Result<(), CodedError> {
    if validator.status == Status::Unbonding {
        VALIDATOR_QUEUE.remove(ctx, (&validator.unbonding_time, &validator.operator))?;
    }
    validator.status = Status::Bonded;
    (validator.unbonding_height, validator.unbonding_time) = (0, BlockTime::default());
    table::save(ctx, validator)?;
    let (consensus, operator) = (validator.consensus_address(), &validator.operator);
    each(ctx, |hooks, ctx| hooks.after_validator_bonded(ctx, &consensus, operator))
}

fn begin_unbonding(ctx: &mut Context<'_>, validator: &mut Validator) -> Result<(), CodedError> {
    let seconds = params::unbonding_seconds(&params::load(ctx)?);
    validator.status = Status::Unbonding;
    (validator.unbonding_height, validator.unbonding_time) = (ctx.height(), ctx.time().plus_seconds(seconds));
    table::save(ctx, validator)?;
    VALIDATOR_QUEUE.set(ctx, (&validator.unbonding_time, &validator.operator), &())?;
    let (consensus, operator) = (validator.consensus_address(), &validator.operator);
    each(ctx, |hooks, ctx| hooks.after_validator_begin_unbonding(ctx, &consensus, operator))
}

/// Ends the unbonding of validators whose time is over; those without stake disappear.
pub fn complete_matured(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time();
    for ((time, operator), ()) in VALIDATOR_QUEUE.scan().through(&now).take(ctx, MAX_COMPLETIONS_PER_BLOCK)? {
        VALIDATOR_QUEUE.remove(ctx, (&time, &operator))?;
        let mut validator = table::require(ctx, &operator)?;
        validator.status = Status::Unbonded;
        (validator.unbonding_height, validator.unbonding_time) = (0, BlockTime::default());
        table::save(ctx, &validator)?;
        if validator.shares.is_zero() {
            table::remove(ctx, &validator)?;
        }
    }
    Ok(())
}
