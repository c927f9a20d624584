//! `MsgRatifyEmergency`: governance makes an emergency revocation permanent.

use ve_base::CodedError;
use ve_proto::ve::roles::v1::{MsgRatifyEmergency, MsgRatifyEmergencyResponse};
use ve_sdk::{Context, require_authority};

use crate::roles::actions;
use crate::roles::error::Error;

pub fn check(msg: &MsgRatifyEmergency) -> Result<(), CodedError> {
    if msg.action_id == 0 { Err(Error::Invalid("name the action to ratify".into()).into()) } else { Ok(()) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRatifyEmergency) -> Result<MsgRatifyEmergencyResponse, CodedError> {
    require_authority(&msg.authority)?;
    let mut action = actions::require(ctx, msg.action_id)?;
    actions::ratify(ctx, &mut action, &msg.authority)?;
    Ok(MsgRatifyEmergencyResponse {})
}
