//! `MsgApproveRelease`: one of the accounts that a condition names approves.

use ve_base::CodedError;
use ve_proto::ve::escrow::v1::{MsgApproveRelease, MsgApproveReleaseResponse};
use ve_sdk::Context;

use super::{leases, parse};
use crate::escrow::release;

pub fn check(msg: &MsgApproveRelease) -> Result<(), CodedError> {
    parse("signer", &msg.signer)?;
    leases(msg.account.as_ref()).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgApproveRelease) -> Result<MsgApproveReleaseResponse, CodedError> {
    release::approve(ctx, &leases(msg.account.as_ref())?, &parse("signer", &msg.signer)?)?;
    Ok(MsgApproveReleaseResponse {})
}
