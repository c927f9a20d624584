//! Delegations: how stake joins and leaves a validator.

use ve_base::{Address, Amount, CodedError, Dec, OPERATOR_PREFIX, Rounding};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::hooks::each;
use super::keys::{DELEGATIONS, DELEGATORS};
use super::params::MAX_VALIDATORS_PER_DELEGATOR;
use super::validator::{Status, Validator};
use super::{pools, table};

/// Where the tokens of a new delegation come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The delegator's balance.
    Balance,
    /// Stake already in the pool of validators with this status.
    Pool(Status),
}

pub fn no_delegation(delegator: &Address, operator: &Address) -> Error {
    Error::NoDelegation(delegator.to_string(), operator.to_bech32(OPERATOR_PREFIX))
}

/// Shares that `delegator` has with the validator.
pub fn shares<R: Read + ?Sized>(state: &R, delegator: &Address, operator: &Address) -> Result<Dec, CodedError> {
    Ok(DELEGATIONS.get(state, (delegator, operator))?.unwrap_or_default())
}

/// Operators and shares of all delegations of an account: at most [`MAX_VALIDATORS_PER_DELEGATOR`] or what genesis gave.
pub fn of<R: Read + ?Sized>(state: &R, delegator: &Address) -> Result<Vec<(Address, Dec)>, CodedError> {
    let entries = DELEGATIONS.prefix(state, delegator);
    entries.map(|entry| entry.map(|((_, operator), shares)| (operator, shares)).map_err(Into::into)).collect()
}

/// Every delegation as (delegator, operator, shares): for invariants and exports.
pub fn all<R: Read + ?Sized>(state: &R) -> Result<Vec<(Address, Address, Dec)>, CodedError> {
    let flat = |((delegator, operator), shares)| (delegator, operator, shares);
    DELEGATIONS.iter(state).map(|entry| entry.map(flat).map_err(Into::into)).collect()
}

/// Adds `amount` to the delegation and returns the shares issued. The validator is saved.
pub fn add(
    ctx: &mut Context<'_>,
    delegator: &Address,
    validator: &mut Validator,
    amount: Amount,
    source: Source,
) -> Result<Dec, CodedError> {
    let operator = validator.operator.clone();
    let owned = DELEGATIONS.get(ctx, (delegator, &operator))?;
    if owned.is_some() {
        each(ctx, |hooks, ctx| hooks.before_delegation_shares_modified(ctx, delegator, &operator))?;
    } else {
        let others = DELEGATIONS.prefix(ctx, delegator).take(MAX_VALIDATORS_PER_DELEGATOR).count();
        if others >= MAX_VALIDATORS_PER_DELEGATOR {
            return Err(Error::MaxValidators(MAX_VALIDATORS_PER_DELEGATOR).into());
        }
        each(ctx, |hooks, ctx| hooks.before_delegation_created(ctx, delegator, &operator))?;
        DELEGATORS.set(ctx, (&operator, delegator), &())?;
    }
    let issued = validator.add_tokens(amount)?;
    let pool = pools::of(validator.status);
    match source {
        Source::Balance => pools::pay_in(ctx, delegator, pool, amount)?,
        Source::Pool(status) => pools::transfer(ctx, pools::of(status), pool, amount)?,
    }
    table::save(ctx, validator)?;
    let total = owned.unwrap_or_default().checked_add(issued)?;
    DELEGATIONS.set(ctx, (delegator, &operator), &total)?;
    each(ctx, |hooks, ctx| hooks.after_delegation_modified(ctx, delegator, &operator))?;
    Ok(issued)
}

/// The shares that give exactly `amount`, at most all that the delegator has.
pub fn shares_to_remove<R: Read + ?Sized>(
    state: &R,
    delegator: &Address,
    operator: &Address,
    amount: Amount,
) -> Result<Dec, CodedError> {
    let validator = table::require(state, operator)?;
    let owned = DELEGATIONS.get(state, (delegator, operator))?.ok_or_else(|| no_delegation(delegator, operator))?;
    if validator.shares_for(amount, Rounding::Truncate)? > owned {
        let wanted = validator.shares_for(amount, Rounding::Truncate)?;
        return Err(Error::NotEnoughShares(owned.to_string(), wanted.to_string()).into());
    }
    Ok(validator.shares_for(amount, Rounding::Ceil)?.min(owned))
}

/// Takes `shares` out of the delegation. Returns their tokens, which stay in the pool of the returned status: that of
/// the validator at this moment. A validator whose self-bond falls below its minimum is jailed and leaves the set at
/// the end of the block.
pub fn remove(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
    shares: Dec,
) -> Result<(Amount, Status), CodedError> {
    let mut validator = table::require(ctx, operator)?;
    let owned = DELEGATIONS.get(ctx, (delegator, operator))?.ok_or_else(|| no_delegation(delegator, operator))?;
    let left = owned.checked_sub(shares)?;
    if left.is_negative() {
        return Err(Error::NotEnoughShares(owned.to_string(), shares.to_string()).into());
    }
    each(ctx, |hooks, ctx| hooks.before_delegation_shares_modified(ctx, delegator, operator))?;
    let is_self = delegator == operator;
    if is_self && !validator.jailed && validator.tokens_of(left)? < table::required_self_bond(&validator) {
        validator.jailed = true;
    }
    if left.is_zero() {
        each(ctx, |hooks, ctx| hooks.before_delegation_removed(ctx, delegator, operator))?;
        DELEGATIONS.remove(ctx, (delegator, operator))?;
        DELEGATORS.remove(ctx, (operator, delegator))?;
    } else {
        DELEGATIONS.set(ctx, (delegator, operator), &left)?;
        each(ctx, |hooks, ctx| hooks.after_delegation_modified(ctx, delegator, operator))?;
    }
    let amount = validator.remove_shares(shares)?;
    if validator.shares.is_zero() && validator.status == Status::Unbonded {
        table::remove(ctx, &validator)?;
    } else {
        table::save(ctx, &validator)?;
    }
    Ok((amount, validator.status))
}
