//! Proofs that nothing appears or vanishes.

use std::collections::BTreeMap;

use ve_base::{Amount, value::Value};
use ve_sdk::QueryContext;
use ve_store::{ChangeSet, Key, Read};

use super::keys::{BALANCES, SUPPLY};

/// What changed for one denomination. Sums stay below 2^256 because supply does; a sum that overflows is a violation.
#[derive(Default)]
struct Change {
    balances_before: Amount,
    balances_after: Amount,
    supply_before: Amount,
    supply_after: Amount,
}

/// Supply moved by exactly as much as balances did, per denomination. Costs one read per changed balance.
pub fn check_conservation<R: Read + ?Sized>(before: &R, changes: &ChangeSet) -> Result<(), String> {
    let (balances, supplies) = (BALANCES.space().prefix(), SUPPLY.space().prefix());
    let mut denoms: BTreeMap<String, Change> = BTreeMap::new();
    for (key, after) in changes {
        let (denom, is_balance) = if let Some(rest) = key.strip_prefix(balances.as_slice()) {
            let (_, denom) = <(ve_base::Address, String)>::from_key(rest).map_err(|error| error.0.to_owned())?;
            (denom, true)
        } else if let Some(rest) = key.strip_prefix(supplies.as_slice()) {
            (String::from_key(rest).map_err(|error| error.0.to_owned())?, false)
        } else {
            continue;
        };
        let old = amount(before.get(key).map_err(|error| error.to_string())?.as_deref())?;
        let new = amount(after.as_deref())?;
        let change = denoms.entry(denom).or_default();
        let (sum_old, sum_new) = if is_balance {
            (&mut change.balances_before, &mut change.balances_after)
        } else {
            (&mut change.supply_before, &mut change.supply_after)
        };
        *sum_old = sum_old.checked_add(old).ok_or("balances before the block overflow")?;
        *sum_new = sum_new.checked_add(new).ok_or("balances after the block overflow")?;
    }
    for (denom, change) in denoms {
        let left = change.balances_after.checked_add(change.supply_before);
        let right = change.balances_before.checked_add(change.supply_after);
        if left.is_none() || left != right {
            return Err(format!(
                "{denom}: balances went from {} to {} while supply went from {} to {}",
                change.balances_before, change.balances_after, change.supply_before, change.supply_after
            ));
        }
    }
    Ok(())
}

fn amount(bytes: Option<&[u8]>) -> Result<Amount, String> {
    bytes.map_or(Ok(Amount::default()), |bytes| Amount::from_state(bytes).map_err(|error| error.0.to_owned()))
}

/// The whole state: supply equals the sum of balances.
pub fn check_supply(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut sums: BTreeMap<String, Amount> = BTreeMap::new();
    for entry in BALANCES.iter(ctx) {
        let ((owner, denom), amount) = entry.map_err(|error| error.to_string())?;
        if amount.is_zero() {
            return Err(format!("{owner} holds a stored balance of 0{denom}"));
        }
        let sum = sums.entry(denom).or_default();
        *sum = sum.checked_add(amount).ok_or("balances overflow")?;
    }
    for entry in SUPPLY.iter(ctx) {
        let (denom, supply) = entry.map_err(|error| error.to_string())?;
        let sum = sums.remove(&denom).unwrap_or_default();
        if sum != supply {
            return Err(format!("supply of {denom} is {supply}, balances sum to {sum}"));
        }
    }
    match sums.pop_first() {
        None => Ok(()),
        Some((denom, sum)) => Err(format!("balances of {denom} sum to {sum} without any supply")),
    }
}
