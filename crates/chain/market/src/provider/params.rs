//! Parameters, changed by governance within hard bounds.

use ve_base::{Amount, BASE_DENOM, CodedError, Coin};
use ve_proto::ve::provider::v1::Params;
use ve_store::{Read, Write};

use super::error::Error;
use super::keys::PARAMS;

pub fn default() -> Params {
    Params { min_bond: Some(Coin::native(Amount::from(1_000_000_000u64)).to_proto()), notice_seconds: 14 * 86_400 }
}

pub fn validate(params: &Params) -> Result<(), CodedError> {
    let bond = min_bond(params)?;
    if bond.denom.as_str() != BASE_DENOM || bond.amount.is_zero() || bond.amount > Amount::from(10u128.pow(15)) {
        return Err(Error::Params(format!("min_bond must be from 1 to 10^15 {BASE_DENOM}, got {bond}")).into());
    }
    if !(1..=90 * 86_400).contains(&params.notice_seconds) {
        return Err(Error::Params(format!("notice_seconds must be 1 s to 90 d, got {}", params.notice_seconds)).into());
    }
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
