//! `MsgPauseGroup`, `MsgStartGroup`, `MsgCloseGroup`: the customer stops, resumes or ends one group.

use ve_base::CodedError;
use ve_proto::ve::market::v1::*;
use ve_sdk::Context;

use super::active_deployment;
use crate::deployment::activity;
use crate::deployment::flow::{self, Cause};
use crate::deployment::ids::GroupId;
use crate::deployment::lifecycle::GroupEvent;

pub fn check_pause(msg: &MsgPauseGroup) -> Result<(), CodedError> {
    GroupId::new(&msg.owner, msg.dseq, msg.gseq).map(|_| ())
}

/// Ends the group's order and lease; nothing is charged until it is started again.
pub fn pause(ctx: &mut Context<'_>, msg: &MsgPauseGroup) -> Result<MsgPauseGroupResponse, CodedError> {
    let id = GroupId::new(&msg.owner, msg.dseq, msg.gseq)?;
    flow::stop_group(ctx, &id, GroupEvent::Pause, &Cause::new(Reason::Owner, &msg.owner))?;
    Ok(MsgPauseGroupResponse {})
}

pub fn check_start(msg: &MsgStartGroup) -> Result<(), CodedError> {
    GroupId::new(&msg.owner, msg.dseq, msg.gseq).map(|_| ())
}

/// Opens a new order for the group.
pub fn start(ctx: &mut Context<'_>, msg: &MsgStartGroup) -> Result<MsgStartGroupResponse, CodedError> {
    let id = GroupId::new(&msg.owner, msg.dseq, msg.gseq)?;
    activity::count(ctx, &id.deployment.owner, ActivityKind::Order)?;
    active_deployment(ctx, &id.deployment)?;
    flow::move_group(ctx, &id, GroupEvent::Start, &Cause::new(Reason::Owner, &msg.owner))?;
    Ok(MsgStartGroupResponse { oseq: flow::open_order(ctx, &id)?.oseq })
}

pub fn check_close(msg: &MsgCloseGroup) -> Result<(), CodedError> {
    GroupId::new(&msg.owner, msg.dseq, msg.gseq).map(|_| ())
}

pub fn close(ctx: &mut Context<'_>, msg: &MsgCloseGroup) -> Result<MsgCloseGroupResponse, CodedError> {
    let id = GroupId::new(&msg.owner, msg.dseq, msg.gseq)?;
    flow::stop_group(ctx, &id, GroupEvent::Close, &Cause::new(Reason::Owner, &msg.owner))?;
    Ok(MsgCloseGroupResponse {})
}
