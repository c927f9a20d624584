//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, CodedError, Coins};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::escrow::v1::Params;
use ve_store::{Read, Write};

use super::book::Rules;
use super::error::Error;
use super::keys::PARAMS;

/// Shortest life of an account that pays leases, in seconds.
pub const MIN_DURATION: u64 = 3600;

pub fn default() -> Params {
    Params {
        min_deposits: vec![Coin { denom: ve_base::BASE_DENOM.into(), amount: "500000".into() }],
        grace_seconds: 600,
        restore_seconds: 3600,
        min_withdraw: "1000".into(),
        max_payments: 50,
        max_deposits: 50,
        max_settlements_per_block: 1000,
        max_duration_seconds: 365 * 86_400,
        dispute_seconds: 7 * 86_400,
        min_dispute_bond: "1000000".into(),
        dispute_bond_bps: 100,
        max_disputes: 10,
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, low: u64, high: u64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {low} to {high}, got {value}")))
    };
    within("grace_seconds", params.grace_seconds, 1, 7 * 86_400)?;
    within("restore_seconds", params.restore_seconds, 1, 7 * 86_400)?;
    within("max_payments", u64::from(params.max_payments), 1, 50)?;
    within("max_deposits", u64::from(params.max_deposits), 1, 100)?;
    within("max_settlements_per_block", u64::from(params.max_settlements_per_block), 1, 10_000)?;
    within("max_duration_seconds", params.max_duration_seconds, MIN_DURATION, 365 * 86_400)?;
    within("dispute_seconds", params.dispute_seconds, 3600, 30 * 86_400)?;
    within("dispute_bond_bps", u64::from(params.dispute_bond_bps), 0, 10_000)?;
    within("max_disputes", u64::from(params.max_disputes), 1, 20)?;
    within("number of min_deposits", params.min_deposits.len() as u64, 1, 20)?;
    Coins::try_from_proto(&params.min_deposits)?;
    let least: Amount = params.min_withdraw.parse().map_err(|cause| Error::Params(format!("min_withdraw: {cause}")))?;
    if least.is_zero() {
        return Err(Error::Params("min_withdraw must be above 0".into()).into());
    }
    let bond: Amount =
        params.min_dispute_bond.parse().map_err(|cause| Error::Params(format!("min_dispute_bond: {cause}")))?;
    if bond.is_zero() || bond > Amount::from(10u128.pow(12)) {
        return Err(Error::Params("min_dispute_bond must be from 1 to 10^12".into()).into());
    }
    Ok(())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}

pub fn rules(params: &Params) -> Rules {
    Rules {
        grace_seconds: params.grace_seconds,
        restore_seconds: params.restore_seconds,
        max_payments: usize::try_from(params.max_payments).unwrap_or(usize::MAX),
        max_deposits: usize::try_from(params.max_deposits).unwrap_or(usize::MAX),
        max_disputes: usize::try_from(params.max_disputes).unwrap_or(usize::MAX),
    }
}

/// When an account ends that is opened now; a duration of 0 asks for the longest.
pub fn expiry(params: &Params, now: u64, duration: u64) -> Result<u64, Error> {
    let high = params.max_duration_seconds;
    let life = if duration == 0 { high } else { duration };
    if (MIN_DURATION..=high).contains(&life) {
        return Ok(now.saturating_add(life));
    }
    Err(Error::Duration { got: duration, low: MIN_DURATION, high })
}

/// What the opener of a dispute deposits.
pub fn dispute_bond(params: &Params, amount: Amount) -> Result<Amount, CodedError> {
    let least: Amount = params.min_dispute_bond.parse()?;
    let share = amount.mul_div(Amount::from(u64::from(params.dispute_bond_bps)), Amount::from(10_000u64));
    Ok(share.map_or(least, |share| share.max(least)))
}

/// Least first deposit in a denomination; `None` when accounts cannot hold it.
pub fn min_deposit(params: &Params, denom: &str) -> Option<Amount> {
    params.min_deposits.iter().find(|coin| coin.denom == denom).and_then(|coin| coin.amount.parse().ok())
}
