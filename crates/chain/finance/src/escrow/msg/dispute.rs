//! `MsgDisputeEscrow`: a party freezes unspent coins.

use ve_base::CodedError;
use ve_proto::ve::escrow::v1::{MsgDisputeEscrow, MsgDisputeEscrowResponse};
use ve_sdk::Context;

use super::{leases, parse, positive};
use crate::escrow::{Error, dispute};

pub fn check(msg: &MsgDisputeEscrow) -> Result<(), CodedError> {
    parse("sender", &msg.sender)?;
    leases(msg.account.as_ref())?;
    positive(msg.amount.as_ref())?;
    if msg.statement_hash.len() == 32 { Ok(()) } else { Err(Error::Hash(msg.statement_hash.len()).into()) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgDisputeEscrow) -> Result<MsgDisputeEscrowResponse, CodedError> {
    let (sender, coin) = (parse("sender", &msg.sender)?, positive(msg.amount.as_ref())?);
    let id = leases(msg.account.as_ref())?;
    let (dispute, bond) = dispute::open(ctx, &id, &sender, &msg.payment, &coin, &msg.statement_hash)?;
    Ok(MsgDisputeEscrowResponse { dispute, bond: Some(bond.to_proto()) })
}
