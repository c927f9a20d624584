//! `MsgCancelUpgrade`: governance drops the plan.

use ve_base::{CodedError, errors::sdk};
use ve_proto::cosmos::upgrade::v1beta1::{MsgCancelUpgrade, MsgCancelUpgradeResponse};
use ve_sdk::{Context, require_authority};

use crate::upgrade::plan;

pub fn check(msg: &MsgCancelUpgrade) -> Result<(), CodedError> {
    if msg.authority.is_empty() {
        return Err(sdk::Error::InvalidAddress("the authority is missing".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCancelUpgrade) -> Result<MsgCancelUpgradeResponse, CodedError> {
    require_authority(&msg.authority)?;
    plan::cancel(ctx)?;
    Ok(MsgCancelUpgradeResponse {})
}
