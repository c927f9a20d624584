//! Rewards of one delegation, and the ways out: to the delegator, to the operator.

use ve_base::{Address, CodedError, Coins, Dec, OPERATOR_PREFIX, Rounding};
use ve_proto::cosmos::distribution::v1beta1::DelegatorStartingInfo;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::dec_coins::DecCoins;
use super::error::Error;
use super::keys::{SLASHES, STARTS, WITHDRAW};
use super::{earnings, pool};
use crate::bank;
use crate::staking::{self, Validator};

/// The account that receives what `delegator` earns.
pub fn withdraw_address<R: Read + ?Sized>(state: &R, delegator: &Address) -> Result<Address, CodedError> {
    Ok(WITHDRAW.get(state, delegator)?.unwrap_or_else(|| delegator.clone()))
}

/// Sends earned coins to where `owner` wants them.
pub fn pay(ctx: &mut Context<'_>, owner: &Address, coins: &Coins) -> Result<(), CodedError> {
    if coins.is_empty() {
        return Ok(());
    }
    let to = withdraw_address(ctx, owner)?;
    bank::send_from_module(ctx, super::DISTRIBUTION, &to, coins)
}

/// The delegation's stake earns from the end of the last period on.
pub fn begin(ctx: &mut Context<'_>, operator: &Address, delegator: &Address) -> Result<(), CodedError> {
    let validator = staking::require(ctx, operator)?;
    let stake = validator.worth(staking::shares(ctx, delegator, operator)?)?;
    let previous_period = earnings::require(ctx, operator)?.period.saturating_sub(1);
    earnings::retain(ctx, operator, previous_period)?;
    let start = DelegatorStartingInfo { previous_period, stake: stake.to_mantissa(), height: ctx.height() };
    Ok(STARTS.set(ctx, (operator, delegator), &start)?)
}

/// Earned since the delegation last changed, with fractions.
pub fn pending<R: Read + ?Sized>(
    state: &R,
    validator: &Validator,
    delegator: &Address,
) -> Result<DecCoins, CodedError> {
    let operator = &validator.operator;
    let start = STARTS.get(state, (operator, delegator))?.ok_or_else(|| absent(operator, delegator))?;
    earned(state, validator, delegator, &start, &earnings::ratio_now(state, validator)?)
}

fn absent(operator: &Address, delegator: &Address) -> Error {
    Error::NoDelegation(delegator.to_string(), operator.to_bech32(OPERATOR_PREFIX))
}

/// Σ over the segments between slashes of (ratio at the end − ratio at the start) × stake.
fn earned<R: Read + ?Sized>(
    state: &R,
    validator: &Validator,
    delegator: &Address,
    start: &DelegatorStartingInfo,
    end: &DecCoins,
) -> Result<DecCoins, CodedError> {
    let operator = &validator.operator;
    let mut stake = Dec::from_mantissa(&start.stake)?;
    let mut since = earnings::ratio(state, operator, start.previous_period)?;
    let mut sum = DecCoins::default();
    for entry in SLASHES.scan().prefix(operator).after((operator, &start.previous_period)).entries(state) {
        let ((_, period), slash) = entry?;
        let until = earnings::ratio(state, operator, period)?;
        sum = sum.checked_add(&until.checked_sub(&since)?.mul_truncate(stake)?)?;
        let kept = Dec::one().checked_sub(Dec::from_mantissa(&slash.fraction)?)?;
        (stake, since) = (stake.mul(kept, Rounding::Truncate)?, until);
    }
    // Each slash rounds on its own, so the product of the fractions can exceed what is really left by a little.
    let left = validator.worth(staking::shares(state, delegator, operator)?)?;
    Ok(sum.checked_add(&end.checked_sub(&since)?.mul_truncate(stake.min(left))?)?)
}

/// Ends the delegation's present stake: pays what it earned; fractions go to the community. Whoever calls it either
/// removes the delegation or begins it again.
pub fn settle(ctx: &mut Context<'_>, operator: &Address, delegator: &Address) -> Result<Coins, CodedError> {
    let start = STARTS.get(ctx, (operator, delegator))?.ok_or_else(|| absent(operator, delegator))?;
    let validator = staking::require(ctx, operator)?;
    let ended = earnings::end_period(ctx, operator)?;
    let end = earnings::ratio(ctx, operator, ended)?;
    let mut account = earnings::require(ctx, operator)?;
    let due = earned(ctx, &validator, delegator, &start, &end)?.least(&account.outstanding);
    let (coins, rest) = due.split()?;
    account.outstanding = account.outstanding.checked_sub(&due)?;
    earnings::save(ctx, operator, &account)?;
    pool::add(ctx, &rest)?;
    earnings::release(ctx, operator, start.previous_period)?;
    STARTS.remove(ctx, (operator, delegator))?;
    pay(ctx, delegator, &coins)?;
    ctx.emit(
        Event::new("withdraw_rewards")
            .with("amount", &coins)
            .with("validator", operator.to_bech32(OPERATOR_PREFIX))
            .with("delegator", delegator),
    );
    Ok(coins)
}

/// Pays the operator the whole coins of its commission.
pub fn commission(ctx: &mut Context<'_>, operator: &Address) -> Result<Coins, CodedError> {
    let mut account = earnings::require(ctx, operator)?;
    let (coins, rest) = account.commission.split()?;
    if coins.is_empty() {
        return Err(Error::NoCommission(operator.to_bech32(OPERATOR_PREFIX)).into());
    }
    account.outstanding = account.outstanding.checked_sub(&DecCoins::from_coins(&coins)?)?;
    account.commission = rest;
    earnings::save(ctx, operator, &account)?;
    pay(ctx, operator, &coins)?;
    ctx.emit(Event::new("withdraw_commission").with("amount", &coins));
    Ok(coins)
}
