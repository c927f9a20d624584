//! Begin block: what the last block collected becomes earnings of the bonded validators.

use std::collections::BTreeMap;

use ve_base::{Address, Amount, CONSENSUS_PREFIX, CodedError, Coin, Coins, Dec, OPERATOR_PREFIX, Rounding};
use ve_sdk::{Context, Event};

use super::dec_coins::DecCoins;
use super::{earnings, params, pool};
use crate::auth::admission::FEE_COLLECTOR;
use crate::{bank, performance, staking};

/// Who shares, at which commission, by how much.
struct Member {
    operator: Address,
    commission: Dec,
    weight: Amount,
}

/// Each with its power times the multiplier that its performance earned: multipliers redistribute, they never inflate.
fn members(ctx: &Context<'_>) -> Result<Vec<Member>, CodedError> {
    let multipliers: BTreeMap<_, _> = performance::multipliers(ctx)?.into_iter().collect();
    let mut members = Vec::new();
    for (validator, power) in staking::bonded(ctx)? {
        let consensus = validator.consensus_address().to_bech32(CONSENSUS_PREFIX);
        let multiplier = multipliers.get(&consensus).copied().unwrap_or(performance::NEUTRAL);
        let weight = Amount::from(power).checked_mul(multiplier.into()).ok_or(ve_base::AmountError::Overflow)?;
        members.push(Member { operator: validator.operator, commission: validator.rates.rate, weight });
    }
    Ok(members)
}

/// Distributes the fee collector's balance. Without bonded validators it stays there.
pub fn allocate(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let collected = bank::balances(ctx, &ve_base::module_address(FEE_COLLECTOR))?;
    if collected.is_empty() {
        return Ok(());
    }
    let members = members(ctx)?;
    let total = members
        .iter()
        .try_fold(Amount::ZERO, |sum, member| sum.checked_add(member.weight))
        .ok_or(ve_base::AmountError::Overflow)?;
    if total.is_zero() {
        return Ok(());
    }
    bank::send_between_modules(ctx, FEE_COLLECTOR, super::DISTRIBUTION, &collected)?;
    let tax = params::community_tax(ctx)?;
    let taxed = each(&collected, |amount| {
        Ok(Dec::from_amount(amount)?.mul(tax, Rounding::Truncate)?.to_amount(Rounding::Truncate)?)
    })?;
    let shared = DecCoins::from_coins(&collected)?.checked_sub(&DecCoins::from_coins(&taxed)?)?;
    let (shared, _) = shared.split()?;
    let mut left = DecCoins::from_coins(&collected)?;
    for member in &members {
        let part = |amount: Amount| Ok(amount.mul_div(member.weight, total).ok_or(ve_base::AmountError::Overflow)?);
        let share = DecCoins::from_coins(&each(&shared, part)?)?;
        left = left.checked_sub(&share)?;
        reward(ctx, member, &share)?;
    }
    pool::add(ctx, &left)
}

fn each(coins: &Coins, part: impl Fn(Amount) -> Result<Amount, CodedError>) -> Result<Coins, CodedError> {
    let mut parts = Vec::new();
    for coin in coins.iter() {
        let amount = part(coin.amount)?;
        if !amount.is_zero() {
            parts.push(Coin::new(coin.denom.clone(), amount));
        }
    }
    Coins::new(parts)
}

/// The operator takes its commission, the rest belongs to all who delegated to it.
fn reward(ctx: &mut Context<'_>, member: &Member, share: &DecCoins) -> Result<(), CodedError> {
    if share.is_empty() {
        return Ok(());
    }
    let commission = share.mul_truncate(member.commission)?;
    let mut account = earnings::require(ctx, &member.operator)?;
    account.outstanding = account.outstanding.checked_add(share)?;
    account.commission = account.commission.checked_add(&commission)?;
    account.current = account.current.checked_add(&share.checked_sub(&commission)?)?;
    earnings::save(ctx, &member.operator, &account)?;
    let validator = member.operator.to_bech32(OPERATOR_PREFIX);
    ctx.emit(Event::new("commission").with("amount", &commission).with("validator", &validator));
    ctx.emit(Event::new("rewards").with("amount", share).with("validator", validator));
    Ok(())
}
