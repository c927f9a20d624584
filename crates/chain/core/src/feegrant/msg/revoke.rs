//! `MsgRevokeAllowance`: the granter takes an allowance back.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::feegrant::v1beta1::{MsgRevokeAllowance, MsgRevokeAllowanceResponse};
use ve_sdk::Context;

use crate::feegrant::{account, grants};

pub fn check(msg: &MsgRevokeAllowance) -> Result<(), CodedError> {
    if account("granter", &msg.granter)? == account("grantee", &msg.grantee)? {
        return Err(Error::InvalidAddress("addresses must be different".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeAllowance) -> Result<MsgRevokeAllowanceResponse, CodedError> {
    let (granter, grantee) = (account("granter", &msg.granter)?, account("grantee", &msg.grantee)?);
    grants::remove(ctx, &granter, &grantee)?;
    ctx.emit(grants::event("revoke_feegrant", &granter, &grantee));
    Ok(MsgRevokeAllowanceResponse {})
}
