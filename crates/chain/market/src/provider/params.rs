//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, BASE_DENOM, CodedError, Coin};
use ve_proto::ve::provider::v1::Params;
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

const DAY: u64 = 86_400;

pub fn default() -> Params {
    Params {
        min_bond: Some(Coin::native(Amount::from(1_000_000_000u64)).to_proto()),
        notice_seconds: 14 * DAY,
        prepaid_bond_bps: 100,
        short_seconds: DAY,
        silence_seconds: DAY,
        penalty_bond_bps: 500,
        penalty_unserved_bps: 1000,
        surge_bps: 500,
        surge_factor: 2,
        surge_window_seconds: 30 * DAY,
        rotation_seconds: DAY,
        max_denials: 1000,
        max_closes_per_block: 100,
        require_domain: false,
        attestations: 2,
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let bond = min_bond(params)?;
    if bond.denom.as_str() != BASE_DENOM || bond.amount.is_zero() || bond.amount > Amount::from(10u128.pow(15)) {
        return Err(Error::Params(format!("min_bond must be from 1 to 10^15 {BASE_DENOM}, got {bond}")).into());
    }
    let within = |name: &str, value: u64, low: u64, high: u64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::Params(format!("{name} must be from {low} to {high}, got {value}")))
    };
    within("notice_seconds", params.notice_seconds, 1, 90 * DAY)?;
    within("prepaid_bond_bps", u64::from(params.prepaid_bond_bps), 0, 10_000)?;
    within("short_seconds", params.short_seconds, 60, 30 * DAY)?;
    within("silence_seconds", params.silence_seconds, 600, 30 * DAY)?;
    within("penalty_bond_bps", u64::from(params.penalty_bond_bps), 0, 10_000)?;
    within("penalty_unserved_bps", u64::from(params.penalty_unserved_bps), 0, 10_000)?;
    within("surge_bps", u64::from(params.surge_bps), 1, 10_000)?;
    within("surge_factor", u64::from(params.surge_factor), 1, 10)?;
    within("surge_window_seconds", params.surge_window_seconds, 3600, 90 * DAY)?;
    within("rotation_seconds", params.rotation_seconds, 0, DAY)?;
    within("max_denials", u64::from(params.max_denials), 0, 10_000)?;
    within("max_closes_per_block", u64::from(params.max_closes_per_block), 1, 1000)?;
    within("attestations", u64::from(params.attestations), 2, 10)?;
    Ok(())
}

pub fn min_bond(params: &Params) -> Result<Coin, CodedError> {
    let given = params.min_bond.as_ref().ok_or_else(|| Error::Params("min_bond is missing".into()))?;
    Coin::try_from(given)
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
