//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, CodedError, Dec, Rounding, errors::sdk::Error};
use ve_proto::ve::feemarket::v1::{Mode, Params};
use ve_store::{Read, Write};

use super::keys::PARAMS;

/// 0.0025 uve.
fn lowest() -> Dec {
    // Four digits after the point always fit.
    Dec::from_parts(25, 4).unwrap_or_default()
}

fn thousandths(value: u64) -> Dec {
    // Three digits after the point always fit.
    Dec::from_parts(value, 3).unwrap_or_default()
}

pub fn default() -> Params {
    Params {
        min_base_fee: lowest().to_mantissa(),
        max_multiple: 1000,
        target_bps: 6500,
        rate_bps: 2500,
        max_change_bps: 2000,
        congestion_bps: 8500,
        congestion_boost_bps: 1500,
        window: 8,
        burn_bps: 2000,
        max_tx_gas: 60_000_000,
        stress_bps: 500,
        stress_floor_bps: 15_000,
        mode: Mode::Smoothed as i32,
        alpha: thousandths(25).to_mantissa(),
        beta: thousandths(950).to_mantissa(),
        gamma: thousandths(250).to_mantissa(),
    }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: u64, low: u64, high: u64| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!("{name} must be from {low} to {high}, got {value}")))
    };
    let (low, high) = (Dec::from_parts(1, 6)?, Dec::from_parts(1, 0)?);
    let min = min_base_fee(params)?;
    if min < low || min > high {
        return Err(Error::InvalidRequest(format!("min_base_fee must be from {low:#} to {high:#}, got {min:#}")).into());
    }
    within("max_multiple", params.max_multiple.into(), 1, 10_000)?;
    within("target_bps", params.target_bps.into(), 1000, 9500)?;
    within("rate_bps", params.rate_bps.into(), 0, 10_000)?;
    within("max_change_bps", params.max_change_bps.into(), 0, 2000)?;
    within("congestion_bps", params.congestion_bps.into(), u64::from(params.target_bps), 10_000)?;
    within("congestion_boost_bps", params.congestion_boost_bps.into(), 0, 1500)?;
    within("window", params.window.into(), 1, 100)?;
    within("burn_bps", params.burn_bps.into(), 0, 10_000)?;
    within("max_tx_gas", params.max_tx_gas, 1_000_000, 1_000_000_000)?;
    within("stress_bps", params.stress_bps.into(), 1, 10_000)?;
    within("stress_floor_bps", params.stress_floor_bps.into(), 10_000, 30_000)?;
    if Mode::try_from(params.mode).is_err() {
        return Err(Error::InvalidRequest(format!("mode {} does not exist; 0 and 1 do", params.mode)).into());
    }
    for (name, text, low, high) in
        [("alpha", &params.alpha, 1, 100), ("beta", &params.beta, 500, 999), ("gamma", &params.gamma, 0, 499)]
    {
        let (value, low, high) = (Dec::from_mantissa(text)?, thousandths(low), thousandths(high));
        if value < low || value > high {
            let cause = format!("{name} must be from {low:#} to {high:#}, got {value:#}");
            return Err(Error::InvalidRequest(cause).into());
        }
    }
    Ok(())
}

pub fn min_base_fee(params: &Params) -> Result<Dec, CodedError> {
    Ok(Dec::from_mantissa(&params.min_base_fee)?)
}

pub fn max_base_fee(params: &Params) -> Result<Dec, CodedError> {
    Ok(min_base_fee(params)?.mul_int(Amount::from(u64::from(params.max_multiple)))?)
}

/// The lowest price now: raised under stress, never above the highest.
pub fn floor(params: &Params, stressed: bool) -> Result<Dec, CodedError> {
    let min = min_base_fee(params)?;
    if !stressed {
        return Ok(min);
    }
    let raised = min.mul(Dec::from_parts(u64::from(params.stress_floor_bps), 4)?, Rounding::Ceil)?;
    Ok(raised.min(max_base_fee(params)?))
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store<W: Write + ?Sized>(state: &mut W, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
