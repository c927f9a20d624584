//! `MsgAttestScore`: a member's own computation, compared byte by byte with those of the others. This is the only way in
//! which a score comes to be.

use ve_base::{CodedError, verification};
use ve_proto::ve::veid::v1::{MsgAttestScore, MsgAttestScoreResponse, Run, RunState, ScoreAttestation};
use ve_sdk::Context;

use crate::veid::error::Error;
use crate::veid::keys::REQUESTS;
use crate::veid::seats::{self, Turn};
use crate::veid::{faults, params, result, runs};

fn given(msg: &MsgAttestScore) -> Result<&ScoreAttestation, CodedError> {
    Ok(msg.attestation.as_ref().ok_or_else(|| Error::Input("the attestation is missing".into()))?)
}

pub fn check(msg: &MsgAttestScore) -> Result<(), CodedError> {
    seats::check(&msg.member, &msg.run_id, &msg.enclave_signature)?;
    result::check(given(msg)?)
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgAttestScore) -> Result<MsgAttestScoreResponse, CodedError> {
    let attestation = given(msg)?;
    let params = params::load(ctx)?;
    let digest = verification::attestation_digest(&msg.run_id, attestation);
    let signed = verification::attestation_signed(ctx.chain_id(), &msg.member, &digest);
    let phases = [RunState::Attesting];
    let mut turn = Turn::take(ctx, &msg.member, &msg.run_id, &phases, &signed, &msg.enclave_signature)?;
    // A model that went out of force while its runs were open gives no more scores.
    let drawn_for = turn.request.run.as_ref().map(|run| &run.model_id);
    if attestation.model_id != params.model_id || drawn_for != Some(&params.model_id) {
        return Err(Error::Model.into());
    }
    let accepted = &attestation.accepted_scopes;
    let known = accepted.iter().all(|scope_id| turn.request.scope_ids.contains(scope_id));
    if !known || !attestation.assured_scopes.iter().all(|scope_id| accepted.contains(scope_id)) {
        return Err(Error::Input("attestation: its scopes are not those of the request".into()).into());
    }
    check_members(&turn.request.run.clone().unwrap_or_default(), attestation)?;
    let seat = turn.seat()?;
    if seat.e_digest.is_empty() || seat.attestation.is_some() || !seat.failure.is_empty() {
        return Err(Error::Answered.into());
    }
    seat.attestation = Some(attestation.clone());
    let run = turn.request.run.clone().unwrap_or_default();
    let last = is_agreed(ctx, &run, attestation)? && !runs::is_obstructed(ctx, &turn.owner, &turn.request)?;
    if last {
        result::finalise(ctx, &turn.owner, &mut turn.request, attestation)?;
    } else {
        runs::advance(ctx, &turn.owner, &mut turn.request, &params)?;
    }
    REQUESTS.set(ctx, &turn.owner, &turn.request)?;
    Ok(MsgAttestScoreResponse { r#final: last })
}

/// Whether a quorum of the seats attested this, all of them by enclaves that may still decide.
fn is_agreed(ctx: &Context<'_>, run: &Run, attestation: &ScoreAttestation) -> Result<bool, CodedError> {
    let equal: Vec<_> = run.seats.iter().filter(|seat| seat.attestation.as_ref() == Some(attestation)).collect();
    let needed = runs::needed(run);
    if equal.len() < needed {
        return Ok(false);
    }
    let mut standing = 0usize;
    for seat in equal {
        standing = standing.saturating_add(usize::from(seats::in_office(ctx, seat)?));
    }
    Ok(standing >= needed)
}

/// Features of a quorum went in, all of them opened in this run and alike; and only who opened some can have opened
/// wrong ones.
fn check_members(run: &Run, attestation: &ScoreAttestation) -> Result<(), CodedError> {
    let digest_of = |member: &String| {
        let seat = run.seats.iter().find(|seat| seat.member == *member);
        seat.map(|seat| &seat.e_digest).filter(|digest| !digest.is_empty())
    };
    let agreed = faults::agreed_digest(run);
    let alike = attestation.members.iter().all(|member| agreed.is_some() && digest_of(member) == agreed);
    let opened = attestation.mismatched.iter().all(|member| digest_of(member).is_some());
    if !alike || !opened || attestation.members.len() < runs::needed(run) {
        return Err(Error::Input("attestation: its members are not those who opened such features".into()).into());
    }
    Ok(())
}
