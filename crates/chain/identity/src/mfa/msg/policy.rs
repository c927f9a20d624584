//! `MsgSetPolicy` and `MsgCancelChange`.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;

use crate::mfa::error::Error;
use crate::mfa::keys::CHANGES;
use crate::mfa::{policy, profile};

pub fn check(msg: &MsgSetPolicy) -> Result<(), CodedError> {
    parse_account("account", &msg.address)?;
    policy::check(&msg.rules)
}

/// More at once, less after the delay. The gate has asked for what either demands.
pub fn set(ctx: &mut Context<'_>, msg: &MsgSetPolicy) -> Result<MsgSetPolicyResponse, CodedError> {
    let address = parse_account("account", &msg.address)?;
    let mut profile = profile::load(ctx, &address)?;
    if profile.protected_since == 0 {
        return Err(Error::Request("enrol a factor before you demand one").into());
    }
    policy::check_feasible(ctx, &address, &msg.rules)?;
    if policy::weakens(&profile.rules, &msg.rules) {
        let change =
            DelayedChange { address: msg.address.clone(), rules: msg.rules.clone(), ..DelayedChange::default() };
        let change = policy::delay(ctx, change)?;
        return Ok(MsgSetPolicyResponse { change_id: change.id, effective_at: change.effective_at });
    }
    profile.rules.clone_from(&msg.rules);
    profile::save(ctx, &profile)?;
    Ok(MsgSetPolicyResponse { change_id: 0, effective_at: ctx.time().unix() })
}

pub fn check_cancel(msg: &MsgCancelChange) -> Result<(), CodedError> {
    parse_account("account", &msg.address).map(|_| ())
}

/// Without proof: taking a weakening back makes nothing weaker.
pub fn cancel(ctx: &mut Context<'_>, msg: &MsgCancelChange) -> Result<MsgCancelChangeResponse, CodedError> {
    let place = (parse_account("account", &msg.address)?, msg.change_id);
    if !CHANGES.has(ctx, &place)? {
        return Err(Error::NotFound("change", msg.change_id).into());
    }
    CHANGES.remove(ctx, &place)?;
    Ok(MsgCancelChangeResponse {})
}
