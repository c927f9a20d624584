//! `MsgRevokeMeasurement`: governance takes code off the list, for good.

use ve_base::CodedError;
use ve_proto::ve::enclave::v1::{MsgRevokeMeasurement, MsgRevokeMeasurementResponse};
use ve_sdk::{Context, require_authority};

use crate::enclave::error::Error;
use crate::enclave::measurements;

pub fn check(msg: &MsgRevokeMeasurement) -> Result<(), CodedError> {
    if msg.hash.is_empty() { Err(Error::Invalid("the measurement is missing").into()) } else { Ok(()) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeMeasurement) -> Result<MsgRevokeMeasurementResponse, CodedError> {
    require_authority(&msg.authority)?;
    measurements::revoke(ctx, &msg.hash, &msg.authority)?;
    Ok(MsgRevokeMeasurementResponse {})
}
