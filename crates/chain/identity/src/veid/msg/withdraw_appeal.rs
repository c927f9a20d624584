//! `MsgWithdrawAppeal`: the owner takes an appeal back.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::veid::v1::{AppealStatus, MsgWithdrawAppeal, MsgWithdrawAppealResponse};
use ve_sdk::Context;

use crate::veid::appeals;
use crate::veid::error::Error;

pub fn check(msg: &MsgWithdrawAppeal) -> Result<(), CodedError> {
    parse_account("owner", &msg.owner).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgWithdrawAppeal) -> Result<MsgWithdrawAppealResponse, CodedError> {
    let appeal = appeals::require(ctx, msg.appeal_id)?;
    if appeal.owner != msg.owner {
        return Err(Error::AppealNotFound(msg.appeal_id).into());
    }
    if !appeals::is_open(&appeal) {
        return Err(Error::Transition(appeal.status().as_str_name(), "be withdrawn").into());
    }
    appeals::close(ctx, appeal, AppealStatus::Withdrawn, "appeal_withdrawn")?;
    Ok(MsgWithdrawAppealResponse {})
}
