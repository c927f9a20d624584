//! `MsgResolveDispute`: a party gives in, or governance decides.

use ve_base::{Amount, CodedError};
use ve_proto::ve::escrow::v1::{MsgResolveDispute, MsgResolveDisputeResponse};
use ve_sdk::Context;

use super::{leases, parse};
use crate::escrow::dispute::{self, Judge};

pub fn check(msg: &MsgResolveDispute) -> Result<(), CodedError> {
    parse("sender", &msg.sender)?;
    leases(msg.account.as_ref())?;
    msg.to_payee.parse::<Amount>()?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgResolveDispute) -> Result<MsgResolveDisputeResponse, CodedError> {
    let sender = parse("sender", &msg.sender)?;
    let judge = match ve_sdk::require_authority(&msg.sender) {
        Ok(()) => Judge::Governance,
        Err(_) => Judge::Party(sender),
    };
    dispute::resolve(ctx, &leases(msg.account.as_ref())?, msg.dispute, &judge, msg.to_payee.parse()?)?;
    Ok(MsgResolveDisputeResponse {})
}
