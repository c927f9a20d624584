//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, CodedError, Coins};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::ve::escrow::v1::Params;
use ve_store::{Read, Write};

use super::book::Rules;
use super::error::Error;
use super::keys::PARAMS;

pub fn default() -> Params {
    Params {
        min_deposits: vec![Coin { denom: ve_base::BASE_DENOM.into(), amount: "500000".into() }],
        grace_seconds: 600,
        restore_seconds: 3600,
        min_withdraw: "1000".into(),
        max_payments: 50,
        max_deposits: 50,
        max_settlements_per_block: 1000,
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
    within("number of min_deposits", params.min_deposits.len() as u64, 1, 20)?;
    Coins::try_from_proto(&params.min_deposits)?;
    let least: Amount = params.min_withdraw.parse().map_err(|cause| Error::Params(format!("min_withdraw: {cause}")))?;
    if least.is_zero() {
        return Err(Error::Params("min_withdraw must be above 0".into()).into());
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
    }
}

/// Least first deposit in a denomination; `None` when accounts cannot hold it.
pub fn min_deposit(params: &Params, denom: &str) -> Option<Amount> {
    params.min_deposits.iter().find(|coin| coin.denom == denom).and_then(|coin| coin.amount.parse().ok())
}
