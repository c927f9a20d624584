//! `MsgUpdateActionConfig`: governance changes a row of the table of actions.

use ve_base::CodedError;
use ve_proto::ve::mfa::v1::{ActionConfig, MsgUpdateActionConfig, MsgUpdateActionConfigResponse};
use ve_sdk::{Context, require_authority};

use crate::mfa::actions;
use crate::mfa::error::Error;
use crate::mfa::keys::ACTIONS;

fn given(msg: &MsgUpdateActionConfig) -> Result<&ActionConfig, Error> {
    msg.config.as_ref().ok_or(Error::Request("the row is missing"))
}

pub fn check(msg: &MsgUpdateActionConfig) -> Result<(), CodedError> {
    actions::validate(given(msg)?)
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgUpdateActionConfig,
) -> Result<MsgUpdateActionConfigResponse, CodedError> {
    require_authority(&msg.authority)?;
    let config = given(msg)?;
    ACTIONS.set(ctx, &u32::try_from(config.action).unwrap_or_default(), config)?;
    Ok(MsgUpdateActionConfigResponse {})
}
