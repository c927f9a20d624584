//! `MsgUpdateParams`: governance replaces the parameters.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::bank::v1beta1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};
use ve_sdk::{Context, require_authority};

use crate::bank::params;

#[allow(deprecated)]
fn given(msg: &MsgUpdateParams) -> Result<&Params, CodedError> {
    let params = msg.params.as_ref().ok_or_else(|| Error::InvalidRequest("params are missing".into()))?;
    if params.send_enabled.is_empty() {
        return Ok(params);
    }
    Err(Error::InvalidRequest("send_enabled is set by MsgSetSendEnabled, not in the params".into()).into())
}

pub fn check(msg: &MsgUpdateParams) -> Result<(), CodedError> {
    given(msg).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateParams) -> Result<MsgUpdateParamsResponse, CodedError> {
    require_authority(&msg.authority)?;
    params::store(ctx, given(msg)?)?;
    Ok(MsgUpdateParamsResponse {})
}
