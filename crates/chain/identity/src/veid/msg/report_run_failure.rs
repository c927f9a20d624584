//! `MsgReportRunFailure`: evidence that cannot be scored, or features that do not agree. When a quorum says the former
//! with one voice, the user captures again.

use ve_base::{CodedError, verification};
use ve_proto::ve::veid::v1::{MsgReportRunFailure, MsgReportRunFailureResponse, RunState};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::keys::REQUESTS;
use crate::veid::seats::{self, Turn};
use crate::veid::{params, runs};

pub fn check(msg: &MsgReportRunFailure) -> Result<(), CodedError> {
    let plain = msg.code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if !(1..=48).contains(&msg.code.len()) || !plain || msg.evidence_hash.len() != 32 {
        return Err(Error::Input("a code is 1 to 48 capital letters, an evidence hash 32 bytes".into()).into());
    }
    seats::check(&msg.member, &msg.run_id, &msg.enclave_signature)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgReportRunFailure) -> Result<MsgReportRunFailureResponse, CodedError> {
    let signed = verification::failure_signed(ctx.chain_id(), &msg.run_id, &msg.member, &msg.code, &msg.evidence_hash);
    let phases = [RunState::Extracting, RunState::Attesting];
    let mut turn = Turn::take(ctx, &msg.member, &msg.run_id, &phases, &signed, &msg.enclave_signature)?;
    let extracting = turn.request.run.as_ref().is_some_and(|run| run.state() == RunState::Extracting);
    let seat = turn.seat()?;
    let answered =
        if extracting { !seat.commit.is_empty() } else { seat.e_digest.is_empty() || seat.attestation.is_some() };
    if !seat.failure.is_empty() || answered {
        return Err(Error::Answered.into());
    }
    seat.failure.clone_from(&msg.code);
    let run = turn.request.run.clone().unwrap_or_default();
    let equal = run.seats.iter().filter(|seat| seat.failure == msg.code).count();
    // Later, it says that there was no agreement: a new draw decides.
    let last = extracting && equal >= runs::needed(&run);
    if last {
        runs::retake(ctx, &turn.owner, &mut turn.request, &msg.code)?;
    } else {
        runs::advance(ctx, &turn.owner, &mut turn.request, &params::load(ctx)?)?;
    }
    REQUESTS.set(ctx, &turn.owner, &turn.request)?;
    Ok(MsgReportRunFailureResponse { r#final: last })
}
