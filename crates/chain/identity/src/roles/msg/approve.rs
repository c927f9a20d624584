//! `MsgApproveAction`: one more voice for an open action.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::roles::v1::{AdminAction, MsgApproveAction, MsgApproveActionResponse};
use ve_sdk::Context;

use crate::roles::error::Error;
use crate::roles::{actions, delegations, rules};

pub fn check(msg: &MsgApproveAction) -> Result<(), CodedError> {
    parse_account("approver", &msg.approver).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgApproveAction) -> Result<MsgApproveActionResponse, CodedError> {
    let signer = parse_account("approver", &msg.approver)?;
    let mut action = actions::require_open(ctx, msg.action_id)?;
    let approver = voice(ctx, &action, &signer, msg.delegation_id)?;
    actions::approve(ctx, &mut action, &approver, &signer)?;
    Ok(MsgApproveActionResponse { status: action.status })
}

/// In whose name the signer speaks.
pub fn voice(
    ctx: &mut Context<'_>,
    action: &AdminAction,
    signer: &Address,
    delegation_id: u64,
) -> Result<Address, CodedError> {
    if delegation_id == 0 {
        return Ok(signer.clone());
    }
    let undelegated = || Error::Delegation(delegation_id, "this kind of action is not delegated");
    let permission = rules::permission(action.kind()).ok_or_else(undelegated)?;
    delegations::spend(ctx, delegation_id, signer, permission, &action.target)
}
