//! Stake that leaves: waits for the unbonding time in the not-bonded pool, then returns to its owner.

use ve_base::{Address, Amount, BlockTime, CodedError, OPERATOR_PREFIX};
use ve_sdk::{Context, Event};

use super::delegation::{self, Source};
use super::entries::{Unbonding, UnbondingEntry};
use super::error::Error;
use super::keys::{NEXT_ENTRY_ID, UNBONDING_QUEUE, UNBONDINGS, UNBONDINGS_OF_VALIDATOR};
use super::validator::Status;
use super::{params, pools, table};

/// Queue places worked off in one block; the rest waits for the next block.
pub const MAX_COMPLETIONS_PER_BLOCK: usize = 1_000;

pub fn next_id(ctx: &mut Context<'_>) -> Result<u64, CodedError> {
    let id = NEXT_ENTRY_ID.get(ctx)?.unwrap_or(1);
    NEXT_ENTRY_ID.set(ctx, &id.saturating_add(1))?;
    Ok(id)
}

fn not_found(delegator: &Address, operator: &Address) -> Error {
    Error::NoUnbonding(delegator.to_string(), operator.to_bech32(OPERATOR_PREFIX))
}

/// Takes `amount` out of a delegation. Returns when it arrives and how much it is.
pub fn begin(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
    amount: Amount,
) -> Result<(BlockTime, Amount), CodedError> {
    let params = params::load(ctx)?;
    let shares = delegation::shares_to_remove(ctx, delegator, operator, amount)?;
    let mut unbonding = UNBONDINGS.get(ctx, (delegator, operator))?.unwrap_or_else(|| Unbonding {
        delegator: delegator.clone(),
        validator: operator.clone(),
        entries: Vec::new(),
    });
    if unbonding.entries.len() >= params.max_entries as usize {
        return Err(Error::MaxUnbondings(params.max_entries).into());
    }
    let (amount, status) = delegation::remove(ctx, delegator, operator, shares)?;
    pools::transfer(ctx, pools::of(status), pools::NOT_BONDED, amount)?;
    let completion = ctx.time().plus_seconds(params::unbonding_seconds(&params));
    let height = ctx.height();
    let same = |entry: &&mut UnbondingEntry| entry.height == height && entry.completion == completion;
    if let Some(entry) = unbonding.entries.iter_mut().find(same) {
        let add = |sum: Amount| sum.checked_add(amount).ok_or(ve_base::AmountError::Overflow);
        (entry.initial, entry.balance) = (add(entry.initial)?, add(entry.balance)?);
    } else {
        let id = next_id(ctx)?;
        unbonding.entries.push(UnbondingEntry { height, completion, initial: amount, balance: amount, id });
    }
    write(ctx, &unbonding)?;
    UNBONDING_QUEUE.set(ctx, (&completion, delegator, operator), &())?;
    Ok((completion, amount))
}

/// Writes the entries that are left, or removes the object with the last of them.
fn write(ctx: &mut Context<'_>, unbonding: &Unbonding) -> Result<(), CodedError> {
    let (delegator, operator) = (&unbonding.delegator, &unbonding.validator);
    if unbonding.entries.is_empty() {
        UNBONDINGS.remove(ctx, (delegator, operator))?;
        UNBONDINGS_OF_VALIDATOR.remove(ctx, (operator, delegator))?;
    } else {
        UNBONDINGS.set(ctx, (delegator, operator), unbonding)?;
        UNBONDINGS_OF_VALIDATOR.set(ctx, (operator, delegator), &())?;
    }
    Ok(())
}

/// Genesis: an unbonding delegation with its places in the queue.
pub fn restore(ctx: &mut Context<'_>, unbonding: &Unbonding) -> Result<(), CodedError> {
    write(ctx, unbonding)?;
    for entry in &unbonding.entries {
        UNBONDING_QUEUE.set(ctx, (&entry.completion, &unbonding.delegator, &unbonding.validator), &())?;
    }
    Ok(())
}

/// Delegates `amount` of what unbonds since `height` back to the same validator.
pub fn cancel(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
    amount: Amount,
    height: u64,
) -> Result<(), CodedError> {
    let mut validator = table::require(ctx, operator)?;
    if validator.jailed {
        return Err(Error::Jailed(validator.operator_text()).into());
    }
    let mut unbonding = UNBONDINGS.get(ctx, (delegator, operator))?.ok_or_else(|| not_found(delegator, operator))?;
    let now = ctx.time();
    let open = |entry: &UnbondingEntry| entry.height == height && entry.completion > now && entry.balance >= amount;
    let index = unbonding.entries.iter().position(open).ok_or_else(|| not_found(delegator, operator))?;
    let entry = unbonding.entries.get_mut(index).ok_or_else(|| not_found(delegator, operator))?;
    entry.balance = entry.balance.saturating_sub(amount);
    entry.initial = entry.initial.saturating_sub(amount);
    if entry.balance.is_zero() {
        unbonding.entries.remove(index);
    }
    delegation::add(ctx, delegator, &mut validator, amount, Source::Pool(Status::Unbonding))?;
    write(ctx, &unbonding)
}

/// Pays out what has waited long enough.
pub fn complete_matured(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time();
    let due = UNBONDING_QUEUE.scan().through(&now).take(ctx, MAX_COMPLETIONS_PER_BLOCK)?;
    for ((time, delegator, operator), ()) in due {
        UNBONDING_QUEUE.remove(ctx, (&time, &delegator, &operator))?;
        complete(ctx, &delegator, &operator, now)?;
    }
    Ok(())
}

fn complete(ctx: &mut Context<'_>, delegator: &Address, operator: &Address, now: BlockTime) -> Result<(), CodedError> {
    // Two entries that complete at one moment share a place, and all may have been cancelled since.
    let Some(mut unbonding) = UNBONDINGS.get(ctx, (delegator, operator))? else { return Ok(()) };
    let (matured, waiting): (Vec<_>, Vec<_>) =
        std::mem::take(&mut unbonding.entries).into_iter().partition(|entry| entry.completion <= now);
    unbonding.entries = waiting;
    let paid = matured
        .iter()
        .try_fold(Amount::ZERO, |sum, entry| sum.checked_add(entry.balance))
        .ok_or(ve_base::AmountError::Overflow)?;
    write(ctx, &unbonding)?;
    if matured.is_empty() {
        return Ok(());
    }
    pools::pay_out(ctx, delegator, paid)?;
    ctx.emit(
        Event::new("complete_unbonding")
            .with("amount", ve_base::Coins::native(paid))
            .with("validator", operator.to_bech32(OPERATOR_PREFIX))
            .with("delegator", delegator),
    );
    Ok(())
}
