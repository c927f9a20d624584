//! `MsgReleaseEscrow`: a depositor pays unspent coins to a payee at once.

use ve_base::CodedError;
use ve_proto::ve::escrow::v1::{MsgReleaseEscrow, MsgReleaseEscrowResponse};
use ve_sdk::Context;

use super::{leases, parse, positive};
use crate::escrow::release;

pub fn check(msg: &MsgReleaseEscrow) -> Result<(), CodedError> {
    parse("depositor", &msg.depositor)?;
    leases(msg.account.as_ref())?;
    positive(msg.amount.as_ref())?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgReleaseEscrow) -> Result<MsgReleaseEscrowResponse, CodedError> {
    let (from, coin) = (parse("depositor", &msg.depositor)?, positive(msg.amount.as_ref())?);
    let net = release::release(ctx, &leases(msg.account.as_ref())?, &from, &msg.payment, &coin)?;
    Ok(MsgReleaseEscrowResponse { net: Some(net.to_proto()) })
}
