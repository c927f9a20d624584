//! `MsgRequestDomainVerification`: the provider asks attesters to look at its domain.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::provider::v1::{
    DomainMethod, MsgRequestDomainVerification, MsgRequestDomainVerificationResponse, ProviderState,
};
use ve_sdk::Context;

use crate::provider::{Error, domain, registry};

pub fn check(msg: &MsgRequestDomainVerification) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner)?;
    domain::check_name(&msg.domain)?;
    if msg.method() == DomainMethod::Unspecified { Err(Error::DomainMethod.into()) } else { Ok(()) }
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgRequestDomainVerification,
) -> Result<MsgRequestDomainVerificationResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    let provider = registry::require(ctx, &owner)?;
    if provider.state() == ProviderState::Exited {
        return Err(registry::illegal(&provider, "a provider that left needs no domain").into());
    }
    let asked = domain::request(ctx, &owner, &msg.domain, msg.method())?;
    Ok(MsgRequestDomainVerificationResponse { token: asked.token, expires_at: asked.expires_at })
}
