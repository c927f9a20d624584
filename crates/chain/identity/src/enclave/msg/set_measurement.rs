//! `MsgSetMeasurement`: governance lists code, or changes what it asks of it.

use ve_base::CodedError;
use ve_proto::ve::enclave::v1::{Measurement, MsgSetMeasurement, MsgSetMeasurementResponse};
use ve_sdk::{Context, require_authority};

use crate::enclave::error::Error;
use crate::enclave::keys::MEASUREMENTS;
use crate::enclave::measurements;

fn given(msg: &MsgSetMeasurement) -> Result<&Measurement, CodedError> {
    Ok(msg.measurement.as_ref().ok_or(Error::Invalid("the measurement is missing"))?)
}

pub fn check(msg: &MsgSetMeasurement) -> Result<(), CodedError> {
    let measurement = given(msg)?;
    if measurement.revoked {
        return Err(Error::Invalid("revoke a measurement with its own message").into());
    }
    measurements::check(measurement)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSetMeasurement) -> Result<MsgSetMeasurementResponse, CodedError> {
    require_authority(&msg.authority)?;
    let measurement = given(msg)?;
    let known = MEASUREMENTS.get(ctx, &measurement.hash)?;
    if known.is_some_and(|known| known.revoked) {
        return Err(Error::Invalid("a revoked measurement never comes back").into());
    }
    measurements::save(ctx, measurement, "measurement_set", &msg.authority)?;
    Ok(MsgSetMeasurementResponse {})
}
