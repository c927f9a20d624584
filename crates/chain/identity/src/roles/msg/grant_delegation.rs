//! `MsgGrantDelegation`: a part of what the delegator may do, for somebody else.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::roles::v1::{
    Delegation, DelegationState, MsgGrantDelegation, MsgGrantDelegationResponse, Permission,
};
use ve_sdk::Context;

use crate::roles::delegations::{self, MAX_SCOPE, MAX_USES};
use crate::roles::error::Error;
use crate::roles::keys::NEXT_DELEGATION;
use crate::roles::{params, states};

pub fn check(msg: &MsgGrantDelegation) -> Result<(), CodedError> {
    parse_account("delegator", &msg.delegator)?;
    parse_account("delegate", &msg.delegate)?;
    let invalid = |cause: String| -> Result<(), CodedError> { Err(Error::Invalid(cause).into()) };
    if msg.delegator == msg.delegate {
        return Err(Error::SelfAction(msg.delegator.clone()).into());
    }
    let known = |number: &i32| Permission::try_from(*number).is_ok_and(|known| known != Permission::Unspecified);
    let ordered = msg.permissions.is_sorted_by(|left, right| left < right);
    if msg.permissions.is_empty() || !ordered || !msg.permissions.iter().all(known) {
        return invalid("name known permissions in ascending order, each once".into());
    }
    if msg.scope.len() > MAX_SCOPE {
        return invalid(format!("a scope has at most {MAX_SCOPE} bytes"));
    }
    if msg.max_uses == 0 || msg.max_uses > MAX_USES {
        return invalid(format!("max_uses is from 1 to {MAX_USES}"));
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgGrantDelegation) -> Result<MsgGrantDelegationResponse, CodedError> {
    let delegator = parse_account("delegator", &msg.delegator)?;
    let delegate = parse_account("delegate", &msg.delegate)?;
    let (now, most) = (ctx.time().unix(), params::load(ctx)?.max_delegation_seconds);
    if msg.expires_at <= now || msg.expires_at > now.saturating_add(most) {
        return Err(Error::Invalid(format!("a delegation ends within {most} seconds from now")).into());
    }
    if ctx.registry().module_account(&delegate).is_some() || !states::is_active(ctx, &delegate)? {
        return Err(Error::Invalid(format!("{delegate} is no active account")).into());
    }
    for permission in msg.permissions() {
        if !delegations::owns(ctx, &delegator, permission)? {
            return Err(Error::Unauthorized(msg.delegator.clone(), "it does not have what it would delegate").into());
        }
    }
    delegations::check_count(ctx, &delegator)?;
    let id = NEXT_DELEGATION.get(ctx)?.unwrap_or(1);
    NEXT_DELEGATION.set(ctx, &id.saturating_add(1))?;
    let delegation = Delegation {
        id,
        delegator: msg.delegator.clone(),
        delegate: msg.delegate.clone(),
        permissions: msg.permissions.clone(),
        scope: msg.scope.clone(),
        granted_at: now,
        expires_at: msg.expires_at,
        max_uses: msg.max_uses,
        uses: 0,
        state: DelegationState::Active.into(),
        ended_at: 0,
    };
    delegations::save(ctx, &delegation, "delegation_granted", &msg.delegator)?;
    Ok(MsgGrantDelegationResponse { delegation_id: id })
}
