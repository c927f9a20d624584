//! `MsgSetDenyList`: customers that the provider does not serve.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::provider::v1::{MsgSetDenyList, MsgSetDenyListResponse};
use ve_sdk::{Context, Event};

use crate::provider::keys::DENIALS;
use crate::provider::{Error, params, registry};

/// Changes in one message.
const MAX_CHANGES: usize = 100;

pub fn check(msg: &MsgSetDenyList) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner)?;
    let all = || msg.add.iter().chain(&msg.remove);
    if !(1..=MAX_CHANGES).contains(&all().count()) {
        return Err(Error::DenyList(format!("give 1 to {MAX_CHANGES} changes")).into());
    }
    for customer in all() {
        parse_account("customer", customer)?;
    }
    if msg.add.iter().any(|added| msg.remove.contains(added)) {
        return Err(Error::DenyList("a customer is added and removed at once".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSetDenyList) -> Result<MsgSetDenyListResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    registry::require(ctx, &owner)?;
    for customer in &msg.remove {
        DENIALS.remove(ctx, (&owner, &parse_account("customer", customer)?))?;
    }
    for customer in &msg.add {
        DENIALS.set(ctx, (&owner, &parse_account("customer", customer)?), &())?;
    }
    let limit = usize::try_from(params::load(ctx)?.max_denials).unwrap_or(usize::MAX);
    if DENIALS.prefix(ctx, &owner).take(limit.saturating_add(1)).count() > limit {
        return Err(Error::DenyList(format!("at most {limit} customers can be refused; remove some first")).into());
    }
    let (added, removed) = (msg.add.len(), msg.remove.len());
    ctx.emit(Event::new("provider_deny_list").with("owner", &owner).with("added", added).with("removed", removed));
    Ok(MsgSetDenyListResponse {})
}
