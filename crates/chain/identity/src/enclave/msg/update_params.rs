//! `MsgUpdateParams`: governance replaces all parameters.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::ve::enclave::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};
use ve_sdk::{Context, require_authority};

use crate::enclave::params;

fn given(msg: &MsgUpdateParams) -> Result<&Params, CodedError> {
    Ok(msg.params.as_ref().ok_or_else(|| Error::InvalidRequest("params are missing; give all of them".into()))?)
}

pub fn check(msg: &MsgUpdateParams) -> Result<(), CodedError> {
    params::validate(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateParams) -> Result<MsgUpdateParamsResponse, CodedError> {
    require_authority(&msg.authority)?;
    params::store(ctx, given(msg)?)?;
    Ok(MsgUpdateParamsResponse {})
}
