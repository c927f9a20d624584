//! Parameters, changed by governance, with bounds in code (finance spec section 3).

use ve_base::{BASE_DENOM, CodedError, Dec, errors::sdk::Error};
use ve_proto::cosmos::mint::v1beta1::Params;
use ve_store::{Read, Write};

use super::keys::PARAMS;

/// Nominal blocks of five seconds in a year of 365.25 days.
pub const BLOCKS_PER_YEAR: u64 = 6_311_520;

fn percent(value: u64) -> Dec {
    // Two digits after the point always fit.
    Dec::from_parts(value, 2).unwrap_or_default()
}

pub fn default() -> Params {
    Params {
        mint_denom: BASE_DENOM.to_owned(),
        inflation_rate_change: percent(13).to_mantissa(),
        inflation_max: percent(20).to_mantissa(),
        inflation_min: percent(7).to_mantissa(),
        goal_bonded: percent(67).to_mantissa(),
        blocks_per_year: BLOCKS_PER_YEAR,
    }
}

/// The decimals of the parameters.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub change: Dec,
    pub max: Dec,
    pub min: Dec,
    pub goal: Dec,
}

pub fn rates(params: &Params) -> Result<Rates, CodedError> {
    Ok(Rates {
        change: Dec::from_mantissa(&params.inflation_rate_change)?,
        max: Dec::from_mantissa(&params.inflation_max)?,
        min: Dec::from_mantissa(&params.inflation_min)?,
        goal: Dec::from_mantissa(&params.goal_bonded)?,
    })
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let within = |name: &str, value: Dec, low: Dec, high: Dec| {
        if (low..=high).contains(&value) {
            return Ok(());
        }
        Err(Error::InvalidRequest(format!("{name} must be from {low:#} to {high:#}, got {value:#}")))
    };
    let rates = rates(params)?;
    within("inflation_max", rates.max, percent(1), percent(20))?;
    within("inflation_min", rates.min, percent(1), rates.max)?;
    within("inflation_rate_change", rates.change, Dec::zero(), percent(100))?;
    within("goal_bonded", rates.goal, percent(10), percent(100))?;
    if params.mint_denom != BASE_DENOM {
        return Err(Error::InvalidRequest(format!("mint_denom is {BASE_DENOM} and cannot change")).into());
    }
    if params.blocks_per_year != BLOCKS_PER_YEAR {
        let text = format!("blocks_per_year is {BLOCKS_PER_YEAR} and cannot change: coins are minted by elapsed time");
        return Err(Error::InvalidRequest(text).into());
    }
    Ok(())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store<W: Write + ?Sized>(state: &mut W, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
