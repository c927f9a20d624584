//! `MsgSubmitDomainAttestation`: an attester says what it saw at a domain.

use ve_base::CodedError;
use ve_proto::ve::provider::v1::{MsgSubmitDomainAttestation, MsgSubmitDomainAttestationResponse};
use ve_sdk::Context;

use crate::provider::domain;
use crate::text::address;

pub fn check(msg: &MsgSubmitDomainAttestation) -> Result<(), CodedError> {
    address("attester", &msg.attester)?;
    address("provider", &msg.provider)?;
    Ok(())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgSubmitDomainAttestation,
) -> Result<MsgSubmitDomainAttestationResponse, CodedError> {
    let (attester, owner) = (address("attester", &msg.attester)?, address("provider", &msg.provider)?);
    domain::attest(ctx, &attester, &owner, &msg.token, msg.holds, msg.observed_at)?;
    Ok(MsgSubmitDomainAttestationResponse {})
}
