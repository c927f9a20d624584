//! What members of committees did wrong, and what it costs their validators. Nobody reports it: it follows from what
//! the members themselves signed.

use ve_base::{Address, CodedError, parse_account};
use ve_chain_core::performance::{self, Verification};
use ve_proto::ve::veid::v1::{Fault, MemberRecord, Run, ScoreAttestation, Seat, VerificationRequest};
use ve_sdk::{Context, Event};

use super::keys::MEMBERS;
use super::{runs, seats, sentences};

/// More missed runs in an epoch than this are punished (finance spec section 2.4), when they are more than one in ten
/// (identity spec section 9).
const MISSES: u64 = 10;
const MISSED_PART: u64 = 10;
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

/// What a member's conduct in a run that ended was; `None` when nothing can be said of it. Owners seal the evidence, so
/// that some can open it and others cannot is no proof against anybody.
pub fn verdict(run: &Run, seat: &Seat, end: End<'_>) -> Option<Result<(), Fault>> {
    let absent = seat.commit.is_empty() || seat.e_digest.is_empty();
    match end {
        End::Scored(right) if right.mismatched.contains(&seat.member) => Some(Err(Fault::Mismatch)),
        End::Scored(_) if !seat.failure.is_empty() => None,
        End::Scored(_) if absent => Some(Err(Fault::Silent)),
        End::Scored(_) if agreed_digest(run) != Some(&seat.e_digest) => Some(Err(Fault::DivergentFeatures)),
        End::Scored(right) => match &seat.attestation {
            Some(own) if own != right => Some(Err(Fault::DivergentScore)),
            // Whoever opened the right features and was slower than the quorum did its work.
            _ => Some(Ok(())),
        },
        End::Failed(code) => (seat.failure == code).then_some(Ok(())),
        End::NoQuorum => unsettled(run, seat).map(Err),
    }
}

/// What a member did wrong in a run that ended without a quorum, as far as the others show it.
fn unsettled(run: &Run, seat: &Seat) -> Option<Fault> {
    let other = |agreed: &Vec<u8>| !seat.e_digest.is_empty() && seat.e_digest != *agreed;
    if agreed_digest(run).is_some_and(other) {
        return Some(Fault::DivergentFeatures);
    }
    // Work that most could not do says nothing of those who did not.
    let silent = run.seats.iter().filter(|seat| owes(run, seat)).count();
    if owes(run, seat) {
        return (silent.saturating_mul(2) <= run.seats.len()).then_some(Fault::Silent);
    }
    // Whoever stood in the way of what most of the seats attested alike owes that attestation.
    let attested = run.seats.iter().filter_map(|seat| seat.attestation.as_ref());
    let equal = |own: &ScoreAttestation| attested.clone().filter(|other| *other == own).count();
    let common = attested.clone().find(|own| equal(own).saturating_mul(2) > run.seats.len())?;
    (!seat.e_digest.is_empty() && seat.attestation.as_ref() != Some(common)).then_some(Fault::Silent)
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
        if record.epoch < run.epoch {
            (record.epoch, record.epoch_runs, record.missed) = (run.epoch, 0, 0);
        }
        record.epoch_runs = record.epoch_runs.saturating_add(1);
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
            // Whoever is in jail, or whose enclave is out of office, cannot answer.
            Some(Err(Fault::Silent)) if !seats::in_office(ctx, seat)? => {}
            Some(Err(fault)) => {
                let done = if fault == Fault::Silent { Verification::Missed } else { Verification::Contrary };
                performance::verified(ctx, &member, done)?;
                at_fault(ctx, &member, fault, &run)?;
            }
            None => {}
        }
    }
    Ok(())
}

/// Counts one fault and sentences its validator where that is due.
pub fn at_fault(ctx: &mut Context<'_>, member: &Address, fault: Fault, run: &Run) -> Result<(), CodedError> {
    let mut record = MEMBERS.get_or_default(ctx, member)?;
    record.member = member.to_string();
    let due = sentenced(&mut record, fault, ctx.time().unix());
    MEMBERS.set(ctx, member, &record)?;
    ctx.emit(
        Event::new("verification_fault")
            .with("member", &record.member)
            .with("fault", fault.as_str_name())
            .with("run_id", runs::hex(&run.run_id))
            .with("punished", if due { sentences::reason(fault).as_str_name() } else { "" }),
    );
    if due { sentences::pass(ctx, member, fault, run) } else { Ok(()) }
}

/// Until when a sentence for such a fault waits. While it does there is no second one: what a member does before it can
/// know of the first is one failing.
fn waiting(record: &mut MemberRecord, fault: Fault) -> &mut u64 {
    match fault {
        Fault::Silent => &mut record.sentenced_silent,
        Fault::WrongScore => &mut record.sentenced_wrong,
        Fault::Unspecified | Fault::DivergentFeatures | Fault::DivergentScore | Fault::Mismatch => {
            &mut record.sentenced_divergent
        }
    }
}

/// Whether a sentence awaits the member.
pub fn is_sentenced(record: &MemberRecord, now: u64) -> bool {
    [record.sentenced_silent, record.sentenced_wrong, record.sentenced_divergent].into_iter().any(|until| until > now)
}

/// Counts a fault; returns whether there is a sentence for it.
pub fn sentenced(record: &mut MemberRecord, fault: Fault, now: u64) -> bool {
    let due = count(record, fault) && *waiting(record, fault) <= now;
    if due {
        *waiting(record, fault) = now.saturating_add(sentences::DELAY);
    }
    due
}

/// Counts a fault; returns whether it is to be punished.
pub fn count(record: &mut MemberRecord, fault: Fault) -> bool {
    let more = |counter: &mut u64| *counter = counter.saturating_add(1);
    match fault {
        Fault::Silent => {
            more(&mut record.silent);
            more(&mut record.missed);
            // One outage is one fault.
            let many = record.missed > MISSES && record.missed.saturating_mul(MISSED_PART) > record.epoch_runs;
            let due = many && record.punished_epoch != record.epoch;
            if due {
                record.punished_epoch = record.epoch;
            }
            due
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
            let due = record.strikes >= STRIKES;
            if due {
                record.strikes = 0;
            }
            due
        }
        Fault::DivergentScore | Fault::Mismatch => {
            more(&mut record.divergent);
            true
        }
        Fault::WrongScore => {
            more(&mut record.wrong);
            true
        }
        Fault::Unspecified => false,
    }
}
