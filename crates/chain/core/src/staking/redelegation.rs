//! Stake that moves between validators at once, and answers for the first one until the unbonding time is over.

use ve_base::{Address, Amount, BlockTime, CodedError, Coins, OPERATOR_PREFIX};
use ve_sdk::{Context, Event};

use super::delegation::{self, Source};
use super::entries::{Redelegation, RedelegationEntry};
use super::error::Error;
use super::hooks::admit_delegation;
use super::keys::{REDELEGATION_QUEUE, REDELEGATIONS, REDELEGATIONS_OF_SOURCE, REDELEGATIONS_TO};
use super::unbonding::{MAX_COMPLETIONS_PER_BLOCK, next_id};
use super::validator::Status;
use super::{params, table};

/// Moves `amount`. Returns when the stake stops answering for the source: now, if the source is unbonded.
pub fn begin(
    ctx: &mut Context<'_>,
    delegator: &Address,
    source: &Address,
    destination: &Address,
    amount: Amount,
) -> Result<(BlockTime, Amount), CodedError> {
    if source == destination {
        return Err(Error::SelfRedelegation.into());
    }
    let target = table::find(ctx, destination)?;
    let target = target.ok_or_else(|| Error::BadDestination(destination.to_bech32(OPERATOR_PREFIX)))?;
    admit_delegation(ctx, &target)?;
    let shares = delegation::shares_to_remove(ctx, delegator, source, amount)?;
    if REDELEGATIONS_TO.prefix(ctx, (delegator, source)).next().transpose()?.is_some() {
        return Err(Error::TransitiveRedelegation.into());
    }
    let params = params::load(ctx)?;
    let mut redelegation = REDELEGATIONS.get(ctx, (delegator, source, destination))?.unwrap_or_else(|| Redelegation {
        delegator: delegator.clone(),
        source: source.clone(),
        destination: destination.clone(),
        entries: Vec::new(),
    });
    if redelegation.entries.len() >= params.max_entries as usize {
        return Err(Error::MaxRedelegations(params.max_entries).into());
    }
    let origin = table::require(ctx, source)?;
    let (amount, status) = delegation::remove(ctx, delegator, source, shares)?;
    if amount.is_zero() {
        return Err(Error::TinyRedelegation.into());
    }
    let mut target = table::require(ctx, destination)?;
    let issued = delegation::add(ctx, delegator, &mut target, amount, Source::Pool(status))?;
    // Stake cannot have been at risk longer than its validator: an unbonding source sets its own end.
    let (completion, height) = match status {
        Status::Unbonded => return Ok((ctx.time(), amount)),
        Status::Unbonding => (origin.unbonding_time, origin.unbonding_height),
        Status::Bonded => (ctx.time().plus_seconds(params::unbonding_seconds(&params)), ctx.height()),
    };
    let id = next_id(ctx)?;
    redelegation.entries.push(RedelegationEntry { height, completion, initial: amount, shares: issued, id });
    write(ctx, &redelegation)?;
    REDELEGATION_QUEUE.set(ctx, (&completion, delegator, source, destination), &())?;
    Ok((completion, amount))
}

fn write(ctx: &mut Context<'_>, redelegation: &Redelegation) -> Result<(), CodedError> {
    let Redelegation { delegator, source, destination, entries } = redelegation;
    if entries.is_empty() {
        REDELEGATIONS.remove(ctx, (delegator, source, destination))?;
        REDELEGATIONS_OF_SOURCE.remove(ctx, (source, delegator, destination))?;
        REDELEGATIONS_TO.remove(ctx, (delegator, destination, source))?;
    } else {
        REDELEGATIONS.set(ctx, (delegator, source, destination), redelegation)?;
        REDELEGATIONS_OF_SOURCE.set(ctx, (source, delegator, destination), &())?;
        REDELEGATIONS_TO.set(ctx, (delegator, destination, source), &())?;
    }
    Ok(())
}

/// Genesis: a redelegation with its places in the queue.
pub fn restore(ctx: &mut Context<'_>, redelegation: &Redelegation) -> Result<(), CodedError> {
    let Redelegation { delegator, source, destination, entries } = redelegation;
    write(ctx, redelegation)?;
    for entry in entries {
        REDELEGATION_QUEUE.set(ctx, (&entry.completion, delegator, source, destination), &())?;
    }
    Ok(())
}

/// Forgets redelegations whose time is over.
pub fn complete_matured(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time();
    let due = REDELEGATION_QUEUE.scan().through(&now).take(ctx, MAX_COMPLETIONS_PER_BLOCK)?;
    for ((time, delegator, source, destination), ()) in due {
        REDELEGATION_QUEUE.remove(ctx, (&time, &delegator, &source, &destination))?;
        let Some(mut redelegation) = REDELEGATIONS.get(ctx, (&delegator, &source, &destination))? else { continue };
        let (matured, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut redelegation.entries).into_iter().partition(|entry| entry.completion <= now);
        redelegation.entries = waiting;
        write(ctx, &redelegation)?;
        if matured.is_empty() {
            continue;
        }
        let moved = matured
            .iter()
            .try_fold(Amount::ZERO, |sum, entry| sum.checked_add(entry.initial))
            .ok_or(ve_base::AmountError::Overflow)?;
        ctx.emit(
            Event::new("complete_redelegation")
                .with("amount", Coins::native(moved))
                .with("delegator", &delegator)
                .with("source_validator", source.to_bech32(OPERATOR_PREFIX))
                .with("destination_validator", destination.to_bech32(OPERATOR_PREFIX)),
        );
    }
    Ok(())
}
