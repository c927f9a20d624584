//! What members of committees did wrong, and what it costs their validators. Nobody reports it: it follows from what
//! the members themselves signed.

use sha2::{Digest, Sha256};
use ve_base::{Address, CodedError, parse_account};
use ve_chain_core::performance::{self, Verification};
use ve_chain_core::slashing::{self, Infraction};
use ve_chain_core::staking;
use ve_proto::ve::slashing::v1::Reason;
use ve_proto::ve::veid::v1::{Fault, MemberRecord, Run, ScoreAttestation, Seat, VerificationRequest};
use ve_sdk::{Context, Event};

use super::keys::MEMBERS;
use super::runs;

/// More missed runs in an epoch than this are punished (finance spec section 2.4).
const MISSES: u64 = 10;
/// Divergent features are punished at this number within so many runs (identity-ml spec section 7.3).
const STRIKES: u64 = 3;
const STRIKE_RUNS: u64 = 1_000;

/// How a run ended.
#[derive(Clone, Copy, Debug)]
pub enum End<'a> {
    /// A quorum attested this.
    Scored(&'a ScoreAttestation),
    /// A quorum said with one voice that it cannot be scored.
    Failed(&'a str),
    /// Too few agreed; nobody knows who was right.
    NoQuorum,
}

/// What a member's conduct in a run that ended was; `None` when nothing can be said of it.
pub fn verdict(run: &Run, seat: &Seat, end: End<'_>) -> Option<Result<(), Fault>> {
    let absent = seat.commit.is_empty() || seat.e_digest.is_empty();
    match end {
        End::Scored(right) if right.mismatched.contains(&seat.member) => Some(Err(Fault::Mismatch)),
        End::Scored(_) if absent => Some(Err(Fault::Silent)),
        End::Scored(_) if agreed_digest(run) != Some(&seat.e_digest) => Some(Err(Fault::DivergentFeatures)),
        End::Scored(right) => match &seat.attestation {
            Some(own) if own != right => Some(Err(Fault::DivergentScore)),
            // Whoever opened the right features and was slower than the quorum did its work.
            _ => Some(Ok(())),
        },
        End::Failed(code) if seat.failure == code => Some(Ok(())),
        // It may have been about to answer.
        End::Failed(_) if seat.failure.is_empty() && seat.commit.is_empty() => None,
        End::Failed(_) => Some(Err(Fault::DivergentFeatures)),
        End::NoQuorum => owes(run, seat).then_some(Err(Fault::Silent)),
    }
}

/// Whether a member owed an answer when its run ended without a quorum.
fn owes(run: &Run, seat: &Seat) -> bool {
    use ve_proto::ve::veid::v1::RunState::{Attesting, Revealing};
    if !seat.failure.is_empty() {
        return false;
    }
    match run.state() {
        Attesting => seat.attestation.is_none(),
        Revealing => seat.e_digest.is_empty(),
        _ => seat.commit.is_empty(),
    }
}

/// The digest of exact features that a quorum of the seats opened.
pub fn agreed_digest(run: &Run) -> Option<&Vec<u8>> {
    let opened = || run.seats.iter().map(|seat| &seat.e_digest).filter(|digest| !digest.is_empty());
    opened().find(|digest| opened().filter(|other| other == digest).count() >= runs::needed(run))
}

/// Counts the runs that members were drawn for.
pub fn seated(ctx: &mut Context<'_>, request: &VerificationRequest) -> Result<(), CodedError> {
    let run = request.run.clone().unwrap_or_default();
    for seat in &run.seats {
        let member = parse_account("member", &seat.member)?;
        let mut record = MEMBERS.get_or_default(ctx, &member)?;
        record.member.clone_from(&seat.member);
        record.runs = record.runs.saturating_add(1);
        if record.epoch != run.epoch {
            (record.epoch, record.missed) = (run.epoch, 0);
        }
        MEMBERS.set(ctx, &member, &record)?;
    }
    Ok(())
}

/// Counts and punishes what the members of a run did. `request.run` is as it was before its end.
pub fn settle(ctx: &mut Context<'_>, request: &VerificationRequest, end: End<'_>) -> Result<(), CodedError> {
    let run = request.run.clone().unwrap_or_default();
    for seat in &run.seats {
        let member = parse_account("member", &seat.member)?;
        match verdict(&run, seat, end) {
            Some(Ok(())) => {
                let mut record = MEMBERS.get_or_default(ctx, &member)?;
                record.agreed = record.agreed.saturating_add(1);
                MEMBERS.set(ctx, &member, &record)?;
                performance::verified(ctx, &member, Verification::Agreed)?;
            }
            Some(Err(fault)) => {
                let done = if fault == Fault::Silent { Verification::Missed } else { Verification::Contrary };
                performance::verified(ctx, &member, done)?;
                at_fault(ctx, &member, fault, &run.run_id)?;
            }
            None => {}
        }
    }
    Ok(())
}

/// Counts one fault and punishes its validator where that is due.
pub fn at_fault(ctx: &mut Context<'_>, member: &Address, fault: Fault, run_id: &[u8]) -> Result<(), CodedError> {
    let mut record = MEMBERS.get_or_default(ctx, member)?;
    record.member = member.to_string();
    let reason = count(&mut record, fault);
    MEMBERS.set(ctx, member, &record)?;
    ctx.emit(
        Event::new("verification_fault")
            .with("member", &record.member)
            .with("fault", fault.as_str_name())
            .with("run_id", runs::hex(run_id))
            .with("punished", reason.map_or("", |reason| reason.as_str_name())),
    );
    match reason {
        Some(reason) => punish(ctx, member, reason, run_id),
        None => Ok(()),
    }
}

/// What a fault is punished for, if at once.
pub fn count(record: &mut MemberRecord, fault: Fault) -> Option<Reason> {
    let more = |counter: &mut u64| *counter = counter.saturating_add(1);
    match fault {
        Fault::Silent => {
            more(&mut record.silent);
            more(&mut record.missed);
            (record.missed > MISSES).then(|| {
                record.missed = 0;
                Reason::MissedRecomputations
            })
        }
        Fault::DivergentFeatures => {
            more(&mut record.divergent);
            if record.runs.saturating_sub(record.strikes_since) > STRIKE_RUNS {
                record.strikes = 0;
            }
            if record.strikes == 0 {
                record.strikes_since = record.runs;
            }
            more(&mut record.strikes);
            (record.strikes >= STRIKES).then(|| {
                record.strikes = 0;
                Reason::InconsistentScore
            })
        }
        Fault::DivergentScore | Fault::Mismatch => {
            more(&mut record.divergent);
            Some(Reason::InconsistentScore)
        }
        Fault::WrongScore => {
            more(&mut record.wrong);
            Some(Reason::InvalidIdentityAttestation)
        }
        Fault::Unspecified => None,
    }
}

/// Nothing when the account operates no validator any more.
fn punish(ctx: &mut Context<'_>, member: &Address, reason: Reason, run_id: &[u8]) -> Result<(), CodedError> {
    let Some(validator) = staking::find(ctx, member)? else { return Ok(()) };
    let evidence = Sha256::new_with_prefix("verification").chain_update(run_id).chain_update(member.as_bytes());
    let infraction =
        Infraction { reason, height: ctx.height(), power: validator.power()?, evidence: evidence.finalize().into() };
    slashing::punish(ctx, &validator.consensus_address(), &infraction)?;
    Ok(())
}
