//! `MsgCloseLease`: either side ends a lease and says why.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::market::v1::{LeaseState, MsgCloseLease, MsgCloseLeaseResponse, Reason};
use ve_sdk::Context;

use crate::deployment::error::Error;
use crate::deployment::flow::{self, Cause};
use crate::deployment::ids::BidId;

const PROVIDER_REASONS: [Reason; 5] =
    [Reason::Unstable, Reason::Decommission, Reason::Unspecified, Reason::ManifestTimeout, Reason::Policy];

/// The sender is a party of the lease and gives a reason of that party.
fn cause(msg: &MsgCloseLease) -> Result<(BidId, Cause, bool), CodedError> {
    let sender = parse_account("sender", &msg.sender)?;
    let id = BidId::from_proto(msg.lease.as_ref())?;
    let (reason, wrong) = (msg.reason(), Error::Reason(msg.reason));
    let by_provider = if sender == *id.order.owner() && reason == Reason::Owner {
        false
    } else if sender == id.provider && PROVIDER_REASONS.contains(&reason) {
        true
    } else if sender == id.provider || sender == *id.order.owner() {
        return Err(wrong.into());
    } else {
        return Err(Error::Unauthorized(msg.sender.clone(), "the lease's customer or provider").into());
    };
    Ok((id, Cause::new(reason, sender), by_provider))
}

pub fn check(msg: &MsgCloseLease) -> Result<(), CodedError> {
    cause(msg).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCloseLease) -> Result<MsgCloseLeaseResponse, CodedError> {
    let (id, cause, by_provider) = cause(msg)?;
    let lease = flow::lease(ctx, &id)?;
    if lease.state() == LeaseState::Closed {
        return Err(flow::wrong_state(format!("lease {id}"), lease.state().as_str_name(), "live").into());
    }
    // The notice that was agreed protects the customer once the workload runs.
    if by_provider && lease.reclamation_window > 0 && lease.provision_deadline == 0 {
        return Err(Error::ReclaimFirst(id.to_string()).into());
    }
    flow::close_lease(ctx, &id, &cause)?;
    Ok(MsgCloseLeaseResponse {})
}
