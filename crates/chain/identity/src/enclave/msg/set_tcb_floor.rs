//! `MsgSetTcbFloor`: governance asks for a least version of platforms, which starts a recovery.

use ve_base::CodedError;
use ve_proto::ve::enclave::v1::{MsgSetTcbFloor, MsgSetTcbFloorResponse};
use ve_sdk::{Context, require_authority};

use crate::enclave::floors;

pub fn check(msg: &MsgSetTcbFloor) -> Result<(), CodedError> {
    floors::check(msg.tee(), &msg.least)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSetTcbFloor) -> Result<MsgSetTcbFloorResponse, CodedError> {
    require_authority(&msg.authority)?;
    floors::set(ctx, msg.tee(), &msg.least, &msg.authority)?;
    Ok(MsgSetTcbFloorResponse {})
}
