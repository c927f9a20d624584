//! `MsgCommitFeatures`: a member binds itself before it sees what others extracted.

use ve_base::{CodedError, verification};
use ve_proto::ve::veid::v1::{MsgCommitFeatures, MsgCommitFeaturesResponse, RunState};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::keys::REQUESTS;
use crate::veid::seats::{self, Turn};
use crate::veid::{params, runs};

pub fn check(msg: &MsgCommitFeatures) -> Result<(), CodedError> {
    if msg.commit.len() != 32 {
        return Err(Error::Input("a commitment has 32 bytes".into()).into());
    }
    seats::check(&msg.member, &msg.run_id, &msg.enclave_signature)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCommitFeatures) -> Result<MsgCommitFeaturesResponse, CodedError> {
    let signed = verification::commit_signed(ctx.chain_id(), &msg.run_id, &msg.member, &msg.commit);
    let phases = [RunState::Extracting];
    let mut turn = Turn::take(ctx, &msg.member, &msg.run_id, &phases, &signed, &msg.enclave_signature)?;
    let seat = turn.seat()?;
    if !seat.commit.is_empty() || !seat.failure.is_empty() {
        return Err(Error::Answered.into());
    }
    seat.commit.clone_from(&msg.commit);
    runs::advance(ctx, &turn.owner, &mut turn.request, &params::load(ctx)?)?;
    REQUESTS.set(ctx, &turn.owner, &turn.request)?;
    Ok(MsgCommitFeaturesResponse {})
}
