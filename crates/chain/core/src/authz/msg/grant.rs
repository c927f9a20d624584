//! `MsgGrant`: an account lets another one send some messages in its name.

use ve_base::{BlockTime, CodedError, errors::sdk};
use ve_proto::cosmos::authz::v1beta1::{Grant, MsgGrant, MsgGrantResponse};
use ve_sdk::Context;

use crate::auth;
use crate::authz::authorization::Authorization;
use crate::authz::error::Error;
use crate::authz::{account, grants};

fn given(msg: &MsgGrant) -> Result<(&Grant, Authorization), CodedError> {
    let missing = |what: &str| sdk::Error::InvalidRequest(format!("the {what} is missing"));
    let grant = msg.grant.as_ref().ok_or_else(|| missing("grant"))?;
    let authorization = grant.authorization.as_ref().ok_or_else(|| missing("authorization"))?;
    Ok((grant, Authorization::from_any(authorization)?))
}

pub fn check(msg: &MsgGrant) -> Result<(), CodedError> {
    if account("granter", &msg.granter)? == account("grantee", &msg.grantee)? {
        return Err(Error::SameAccount.into());
    }
    let (grant, authorization) = given(msg)?;
    if let Some(time) = &grant.expiration {
        BlockTime::from_proto(time).ok_or(Error::Expiration)?;
    }
    authorization.check()
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgGrant) -> Result<MsgGrantResponse, CodedError> {
    let (granter, grantee) = (account("granter", &msg.granter)?, account("grantee", &msg.grantee)?);
    let (grant, authorization) = given(msg)?;
    if grants::expiration(grant).is_some_and(|time| time <= ctx.time()) {
        return Err(Error::Expiration.into());
    }
    authorization.check_known(ctx.registry())?;
    auth::ensure(ctx, &grantee)?;
    let url = authorization.message();
    // Written in our own encoding: state has one form of each value.
    let grant = Grant { authorization: Some(authorization.to_any()), expiration: grant.expiration };
    grants::put(ctx, &granter, &grantee, &url, &grant)?;
    ctx.emit(grants::event("EventGrant", &msg.granter, &msg.grantee, &url));
    Ok(MsgGrantResponse {})
}
