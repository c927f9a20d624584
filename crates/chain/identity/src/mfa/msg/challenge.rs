//! `MsgCreateChallenge` and `MsgSubmitFactorProof`.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;

use crate::mfa::challenge;
use crate::mfa::error::Error;

pub fn create(ctx: &mut Context<'_>, msg: &MsgCreateChallenge) -> Result<MsgCreateChallengeResponse, CodedError> {
    let made = challenge::create(ctx, msg)?;
    Ok(MsgCreateChallengeResponse {
        challenge_id: made.id,
        bytes_to_sign: made.bytes_to_sign,
        expires_at: made.expires_at,
    })
}

pub fn check_submit(msg: &MsgSubmitFactorProof) -> Result<(), CodedError> {
    parse_account("sender", &msg.sender)?;
    msg.proof.as_ref().map(|_| ()).ok_or_else(|| Error::Request("the proof is missing").into())
}

pub fn submit(ctx: &mut Context<'_>, msg: &MsgSubmitFactorProof) -> Result<MsgSubmitFactorProofResponse, CodedError> {
    let proof = msg.proof.as_ref().ok_or(Error::Request("the proof is missing"))?;
    if challenge::require(ctx, msg.challenge_id)?.action() == Action::FactorConfirmation {
        return Err(Error::Request("a new factor is proven with MsgConfirmEnrollment").into());
    }
    let (_, verified) = challenge::submit(ctx, &msg.sender, msg.challenge_id, proof)?;
    Ok(MsgSubmitFactorProofResponse { verified })
}
