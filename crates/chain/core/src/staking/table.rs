//! The table of validators with its rank index.

use ve_base::{Address, Amount, CodedError, OPERATOR_PREFIX};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::hooks::each;
use super::keys::{BY_CONSENSUS, BY_POWER, VALIDATORS};
use super::params::MIN_SELF_BOND;
use super::validator::Validator;

pub fn find<R: Read + ?Sized>(state: &R, operator: &Address) -> Result<Option<Validator>, CodedError> {
    Ok(VALIDATORS.get(state, operator)?)
}

pub fn require<R: Read + ?Sized>(state: &R, operator: &Address) -> Result<Validator, CodedError> {
    Ok(find(state, operator)?.ok_or_else(|| Error::NoValidator(operator.to_bech32(OPERATOR_PREFIX)))?)
}

/// The validator whose consensus key has this address.
pub fn by_consensus<R: Read + ?Sized>(state: &R, consensus: &Address) -> Result<Option<Validator>, CodedError> {
    match BY_CONSENSUS.get(state, consensus)? {
        Some(operator) => find(state, &operator),
        None => Ok(None),
    }
}

/// Place in the order of validators: smaller is stronger. `None` when it cannot be in the set.
pub fn rank(validator: &Validator) -> Result<Option<u64>, CodedError> {
    if validator.jailed {
        return Ok(None);
    }
    Ok(Some(u64::MAX.saturating_sub(validator.power()?)))
}

/// Writes a new validator with all its index entries.
pub fn insert(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), CodedError> {
    let consensus = validator.consensus_address();
    if VALIDATORS.has(ctx, &validator.operator)? {
        return Err(Error::OwnerExists(validator.operator_text()).into());
    }
    if BY_CONSENSUS.has(ctx, &consensus)? {
        return Err(Error::PubKeyExists.into());
    }
    BY_CONSENSUS.set(ctx, &consensus, &validator.operator)?;
    save(ctx, validator)
}

/// Writes the validator and moves it in the order.
pub fn save(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), CodedError> {
    let old = find(ctx, &validator.operator)?;
    let before = old.as_ref().map(rank).transpose()?.flatten();
    let after = rank(validator)?;
    let operator = &validator.operator;
    if before != after {
        if let Some(rank) = before {
            BY_POWER.remove(ctx, (&rank, operator))?;
        }
        if let Some(rank) = after {
            BY_POWER.set(ctx, (&rank, operator), &())?;
        }
    } else if let (None, Some(rank)) = (&old, after) {
        BY_POWER.set(ctx, (&rank, operator), &())?;
    }
    Ok(VALIDATORS.set(ctx, operator, validator)?)
}

/// Removes a validator that is unbonded and whose last share is gone.
pub fn remove(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), CodedError> {
    let (operator, consensus) = (&validator.operator, validator.consensus_address());
    if let Some(old) = find(ctx, operator)?
        && let Some(rank) = rank(&old)?
    {
        BY_POWER.remove(ctx, (&rank, operator))?;
    }
    VALIDATORS.remove(ctx, operator)?;
    BY_CONSENSUS.remove(ctx, &consensus)?;
    each(ctx, |hooks, ctx| hooks.after_validator_removed(ctx, &consensus, operator))
}

/// The self-bond below which a validator is jailed.
pub fn required_self_bond(validator: &Validator) -> Amount {
    validator.min_self_delegation.max(MIN_SELF_BOND)
}
