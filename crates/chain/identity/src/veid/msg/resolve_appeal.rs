//! `MsgResolveAppeal`: the moderator who took an appeal has the verification done again, or lets the rejection stand.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::veid::v1::{AppealStatus, MsgResolveAppeal, MsgResolveAppealResponse};
use ve_sdk::Context;

use crate::veid::appeals;
use crate::veid::error::Error;

pub fn check(msg: &MsgResolveAppeal) -> Result<(), CodedError> {
    parse_account("reviewer", &msg.reviewer)?;
    if msg.opinion_hash.len() != 32 {
        return Err(Error::Input("opinion_hash is the SHA-256 of the reviewer's opinion".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgResolveAppeal) -> Result<MsgResolveAppealResponse, CodedError> {
    let mut appeal = appeals::require(ctx, msg.appeal_id)?;
    if appeal.status() != AppealStatus::Reviewing {
        return Err(Error::Transition(appeal.status().as_str_name(), "be resolved").into());
    }
    if appeal.reviewer != msg.reviewer {
        return Err(Error::Reviewer("did not take this appeal").into());
    }
    appeals::check_reviewer(ctx, &appeal, &msg.reviewer)?;
    appeal.opinion_hash.clone_from(&msg.opinion_hash);
    if !msg.approve {
        appeals::close(ctx, appeal, AppealStatus::Rejected, "appeal_rejected")?;
        return Ok(MsgResolveAppealResponse::default());
    }
    let request_id = appeals::approve(ctx, &appeal)?;
    appeals::close(ctx, appeal, AppealStatus::Approved, "appeal_approved")?;
    Ok(MsgResolveAppealResponse { request_id })
}
