//! Parameters, changed by governance within hard bounds.

use ve_base::CodedError;
use ve_proto::ve::audit::v1::Params;
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

const YEAR: u64 = 365 * 86_400;

pub fn default() -> Params {
    Params { retention_seconds: 7 * YEAR }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    if (YEAR..=50 * YEAR).contains(&params.retention_seconds) {
        return Ok(());
    }
    Err(Error::Params(format!("retention_seconds is from 1 to 50 years, got {}", params.retention_seconds)).into())
}

pub fn load<R: Read + ?Sized>(state: &R) -> Result<Params, CodedError> {
    Ok(PARAMS.get(state)?.unwrap_or_else(default))
}

pub fn store(state: &mut dyn Write, params: &Params) -> Result<(), CodedError> {
    validate(params)?;
    Ok(PARAMS.set(state, params)?)
}
