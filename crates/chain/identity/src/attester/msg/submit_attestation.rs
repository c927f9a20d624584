//! `MsgSubmitAttestation`: the only way for a fact of the outside world to become known to the chain.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::{Attestation, MsgSubmitAttestation, MsgSubmitAttestationResponse};
use ve_sdk::Context;

use crate::attester::error::Error;
use crate::attester::{records, statement};

fn given(msg: &MsgSubmitAttestation) -> Result<&Attestation, Error> {
    msg.attestation.as_ref().ok_or(Error::Attestation("it is missing"))
}

pub fn check(msg: &MsgSubmitAttestation) -> Result<(), CodedError> {
    parse_account("submitter", &msg.submitter)?;
    statement::check(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgSubmitAttestation) -> Result<MsgSubmitAttestationResponse, CodedError> {
    let record = records::submit(ctx, &msg.submitter, given(msg)?)?;
    Ok(MsgSubmitAttestationResponse { id: record.id })
}
