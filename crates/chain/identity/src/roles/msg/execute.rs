//! `MsgExecuteAction`: what was approved happens, after its time lock.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::roles::v1::{ActionStatus, MsgExecuteAction, MsgExecuteActionResponse};
use ve_sdk::Context;

use crate::roles::error::Error;
use crate::roles::{actions, rules};

pub fn check(msg: &MsgExecuteAction) -> Result<(), CodedError> {
    parse_account("signer", &msg.signer).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgExecuteAction) -> Result<MsgExecuteActionResponse, CodedError> {
    let signer = parse_account("signer", &msg.signer)?;
    let mut action = actions::require_open(ctx, msg.action_id)?;
    if action.status() != ActionStatus::Executable {
        return Err(Error::Status(action.id, actions::status_name(&action), "executable").into());
    }
    actions::refuse_self(&action, &[&msg.signer])?;
    if !rules::is_eligible(ctx, &actions::rule(&action)?, &action, &signer)? {
        return Err(Error::Unauthorized(msg.signer.clone(), "its roles do not decide about this").into());
    }
    actions::execute(ctx, &mut action, &msg.signer)?;
    Ok(MsgExecuteActionResponse {})
}
