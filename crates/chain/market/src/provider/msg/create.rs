//! `MsgCreateProvider`: registers the signer as a provider, pending until bonded and keyed.

use ve_base::{Amount, CodedError, parse_account};
use ve_proto::ve::provider::v1::{MsgCreateProvider, MsgCreateProviderResponse, Provider, ProviderState};
use ve_sdk::Context;

use super::{check_host_uri, check_info};
use crate::provider::attributes::normalize;
use crate::provider::{Error, registry};

pub fn check(msg: &MsgCreateProvider) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner)?;
    check_host_uri(&msg.host_uri)?;
    check_info(msg.info.as_ref())?;
    normalize(&msg.attributes)?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCreateProvider) -> Result<MsgCreateProviderResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    if registry::get(ctx, &owner)?.is_some() {
        return Err(Error::Exists(owner.to_string()).into());
    }
    let mut provider = Provider {
        owner: msg.owner.clone(),
        host_uri: msg.host_uri.clone(),
        attributes: normalize(&msg.attributes)?,
        info: msg.info.clone(),
        state: ProviderState::Pending.into(),
        bond: Amount::ZERO.to_string(),
        ..Provider::default()
    };
    registry::save(ctx, &mut provider, "provider_created")?;
    Ok(MsgCreateProviderResponse {})
}
