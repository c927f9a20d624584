//! `MsgGrantAllowance`: an account offers to pay the fees of another one.

use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::feegrant::v1beta1::{MsgGrantAllowance, MsgGrantAllowanceResponse};
use ve_sdk::Context;

use crate::auth;
use crate::feegrant::allowance::Allowance;
use crate::feegrant::{account, grants};

fn given(msg: &MsgGrantAllowance) -> Result<Allowance, CodedError> {
    let any = msg.allowance.as_ref().ok_or_else(|| Error::InvalidRequest("the allowance is missing".into()))?;
    Allowance::from_any(any)
}

pub fn check(msg: &MsgGrantAllowance) -> Result<(), CodedError> {
    if account("granter", &msg.granter)? == account("grantee", &msg.grantee)? {
        return Err(Error::InvalidAddress("cannot self-grant fee authorization".into()).into());
    }
    given(msg)?.check()
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgGrantAllowance) -> Result<MsgGrantAllowanceResponse, CodedError> {
    let (granter, grantee) = (account("granter", &msg.granter)?, account("grantee", &msg.grantee)?);
    let allowance = given(msg)?;
    if allowance.expiration().is_some_and(|time| time <= ctx.time()) {
        return Err(Error::InvalidRequest("expiration is before current block time".into()).into());
    }
    grants::put(ctx, &granter, &grantee, &allowance)?;
    // So that somebody who owns nothing yet can sign.
    auth::ensure(ctx, &grantee)?;
    ctx.emit(grants::event("set_feegrant", &granter, &grantee));
    Ok(MsgGrantAllowanceResponse {})
}
