//! `MsgUpdateProvider`: replaces address, attributes and info; attributes that live leases need stay.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::provider::v1::{MsgUpdateProvider, MsgUpdateProviderResponse, ProviderState};
use ve_sdk::Context;

use super::{check_host_uri, check_info};
use crate::provider::attributes::normalize;
use crate::provider::{ProviderHooks, registry};

pub fn check(msg: &MsgUpdateProvider) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner)?;
    check_host_uri(&msg.host_uri)?;
    check_info(msg.info.as_ref())?;
    normalize(&msg.attributes)?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgUpdateProvider) -> Result<MsgUpdateProviderResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    let mut provider = registry::require(ctx, &owner)?;
    if provider.state() == ProviderState::Exited {
        return Err(registry::illegal(&provider, "a provider that left cannot change").into());
    }
    let attributes = normalize(&msg.attributes)?;
    for hook in ctx.hooks().all::<dyn ProviderHooks>() {
        hook.allow_attributes(ctx, &owner, &attributes)?;
    }
    provider.attributes = attributes;
    provider.host_uri.clone_from(&msg.host_uri);
    provider.info.clone_from(&msg.info);
    // The gateway may have left its domain.
    registry::reconsider(ctx, &mut provider)?;
    registry::save(ctx, &mut provider, "provider_updated")?;
    Ok(MsgUpdateProviderResponse {})
}
