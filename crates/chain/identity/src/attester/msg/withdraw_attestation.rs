//! `MsgWithdrawAttestation`: the subject or the issuer takes a fact back.

use ve_base::errors::sdk;
use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::{MsgWithdrawAttestation, MsgWithdrawAttestationResponse};
use ve_sdk::Context;

use crate::attester::records;

pub fn check(msg: &MsgWithdrawAttestation) -> Result<(), CodedError> {
    parse_account("signer", &msg.signer).map(|_| ())
}

pub fn execute(
    ctx: &mut Context<'_>,
    msg: &MsgWithdrawAttestation,
) -> Result<MsgWithdrawAttestationResponse, CodedError> {
    let record = records::require(ctx, &msg.id)?;
    let of = records::of(&record);
    if msg.signer != of.subject && msg.signer != of.issuer {
        let text =
            format!("attestation {} is withdrawn by its subject or its issuer, not by {}", record.id, msg.signer);
        return Err(sdk::Error::Unauthorized(text).into());
    }
    records::drop(ctx, &record, "attestation_withdrawn")?;
    Ok(MsgWithdrawAttestationResponse {})
}
