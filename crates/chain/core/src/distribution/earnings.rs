//! What a validator and its delegators earned, in periods that end whenever somebody's stake changes.

use ve_base::{Address, CodedError, Dec, OPERATOR_PREFIX};
use ve_proto::cosmos::distribution::v1beta1::ValidatorHistoricalRewards;
use ve_proto::ve::distribution::v1::{SlashSegment, ValidatorRewards};
use ve_sdk::Context;
use ve_store::Read;

use super::dec_coins::DecCoins;
use super::error::Error;
use super::keys::{HISTORICAL, REWARDS, SLASHES};
use super::{payout, pool};
use crate::staking;

/// Earned and not yet withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earnings {
    /// Everything: commission and the rewards of all periods.
    pub outstanding: DecCoins,
    pub commission: DecCoins,
    /// Of the delegators in the period that has not ended.
    pub current: DecCoins,
    /// From 1.
    pub period: u64,
}

impl Earnings {
    fn from_proto(proto: &ValidatorRewards) -> Result<Self, CodedError> {
        Ok(Self {
            outstanding: DecCoins::from_proto(&proto.outstanding)?,
            commission: DecCoins::from_proto(&proto.commission)?,
            current: DecCoins::from_proto(&proto.current)?,
            period: proto.period,
        })
    }

    fn to_proto(&self) -> ValidatorRewards {
        ValidatorRewards {
            outstanding: self.outstanding.to_proto(),
            commission: self.commission.to_proto(),
            current: self.current.to_proto(),
            period: self.period,
        }
    }
}

pub fn find<R: Read + ?Sized>(state: &R, operator: &Address) -> Result<Option<Earnings>, CodedError> {
    REWARDS.get(state, operator)?.as_ref().map(Earnings::from_proto).transpose()
}

pub fn require<R: Read + ?Sized>(state: &R, operator: &Address) -> Result<Earnings, CodedError> {
    Ok(find(state, operator)?.ok_or_else(|| Error::NoValidatorInfo(operator.to_bech32(OPERATOR_PREFIX)))?)
}

pub fn save(ctx: &mut Context<'_>, operator: &Address, earnings: &Earnings) -> Result<(), CodedError> {
    Ok(REWARDS.set(ctx, operator, &earnings.to_proto())?)
}

/// All of them, by operator.
pub fn all<R: Read + ?Sized>(state: &R) -> Result<Vec<(Address, Earnings)>, CodedError> {
    let mut found = Vec::new();
    for entry in REWARDS.iter(state) {
        let (operator, proto) = entry?;
        found.push((operator, Earnings::from_proto(&proto)?));
    }
    Ok(found)
}

/// A new validator: period 0 has ended with nothing.
pub fn begin(ctx: &mut Context<'_>, operator: &Address) -> Result<(), CodedError> {
    HISTORICAL.set(ctx, (operator, &0), &ValidatorHistoricalRewards { reference_count: 1, ..Default::default() })?;
    save(ctx, operator, &Earnings { period: 1, ..Earnings::default() })
}

/// Rewards per token from the beginning to the end of `period`.
pub fn ratio<R: Read + ?Sized>(state: &R, operator: &Address, period: u64) -> Result<DecCoins, CodedError> {
    DecCoins::from_proto(&HISTORICAL.require(state, (operator, &period))?.cumulative_reward_ratio)
}

/// What [`ratio`] would be if the current period ended now.
pub fn ratio_now<R: Read + ?Sized>(state: &R, validator: &staking::Validator) -> Result<DecCoins, CodedError> {
    let earnings = require(state, &validator.operator)?;
    let before = ratio(state, &validator.operator, earnings.period.saturating_sub(1))?;
    if validator.tokens.is_zero() {
        return Ok(before);
    }
    Ok(before.checked_add(&earnings.current.quo_truncate(validator.tokens)?)?)
}

/// Ends the current period and returns its number. What was earned while nobody had stake goes to the community.
pub fn end_period(ctx: &mut Context<'_>, operator: &Address) -> Result<u64, CodedError> {
    let validator = staking::require(ctx, operator)?;
    let total = ratio_now(ctx, &validator)?;
    let mut earnings = require(ctx, operator)?;
    let ended = earnings.period;
    let unowned = if validator.tokens.is_zero() { std::mem::take(&mut earnings.current) } else { DecCoins::default() };
    earnings.outstanding = earnings.outstanding.checked_sub(&unowned)?;
    earnings.current = DecCoins::default();
    earnings.period = ended.saturating_add(1);
    save(ctx, operator, &earnings)?;
    pool::add(ctx, &unowned)?;
    release(ctx, operator, ended.saturating_sub(1))?;
    let historical = ValidatorHistoricalRewards { cumulative_reward_ratio: total.to_proto(), reference_count: 1 };
    HISTORICAL.set(ctx, (operator, &ended), &historical)?;
    Ok(ended)
}

/// One more needs the ratio at the end of `period`.
pub fn retain(ctx: &mut Context<'_>, operator: &Address, period: u64) -> Result<(), CodedError> {
    let mut historical = HISTORICAL.require(ctx, (operator, &period))?;
    historical.reference_count = historical.reference_count.saturating_add(1);
    Ok(HISTORICAL.set(ctx, (operator, &period), &historical)?)
}

/// One less needs it; nobody keeps it.
pub fn release(ctx: &mut Context<'_>, operator: &Address, period: u64) -> Result<(), CodedError> {
    let mut historical = HISTORICAL.require(ctx, (operator, &period))?;
    historical.reference_count = historical.reference_count.saturating_sub(1);
    if historical.reference_count == 0 {
        return Ok(HISTORICAL.remove(ctx, (operator, &period))?);
    }
    Ok(HISTORICAL.set(ctx, (operator, &period), &historical)?)
}

/// Before the validator loses `fraction` of its tokens: rewards until now belong to the stake as it was.
pub fn slash(ctx: &mut Context<'_>, operator: &Address, fraction: Dec) -> Result<(), CodedError> {
    let ended = end_period(ctx, operator)?;
    retain(ctx, operator, ended)?;
    let segment = SlashSegment { height: ctx.height(), fraction: fraction.to_mantissa() };
    Ok(SLASHES.set(ctx, (operator, &ended), &segment)?)
}

/// A validator without stake disappears: commission is paid, fractions stay with the community.
pub fn end(ctx: &mut Context<'_>, operator: &Address) -> Result<(), CodedError> {
    let earnings = require(ctx, operator)?;
    let (commission, _) = earnings.commission.split()?;
    payout::pay(ctx, operator, &commission)?;
    pool::add(ctx, &earnings.outstanding.checked_sub(&DecCoins::from_coins(&commission)?)?)?;
    let periods: Vec<_> = HISTORICAL.scan().prefix(operator).keys(ctx).collect::<Result<_, _>>()?;
    for (_, period) in periods {
        HISTORICAL.remove(ctx, (operator, &period))?;
    }
    let slashes: Vec<_> = SLASHES.scan().prefix(operator).keys(ctx).collect::<Result<_, _>>()?;
    for (_, period) in slashes {
        SLASHES.remove(ctx, (operator, &period))?;
    }
    Ok(REWARDS.remove(ctx, operator)?)
}
