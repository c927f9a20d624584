//! Parameters, changed by governance, with bounds in code (finance spec section 2.7).

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::ve::performance::v1::Params;
use ve_store::{Read, Write};

use super::keys::PARAMS;

/// 50 to 17,280 nominal blocks of five seconds.
const SHORTEST: u64 = 250;
const LONGEST: u64 = 86_400;

pub fn default() -> Params {
    Params { epoch_seconds: 500 }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    if (SHORTEST..=LONGEST).contains(&params.epoch_seconds) {
        return Ok(());
    }
    let given = params.epoch_seconds;
    Err(Error::InvalidRequest(format!("epoch_seconds must be from {SHORTEST} to {LONGEST}, got {given}")).into())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store<W: Write + ?Sized>(state: &mut W, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
