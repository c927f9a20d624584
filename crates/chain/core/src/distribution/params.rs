//! Parameters, changed by governance, with bounds in code (finance spec section 3).

use ve_base::{CodedError, Dec, errors::sdk::Error};
use ve_proto::cosmos::distribution::v1beta1::Params;
use ve_store::{Read, Write};

use super::keys::PARAMS;

/// Highest community tax in percent.
const MAX_COMMUNITY_TAX_PERCENT: u64 = 10;

#[allow(deprecated)]
pub fn default() -> Params {
    let zero = Dec::zero().to_mantissa();
    Params {
        // The community earns from every settlement already.
        community_tax: zero.clone(),
        base_proposer_reward: zero.clone(),
        bonus_proposer_reward: zero,
        withdraw_addr_enabled: true,
    }
}

#[allow(deprecated)]
pub fn validate(params: &Params) -> Result<(), CodedError> {
    let tax = Dec::from_mantissa(&params.community_tax)?;
    let most = Dec::from_parts(MAX_COMMUNITY_TAX_PERCENT, 2)?;
    if tax.is_negative() || tax > most {
        return Err(Error::InvalidRequest(format!("community_tax must be from 0 to {most:#}, got {tax:#}")).into());
    }
    for (name, text) in [
        ("base_proposer_reward", &params.base_proposer_reward),
        ("bonus_proposer_reward", &params.bonus_proposer_reward),
    ] {
        if !text.is_empty() && !Dec::from_mantissa(text)?.is_zero() {
            return Err(Error::InvalidRequest(format!("{name} is 0: a validator's score counts its proposals")).into());
        }
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

pub fn community_tax<R: Read + ?Sized>(state: &R) -> Result<Dec, CodedError> {
    Ok(Dec::from_mantissa(&load(state)?.community_tax)?)
}
