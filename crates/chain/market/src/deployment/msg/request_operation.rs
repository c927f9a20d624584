//! `MsgRequestOperation`: the customer has a workload stopped, started or restarted.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::market::v1::{Action, LeaseState, MsgRequestOperation, MsgRequestOperationResponse};
use ve_sdk::Context;

use crate::deployment::error::Error;
use crate::deployment::ids::BidId;
use crate::deployment::keys::OPERATIONS;
use crate::deployment::{flow, resource};

/// A key stands for one operation for this many seconds.
const IDEM_SECONDS: u64 = 86_400;

pub fn check(msg: &MsgRequestOperation) -> Result<(), CodedError> {
    let owner = parse_account("owner", &msg.owner)?;
    let id = BidId::from_proto(msg.lease.as_ref())?;
    if *id.order.owner() != owner {
        return Err(Error::Unauthorized(msg.owner.clone(), "the lease's customer").into());
    }
    if !matches!(msg.action(), Action::Stop | Action::Start | Action::Restart) {
        return Err(Error::Action(msg.action().as_str_name().to_owned()).into());
    }
    if msg.idem_key.len() == 32 { Ok(()) } else { Err(Error::IdemKey(msg.idem_key.len()).into()) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRequestOperation) -> Result<MsgRequestOperationResponse, CodedError> {
    let id = BidId::from_proto(msg.lease.as_ref())?;
    let lease = flow::lease(ctx, &id)?;
    let now = ctx.time().unix();
    for entry in OPERATIONS.prefix(ctx, &id) {
        let (_, known) = entry?;
        if known.idem_key != msg.idem_key || known.requested_at.saturating_add(IDEM_SECONDS) <= now {
            continue;
        }
        if known.action == msg.action {
            return Ok(MsgRequestOperationResponse { op_id: known.op_id });
        }
        return Err(Error::IdemConflict(known.op_id).into());
    }
    if !matches!(lease.state(), LeaseState::Active | LeaseState::Reclaiming) {
        return Err(flow::wrong_state(format!("lease {id}"), lease.state().as_str_name(), "active").into());
    }
    let op_id = resource::ask(ctx, &id, msg.action(), &msg.owner, &msg.idem_key)?;
    Ok(MsgRequestOperationResponse { op_id })
}
