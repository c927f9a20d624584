//! `MsgSoftwareUpgrade`: governance plans the block from which another release goes on.

use ve_base::{CodedError, errors::sdk};
use ve_proto::cosmos::upgrade::v1beta1::{MsgSoftwareUpgrade, MsgSoftwareUpgradeResponse, Plan};
use ve_sdk::{Context, require_authority};

use crate::upgrade::plan;

fn given(msg: &MsgSoftwareUpgrade) -> Result<&Plan, CodedError> {
    Ok(msg.plan.as_ref().ok_or_else(|| sdk::Error::InvalidRequest("the plan is missing".into()))?)
}

pub fn check(msg: &MsgSoftwareUpgrade) -> Result<(), CodedError> {
    plan::check(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSoftwareUpgrade) -> Result<MsgSoftwareUpgradeResponse, CodedError> {
    require_authority(&msg.authority)?;
    plan::schedule(ctx, given(msg)?)?;
    Ok(MsgSoftwareUpgradeResponse {})
}
