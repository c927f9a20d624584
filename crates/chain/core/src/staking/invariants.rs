//! What must hold after every block.

use std::collections::BTreeMap;

use ve_base::{Address, Amount, CodedError, Dec};
use ve_sdk::{Invariant, QueryContext};

use super::keys::*;
use super::{pools, table, validator};

pub fn all() -> Vec<Invariant> {
    vec![
        Invariant { name: "pools", check: |ctx| flat(pools_hold_all_stake(ctx)) },
        Invariant { name: "shares", check: |ctx| flat(shares_are_sums(ctx)) },
        Invariant { name: "order", check: |ctx| flat(order_is_exact(ctx)) },
        Invariant { name: "queues", check: |ctx| flat(everything_is_queued(ctx)) },
    ]
}

type Checked = Result<Result<(), String>, CodedError>;

fn flat(result: Checked) -> Result<(), String> {
    result.map_err(|error| error.log)?
}

fn pools_hold_all_stake(ctx: &QueryContext<'_>) -> Checked {
    let (mut bonded, mut other) = (Amount::ZERO, Amount::ZERO);
    let add = |sum: Amount, more| sum.checked_add(more).ok_or(ve_base::AmountError::Overflow);
    for entry in VALIDATORS.iter(ctx) {
        let (_, validator) = entry?;
        let sum = if validator.is_bonded() { &mut bonded } else { &mut other };
        *sum = add(*sum, validator.tokens)?;
    }
    for entry in UNBONDINGS.iter(ctx) {
        for entry in entry?.1.entries {
            other = add(other, entry.balance)?;
        }
    }
    for (pool, stake) in [(pools::BONDED, bonded), (pools::NOT_BONDED, other)] {
        let balance = pools::balance(ctx, pool)?;
        if balance != stake {
            return Ok(Err(format!("{pool} holds {balance}, its stake is {stake}")));
        }
    }
    Ok(pools::check_total(add(bonded, other)?).map_err(|error| error.to_string()))
}

fn shares_are_sums(ctx: &QueryContext<'_>) -> Checked {
    let mut sums: BTreeMap<Address, Dec> = BTreeMap::new();
    let mut delegations = 0usize;
    for entry in DELEGATIONS.iter(ctx) {
        let ((delegator, operator), shares) = entry?;
        if shares.is_zero() || shares.is_negative() {
            return Ok(Err(format!("{delegator} has {shares} shares")));
        }
        if !DELEGATORS.has(ctx, (&operator, &delegator))? {
            return Ok(Err(format!("the delegation of {delegator} is not indexed")));
        }
        delegations = delegations.saturating_add(1);
        let sum = sums.entry(operator).or_default();
        *sum = sum.checked_add(shares)?;
    }
    if DELEGATORS.iter(ctx).count() != delegations {
        return Ok(Err("the index of delegators names delegations that do not exist".into()));
    }
    for entry in VALIDATORS.iter(ctx) {
        let (operator, validator) = entry?;
        let sum = sums.remove(&operator).unwrap_or_default();
        if sum != validator.shares {
            return Ok(Err(format!("{operator} has {} shares, its delegations sum to {sum}", validator.shares)));
        }
    }
    Ok(sums.pop_first().map_or(Ok(()), |(operator, _)| Err(format!("delegations to {operator}, which does not exist"))))
}

fn order_is_exact(ctx: &QueryContext<'_>) -> Checked {
    let mut ranked = 0usize;
    for entry in VALIDATORS.iter(ctx) {
        let (operator, validator) = entry?;
        if let Some(rank) = table::rank(&validator)? {
            ranked = ranked.saturating_add(1);
            if !BY_POWER.has(ctx, (&rank, &operator))? {
                return Ok(Err(format!("{operator} is not at its rank {rank}")));
            }
        }
        if BY_CONSENSUS.get(ctx, &validator.consensus_address())?.as_ref() != Some(&operator) {
            return Ok(Err(format!("the consensus key of {operator} does not lead to it")));
        }
        let in_set = LAST_POWERS.has(ctx, &operator)?;
        if in_set != (validator.status == validator::Status::Bonded) {
            return Ok(Err(format!("{operator} is {:?}; its place in the set says otherwise", validator.status)));
        }
    }
    if BY_POWER.iter(ctx).count() != ranked {
        return Ok(Err("the order names validators that do not exist or are jailed".into()));
    }
    Ok(Ok(()))
}

fn everything_is_queued(ctx: &QueryContext<'_>) -> Checked {
    for entry in UNBONDINGS.iter(ctx) {
        let ((delegator, operator), unbonding) = entry?;
        for entry in unbonding.entries {
            if !UNBONDING_QUEUE.has(ctx, (&entry.completion, &delegator, &operator))? {
                return Ok(Err(format!("the unbonding of {delegator} would never complete")));
            }
        }
    }
    for entry in REDELEGATIONS.iter(ctx) {
        let ((delegator, source, destination), redelegation) = entry?;
        for entry in redelegation.entries {
            if !REDELEGATION_QUEUE.has(ctx, (&entry.completion, &delegator, &source, &destination))? {
                return Ok(Err(format!("the redelegation of {delegator} would never complete")));
            }
        }
    }
    for entry in VALIDATORS.iter(ctx) {
        let (operator, validator) = entry?;
        let unbonding = validator.status == validator::Status::Unbonding;
        if unbonding && !VALIDATOR_QUEUE.has(ctx, (&validator.unbonding_time, &operator))? {
            return Ok(Err(format!("the unbonding of validator {operator} would never complete")));
        }
    }
    Ok(Ok(()))
}
