//! `MsgSubmitDomainAttestation`: an attester says what it saw at a domain.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::provider::v1::{MsgSubmitDomainAttestation, MsgSubmitDomainAttestationResponse};
use ve_sdk::Context;

use crate::provider::domain;

pub fn check(msg: &MsgSubmitDomainAttestation) -> Result<(), CodedError> {
    parse_account("attester", &msg.attester)?;
    parse_account("provider", &msg.provider)?;
    Ok(())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgSubmitDomainAttestation,
) -> Result<MsgSubmitDomainAttestationResponse, CodedError> {
    let (attester, owner) = (parse_account("attester", &msg.attester)?, parse_account("provider", &msg.provider)?);
    domain::attest(ctx, &attester, &owner, &msg.token, msg.holds, msg.observed_at)?;
    Ok(MsgSubmitDomainAttestationResponse {})
}
