//! `MsgUpdateParams`: governance replaces all parameters.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::slashing::v1beta1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};
use ve_sdk::{Context, require_authority};

use crate::slashing::{params, signing};

fn given(msg: &MsgUpdateParams) -> Result<&Params, CodedError> {
    Ok(msg.params.as_ref().ok_or_else(|| Error::InvalidRequest("params are missing; give all of them".into()))?)
}

pub fn check(msg: &MsgUpdateParams) -> Result<(), CodedError> {
    params::validate(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateParams) -> Result<MsgUpdateParamsResponse, CodedError> {
    require_authority(&msg.authority)?;
    let new = given(msg)?;
    if params::load(ctx)?.signed_blocks_window != new.signed_blocks_window {
        signing::forget_counts(ctx)?;
    }
    params::store(ctx, new)?;
    Ok(MsgUpdateParamsResponse {})
}
