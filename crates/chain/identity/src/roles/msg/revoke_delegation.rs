//! `MsgRevokeDelegation`: at any time, by either side.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::roles::v1::{DelegationState, MsgRevokeDelegation, MsgRevokeDelegationResponse};
use ve_sdk::Context;

use crate::roles::delegations;
use crate::roles::error::Error;
use crate::roles::keys::DELEGATIONS;

pub fn check(msg: &MsgRevokeDelegation) -> Result<(), CodedError> {
    parse_account("signer", &msg.signer).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevokeDelegation) -> Result<MsgRevokeDelegationResponse, CodedError> {
    let id = msg.delegation_id;
    let mut delegation = DELEGATIONS.get(ctx, &id)?.ok_or(Error::NotFound("delegation", id))?;
    if msg.signer != delegation.delegator && msg.signer != delegation.delegate {
        return Err(Error::Unauthorized(msg.signer.clone(), "the delegation is between others").into());
    }
    if delegation.state() != DelegationState::Active {
        return Err(Error::Delegation(id, "it is over").into());
    }
    delegations::close(ctx, &mut delegation, DelegationState::Revoked);
    delegations::save(ctx, &delegation, "delegation_revoked", &msg.signer)?;
    Ok(MsgRevokeDelegationResponse {})
}
