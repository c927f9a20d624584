//! `MsgStartReclaim`: the provider takes capacity back after the agreed notice; the chain closes the lease then.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::market::v1::{MsgStartReclaim, MsgStartReclaimResponse};
use ve_sdk::Context;

use crate::deployment::error::Error;
use crate::deployment::ids::BidId;
use crate::deployment::keys::LEASES;
use crate::deployment::lifecycle::{self, LeaseEvent};
use crate::deployment::{event, flow};

pub fn check(msg: &MsgStartReclaim) -> Result<(), CodedError> {
    let provider = parse_account("provider", &msg.provider)?;
    if BidId::from_proto(msg.lease.as_ref())?.provider == provider {
        return Ok(());
    }
    Err(Error::Unauthorized(msg.provider.clone(), "the lease's provider").into())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgStartReclaim) -> Result<MsgStartReclaimResponse, CodedError> {
    let id = BidId::from_proto(msg.lease.as_ref())?;
    let mut lease = flow::lease(ctx, &id)?;
    if lease.reclamation_window == 0 {
        return Err(Error::NoWindow(id.to_string()).into());
    }
    let next = lifecycle::lease(lease.state(), LeaseEvent::Reclaim);
    let state = lease.state();
    lease.set_state(next.ok_or_else(|| flow::wrong_state(format!("lease {id}"), state.as_str_name(), "active"))?);
    lease.reclaim_at = ctx.time().unix().saturating_add(lease.reclamation_window);
    lease.updated_height = ctx.height();
    LEASES.set(ctx, &id, &lease)?;
    event::bid(ctx, "lease", "reclaiming", &id, lease.price.as_ref(), None);
    Ok(MsgStartReclaimResponse { reclaim_at: lease.reclaim_at })
}
