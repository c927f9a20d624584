//! `MsgRevoke`: the granter takes a grant back.

use ve_base::{CodedError, errors::sdk};
use ve_proto::cosmos::authz::v1beta1::{MsgRevoke, MsgRevokeResponse};
use ve_sdk::Context;

use crate::authz::error::Error;
use crate::authz::{account, grants};

pub fn check(msg: &MsgRevoke) -> Result<(), CodedError> {
    if account("granter", &msg.granter)? == account("grantee", &msg.grantee)? {
        return Err(Error::SameAccount.into());
    }
    if msg.msg_type_url.is_empty() {
        return Err(sdk::Error::InvalidRequest("missing msg type url".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevoke) -> Result<MsgRevokeResponse, CodedError> {
    let (granter, grantee) = (account("granter", &msg.granter)?, account("grantee", &msg.grantee)?);
    grants::remove(ctx, &granter, &grantee, &msg.msg_type_url)?;
    ctx.emit(grants::event("EventRevoke", &msg.granter, &msg.grantee, &msg.msg_type_url));
    Ok(MsgRevokeResponse {})
}
