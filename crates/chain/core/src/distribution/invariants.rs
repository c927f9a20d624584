//! What must hold after every block.

use std::collections::BTreeMap;

use ve_base::{Address, CodedError};
use ve_sdk::{Invariant, QueryContext};

use super::dec_coins::DecCoins;
use super::keys::{HISTORICAL, REWARDS, SLASHES, STARTS};
use super::{earnings, payout, pool};
use crate::{bank, staking};

pub fn all() -> Vec<Invariant> {
    vec![
        Invariant { name: "balance", check: balance_is_owed },
        Invariant { name: "claims", check: |ctx| flat(claims_are_covered(ctx)) },
        Invariant { name: "references", check: |ctx| flat(ratios_are_referenced(ctx)) },
        Invariant { name: "delegations", check: |ctx| flat(every_delegation_earns(ctx)) },
    ]
}

type Checked = Result<Result<(), String>, CodedError>;

fn flat(result: Checked) -> Result<(), String> {
    result.map_err(|error| error.log)?
}

/// The module holds exactly what it owes to validators, delegators and the community.
pub fn balance_is_owed(ctx: &QueryContext<'_>) -> Result<(), String> {
    flat((|| {
        let mut owed = pool::balance(ctx)?;
        for (_, account) in earnings::all(ctx)? {
            owed = owed.checked_add(&account.outstanding)?;
        }
        let held = DecCoins::from_coins(&bank::balances(ctx, &ve_base::module_address(super::DISTRIBUTION))?)?;
        Ok(if held == owed { Ok(()) } else { Err(format!("the module holds {held} and owes {owed}")) })
    })())
}

/// If everybody withdrew now, each validator's rewards would suffice.
fn claims_are_covered(ctx: &QueryContext<'_>) -> Checked {
    let mut claims: BTreeMap<Address, DecCoins> = BTreeMap::new();
    for (operator, account) in earnings::all(ctx)? {
        claims.insert(operator, account.commission);
    }
    for entry in STARTS.iter(ctx) {
        let ((operator, delegator), _) = entry?;
        let pending = payout::pending(ctx, &staking::require(ctx, &operator)?, &delegator)?;
        let claim = claims.entry(operator).or_default();
        *claim = claim.checked_add(&pending)?;
    }
    for (operator, claim) in claims {
        let outstanding = earnings::require(ctx, &operator)?.outstanding;
        if outstanding.checked_sub(&claim).is_err() {
            return Ok(Err(format!("{operator} owes {claim} of {outstanding}")));
        }
    }
    Ok(Ok(()))
}

fn ratios_are_referenced(ctx: &QueryContext<'_>) -> Checked {
    let mut counts: BTreeMap<(Address, u64), u32> = BTreeMap::new();
    let mut refer = |operator, period| {
        let count = counts.entry((operator, period)).or_default();
        *count = count.saturating_add(1);
    };
    for (operator, account) in earnings::all(ctx)? {
        refer(operator, account.period.saturating_sub(1));
    }
    for entry in STARTS.iter(ctx) {
        let ((operator, _), start) = entry?;
        refer(operator, start.previous_period);
    }
    for key in SLASHES.scan().keys(ctx) {
        let (operator, period) = key?;
        refer(operator, period);
    }
    for entry in HISTORICAL.iter(ctx) {
        let ((operator, period), historical) = entry?;
        let expected = counts.remove(&(operator.clone(), period)).unwrap_or_default();
        if historical.reference_count != expected || expected == 0 {
            let kept = historical.reference_count;
            return Ok(Err(format!("period {period} of {operator} counts {kept} references, there are {expected}")));
        }
    }
    let missing = counts.pop_first();
    Ok(missing.map_or(Ok(()), |((operator, period), _)| Err(format!("period {period} of {operator} is not kept"))))
}

fn every_delegation_earns(ctx: &QueryContext<'_>) -> Checked {
    let mut delegations = 0usize;
    for (delegator, operator, _) in staking::delegations(ctx)? {
        if !STARTS.has(ctx, (&operator, &delegator))? {
            return Ok(Err(format!("the delegation of {delegator} to {operator} does not earn")));
        }
        delegations = delegations.saturating_add(1);
    }
    if STARTS.iter(ctx).count() != delegations {
        return Ok(Err("a delegation that does not exist earns".into()));
    }
    for key in REWARDS.scan().keys(ctx) {
        let operator = key?;
        if staking::find(ctx, &operator)?.is_none() {
            return Ok(Err(format!("{operator} earns and does not exist")));
        }
    }
    Ok(Ok(()))
}
