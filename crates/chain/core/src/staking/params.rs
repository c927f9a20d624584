//! Parameters, changed by governance, with bounds in code (finance spec section 2.7).

use ve_base::{Amount, BASE_DENOM, CodedError, Dec, errors::sdk::Error};
use ve_proto::cosmos::staking::v1beta1::Params;
use ve_store::{Read, Write};

use super::keys::PARAMS;

/// A validator's own stake: 1,000 VE.
pub const MIN_SELF_BOND: Amount = Amount::from_u128(1_000_000_000);
/// Smallest amount that can be delegated or redelegated: 1 VE.
pub const MIN_DELEGATION: Amount = Amount::from_u128(1_000_000);
/// Validators that one account delegates to.
pub const MAX_VALIDATORS_PER_DELEGATOR: usize = 10;
/// Highest commission in percent.
const MAX_COMMISSION_PERCENT: u64 = 20;
/// Largest change of a commission within a day in percent.
const MAX_CHANGE_PERCENT: u64 = 1;

const MINUTE: i64 = 60;
const DAY: i64 = 86_400;

fn percent(value: u64) -> Dec {
    // Two digits after the point always fit.
    Dec::from_parts(value, 2).unwrap_or_default()
}

pub fn max_commission() -> Dec {
    percent(MAX_COMMISSION_PERCENT)
}

pub fn max_change() -> Dec {
    percent(MAX_CHANGE_PERCENT)
}

pub fn default() -> Params {
    Params {
        unbonding_time: Some(prost_types::Duration { seconds: 21 * DAY, nanos: 0 }),
        max_validators: 100,
        max_entries: 7,
        historical_entries: 100,
        bond_denom: BASE_DENOM.to_owned(),
        min_commission_rate: percent(5).to_mantissa(),
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: i64, low: i64, high: i64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!("{name} must be from {low} to {high}, got {value}")))
    };
    let unbonding = params.unbonding_time.ok_or_else(|| Error::InvalidRequest("unbonding_time is missing".into()))?;
    within("unbonding_time in seconds", unbonding.seconds, MINUTE, 365 * DAY)?;
    within("nanoseconds of unbonding_time", unbonding.nanos.into(), 0, 0)?;
    within("max_validators", params.max_validators.into(), 1, 500)?;
    within("max_entries", params.max_entries.into(), 1, 100)?;
    within("historical_entries", params.historical_entries.into(), 1, 10_000)?;
    if params.bond_denom != BASE_DENOM {
        return Err(Error::InvalidRequest(format!("bond_denom is {BASE_DENOM} and cannot change")).into());
    }
    let minimum = Dec::from_mantissa(&params.min_commission_rate)?;
    if minimum.is_negative() || minimum > max_commission() {
        return Err(Error::InvalidRequest(format!(
            "min_commission_rate must be from 0 to {:#}, got {minimum:#}",
            max_commission()
        ))
        .into());
    }
    Ok(())
}

/// Stake leaves only when nothing it did can be proven any more (finance spec section 2.7): evidence counts for
/// `evidence_seconds` at most.
pub fn covers_evidence(params: &Params, evidence_seconds: u64) -> Result<(), CodedError> {
    let unbonding = unbonding_seconds(params);
    if unbonding >= evidence_seconds {
        return Ok(());
    }
    Err(Error::InvalidRequest(format!(
        "unbonding_time is {unbonding} s and evidence counts for {evidence_seconds} s: stake would leave before what it \
         did can be proven; keep evidence.max_age_duration at or below unbonding_time"
    ))
    .into())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store<W: Write + ?Sized>(state: &mut W, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}

pub fn unbonding_seconds(params: &Params) -> u64 {
    params.unbonding_time.map_or(0, |time| u64::try_from(time.seconds).unwrap_or(0))
}
