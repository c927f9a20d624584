//! Taking stake away for an infraction: from what was at risk at that height, wherever it went since (finance spec
//! section 2.4).

use ve_base::{Address, Amount, CodedError, Coins, Dec, Rounding};
use ve_sdk::Context;

use super::entries::{Redelegation, RedelegationEntry};
use super::hooks::each;
use super::keys::{DELEGATIONS, REDELEGATIONS, REDELEGATIONS_OF_SOURCE, UNBONDINGS, UNBONDINGS_OF_VALIDATOR};
use super::validator::{POWER_REDUCTION, Status, Validator};
use super::{delegation, pools, table};
use crate::bank;

/// Blocks between the one that changes stake and the first whose set counts it, less one: stake that left in the block
/// before the infraction still stood behind it.
const UPDATE_DELAY: u64 = 1;

/// Part of a validator's power that an infraction costs.
#[derive(Clone, Copy, Debug)]
pub struct Slash {
    /// Of the infraction.
    pub height: u64,
    /// The validator's power at that height.
    pub power: u64,
    /// From 0 to 1.
    pub fraction: Dec,
}

impl Slash {
    /// ⌊fraction × amount⌋.
    fn of(&self, amount: Amount) -> Result<Amount, CodedError> {
        Ok(self.fraction.mul_int(amount)?.to_amount(Rounding::Truncate)?)
    }

    /// Stake that left at this height or later was behind the infraction.
    fn since(&self) -> u64 {
        self.height.saturating_sub(UPDATE_DELAY)
    }
}

/// Burns ⌊fraction × power × 10^6⌋: the part of each unbonding and redelegation since the infraction first, the rest
/// from the validator's tokens. Returns what was burned in all. Stake of an unbonded validator is at risk no more.
pub fn slash(ctx: &mut Context<'_>, operator: &Address, slash: &Slash) -> Result<Amount, CodedError> {
    if table::require(ctx, operator)?.status == Status::Unbonded {
        return Ok(Amount::ZERO);
    }
    let at_risk = Amount::from(slash.power).checked_mul(Amount::from(POWER_REDUCTION));
    let mut open = slash.of(at_risk.ok_or(ve_base::AmountError::Overflow)?)?;
    let mut burned = Burned::default();
    open = open.saturating_sub(unbondings(ctx, operator, slash, &mut burned)?);
    open = open.saturating_sub(redelegations(ctx, operator, slash, &mut burned)?);
    let mut validator = table::require(ctx, operator)?;
    let tokens = open.min(validator.tokens);
    if !tokens.is_zero() {
        let fraction = Dec::from_amount(tokens)?.quo_int(validator.tokens, Rounding::Ceil)?.min(Dec::one());
        each(ctx, |hooks, ctx| hooks.before_validator_slashed(ctx, operator, fraction))?;
        validator.tokens = validator.tokens.saturating_sub(tokens);
        table::save(ctx, &validator)?;
        burned.add(validator.status, tokens)?;
    }
    burned.burn(ctx)
}

/// Tokens to burn, by the pool that holds them.
#[derive(Default)]
struct Burned {
    bonded: Amount,
    other: Amount,
}

impl Burned {
    fn add(&mut self, status: Status, amount: Amount) -> Result<(), CodedError> {
        let sum = if status == Status::Bonded { &mut self.bonded } else { &mut self.other };
        *sum = sum.checked_add(amount).ok_or(ve_base::AmountError::Overflow)?;
        Ok(())
    }

    fn burn(self, ctx: &mut Context<'_>) -> Result<Amount, CodedError> {
        for (pool, amount) in [(pools::BONDED, self.bonded), (pools::NOT_BONDED, self.other)] {
            if !amount.is_zero() {
                bank::burn(ctx, pool, &Coins::native(amount))?;
            }
        }
        Ok(self.bonded.checked_add(self.other).ok_or(ve_base::AmountError::Overflow)?)
    }
}

/// Takes from a delegator's stake that unbonds from `operator` since the height `since`. `wanted` says how much of an
/// entry, from its initial amount and what was taken before. Returns what was wanted and what was there.
fn from_unbonding(
    ctx: &mut Context<'_>,
    (operator, delegator): (&Address, &Address),
    since: u64,
    wanted: impl Fn(Amount, Amount) -> Result<Amount, CodedError>,
) -> Result<(Amount, Amount), CodedError> {
    let now = ctx.time();
    let Some(mut unbonding) = UNBONDINGS.get(ctx, (delegator, operator))? else {
        return Ok((Amount::ZERO, Amount::ZERO));
    };
    let (mut asked, mut taken) = (Amount::ZERO, Amount::ZERO);
    for entry in unbonding.entries.iter_mut().filter(|entry| entry.height >= since && entry.completion > now) {
        let part = wanted(entry.initial, taken)?;
        asked = asked.checked_add(part).ok_or(ve_base::AmountError::Overflow)?;
        let part = part.min(entry.balance);
        entry.balance = entry.balance.saturating_sub(part);
        taken = taken.checked_add(part).ok_or(ve_base::AmountError::Overflow)?;
    }
    if !taken.is_zero() {
        UNBONDINGS.set(ctx, (delegator, operator), &unbonding)?;
    }
    Ok((asked, taken))
}

/// Slashes what unbonds from the validator. Returns the share of the penalty that these entries answer for, which can be
/// more than they still held.
fn unbondings(
    ctx: &mut Context<'_>,
    operator: &Address,
    slash: &Slash,
    burned: &mut Burned,
) -> Result<Amount, CodedError> {
    let delegators: Vec<_> = UNBONDINGS_OF_VALIDATOR.scan().prefix(operator).keys(ctx).collect::<Result<_, _>>()?;
    let mut sum = Amount::ZERO;
    for (_, delegator) in delegators {
        let (asked, taken) =
            from_unbonding(ctx, (operator, &delegator), slash.since(), |initial, _| slash.of(initial))?;
        burned.add(Status::Unbonding, taken)?;
        sum = sum.checked_add(asked).ok_or(ve_base::AmountError::Overflow)?;
    }
    Ok(sum)
}

/// As [`unbondings`] for stake that moved to other validators.
fn redelegations(
    ctx: &mut Context<'_>,
    operator: &Address,
    slash: &Slash,
    burned: &mut Burned,
) -> Result<Amount, CodedError> {
    let moved: Vec<_> = REDELEGATIONS_OF_SOURCE.scan().prefix(operator).keys(ctx).collect::<Result<_, _>>()?;
    let mut sum = Amount::ZERO;
    let now = ctx.time();
    for (_, delegator, destination) in moved {
        let redelegation = REDELEGATIONS.require(ctx, (&delegator, operator, &destination))?;
        for entry in redelegation.entries.iter().filter(|entry| entry.height >= slash.since() && entry.completion > now)
        {
            let part = slash.of(entry.initial)?;
            sum = sum.checked_add(part).ok_or(ve_base::AmountError::Overflow)?;
            redelegated(ctx, &redelegation, entry, slash, part, burned)?;
        }
    }
    Ok(sum)
}

/// Takes `part` of one redelegated entry: from what its owner unbonds at the destination since, then from its shares.
fn redelegated(
    ctx: &mut Context<'_>,
    moved: &Redelegation,
    entry: &RedelegationEntry,
    slash: &Slash,
    part: Amount,
    burned: &mut Burned,
) -> Result<(), CodedError> {
    let Redelegation { delegator, destination, .. } = moved;
    let left = |_: Amount, taken: Amount| Ok(part.saturating_sub(taken));
    let (_, unbonded) = from_unbonding(ctx, (destination, delegator), entry.height, left)?;
    burned.add(Status::Unbonding, unbonded)?;
    let rest = part.saturating_sub(unbonded);
    let Some(owned) = DELEGATIONS.get(ctx, (delegator, destination))? else { return Ok(()) };
    let shares = entry.shares.mul(slash.fraction, Rounding::Truncate)?;
    let shares = shares.mul_int(rest)?.quo_int(part.max(Amount::from(1u64)), Rounding::Truncate)?.min(owned);
    if shares.is_zero() {
        return Ok(());
    }
    let (tokens, status) = delegation::remove(ctx, delegator, destination, shares)?;
    burned.add(status, tokens)
}

/// Takes the validator out of the set at the end of the block.
pub fn jail(ctx: &mut Context<'_>, operator: &Address) -> Result<(), CodedError> {
    set_jailed(ctx, operator, true)
}

/// Lets the validator compete for the set again. Whether it may is decided by the caller.
pub fn unjail(ctx: &mut Context<'_>, operator: &Address) -> Result<(), CodedError> {
    set_jailed(ctx, operator, false)
}

fn set_jailed(ctx: &mut Context<'_>, operator: &Address, jailed: bool) -> Result<(), CodedError> {
    let mut validator: Validator = table::require(ctx, operator)?;
    validator.jailed = jailed;
    table::save(ctx, &validator)
}
