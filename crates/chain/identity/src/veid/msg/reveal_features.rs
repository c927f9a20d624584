//! `MsgRevealFeatures`: a member opens its features to the other members. The chain sees which exact features they are,
//! by their digest alone; enclaves compare the rest with the commitment.

use ve_base::{CodedError, parse_account, verification};
use ve_proto::ve::veid::v1::{MsgRevealFeatures, MsgRevealFeaturesResponse, RunState};
use ve_sdk::Context;

use crate::encryption;
use crate::veid::error::Error;
use crate::veid::keys::{REQUESTS, REVEALS};
use crate::veid::seats::{self, Turn};
use crate::veid::{capture, params, runs};

pub fn check(msg: &MsgRevealFeatures) -> Result<(), CodedError> {
    if msg.e_digest.len() != 32 {
        return Err(Error::Input("a digest has 32 bytes".into()).into());
    }
    if msg.features.as_ref().is_none_or(|features| features.ciphertext.is_empty()) {
        return Err(Error::EnvelopeInvalid("give the sealed features themselves".into()).into());
    }
    seats::check(&msg.member, &msg.run_id, &msg.enclave_signature)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRevealFeatures) -> Result<MsgRevealFeaturesResponse, CodedError> {
    let features = msg.features.clone().unwrap_or_default();
    let hash = capture::envelope_hash(&features);
    let signed = verification::reveal_signed(ctx.chain_id(), &msg.run_id, &msg.member, &hash, &msg.e_digest);
    let phases = [RunState::Revealing];
    let mut turn = Turn::take(ctx, &msg.member, &msg.run_id, &phases, &signed, &msg.enclave_signature)?;
    let run = turn.request.run.clone().unwrap_or_default();
    let mut ids: Vec<String> = run.seats.into_iter().map(|seat| seat.key_id).collect();
    ids.sort();
    // The enclave's signature covers the envelope, so its own sender is of no matter.
    encryption::check_for_committee(ctx, &features, &ids)?;
    let seat = turn.seat()?;
    if seat.commit.is_empty() || !seat.e_digest.is_empty() {
        return Err(Error::Answered.into());
    }
    seat.e_digest.clone_from(&msg.e_digest);
    REVEALS.set(ctx, (&msg.run_id, &parse_account("member", &msg.member)?), &features)?;
    runs::advance(ctx, &turn.owner, &mut turn.request, &params::load(ctx)?)?;
    REQUESTS.set(ctx, &turn.owner, &turn.request)?;
    Ok(MsgRevealFeaturesResponse {})
}
