//! `MsgClaimAppeal`: a moderator takes an appeal for review.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::veid::v1::{AppealStatus, MsgClaimAppeal, MsgClaimAppealResponse};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::{appeals, params};

pub fn check(msg: &MsgClaimAppeal) -> Result<(), CodedError> {
    parse_account("reviewer", &msg.reviewer).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgClaimAppeal) -> Result<MsgClaimAppealResponse, CodedError> {
    let mut appeal = appeals::require(ctx, msg.appeal_id)?;
    if appeal.status() != AppealStatus::Pending {
        return Err(Error::Transition(appeal.status().as_str_name(), "be taken for review").into());
    }
    appeals::check_reviewer(ctx, &appeal, &msg.reviewer)?;
    let end = ctx.time().unix().saturating_add(params::load(ctx)?.review_seconds);
    appeal.set_status(AppealStatus::Reviewing);
    appeal.reviewer.clone_from(&msg.reviewer);
    appeal.due_at = end;
    appeals::save(ctx, &appeal, "appeal_claimed")?;
    Ok(MsgClaimAppealResponse {})
}
