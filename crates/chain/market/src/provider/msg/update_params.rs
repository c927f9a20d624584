//! `MsgUpdateParams` of the registry, by governance.

use ve_base::CodedError;
use ve_proto::ve::provider::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};
use ve_sdk::{Context, require_authority};

use crate::provider::{Error, params};

fn given(msg: &MsgUpdateParams) -> Result<&Params, CodedError> {
    msg.params.as_ref().ok_or_else(|| Error::Params("params are missing".into()).into())
}

pub fn check(msg: &MsgUpdateParams) -> Result<(), CodedError> {
    params::validate(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateParams) -> Result<MsgUpdateParamsResponse, CodedError> {
    require_authority(&msg.authority)?;
    params::store(ctx, given(msg)?)?;
    Ok(MsgUpdateParamsResponse {})
}
