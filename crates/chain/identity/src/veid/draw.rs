//! Who gets a seat in a run: members who can open its evidence, drawn with the caps of committees from a seed that its
//! owner does not know when he asks for verification. Whoever chooses the request thus does not choose who decides it;
//! the proposer of the block that has it still has some influence.

use std::collections::BTreeSet;

use ve_base::preimage::preimage;
use ve_base::{Address, CodedError};
use ve_proto::ve::enclave::v1::CommitteeMember;
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::{Seat, VerificationRequest};
use ve_sdk::Context;

use super::committee::{self, Member};
use super::faults;
use super::keys::{ENVELOPES, MEMBERS};
use crate::enclave;

/// Smallest committee that may decide; below it verification pauses.
const MIN_SEATS: usize = 4;

/// What a draw came to.
#[derive(Clone, Debug, PartialEq)]
pub enum Drawn {
    /// Seats for members of the committee of an epoch.
    Seats { epoch: u64, seats: Vec<Seat> },
    /// Too few members are in office.
    Nobody,
    /// Enough are in office, but too few of them can open the evidence.
    Unreadable,
}

/// Draws up to `size` seats for a request: from the committee in office, else from one that its evidence was sealed to,
/// as far as the keys of its members are good still.
pub fn draw(ctx: &Context<'_>, owner: &Address, request: &VerificationRequest, size: u32) -> Result<Drawn, CodedError> {
    // Nobody has a seat in his own verification.
    let office = |epoch| {
        let mut members = committee::members(ctx.hooks(), ctx, epoch).unwrap_or_default();
        members.retain(|member| member.operator != *owner);
        members
    };
    let current = match committee::epoch(ctx.hooks(), ctx) {
        Ok(epoch) if office(epoch).len() >= MIN_SEATS => epoch,
        _ => return Ok(Drawn::Nobody),
    };
    let mut evidence = Vec::new();
    for scope_id in &request.scope_ids {
        evidence.extend(ENVELOPES.get(ctx, (owner, scope_id.as_str()))?);
    }
    let sealed: BTreeSet<u64> = evidence.iter().map(|envelope| envelope.epoch).filter(|at| *at < current).collect();
    for epoch in [current].into_iter().chain(sealed.into_iter().rev()) {
        let office = office(epoch);
        let full = office.len().min(usize::try_from(size).unwrap_or(usize::MAX));
        let readers = readers(office, &evidence);
        // Whoever seals to few chooses who decides. An epoch that is long over has no committee, hence no seed.
        if readers.len() < MIN_SEATS || readers.len().saturating_mul(3) < full.saturating_mul(2) {
            continue;
        }
        let avoided = avoided(ctx, &readers, &request.excluded)?;
        let chosen = choose(&seed(ctx, epoch, request)?, &others(readers, &avoided), size);
        if chosen.len() >= MIN_SEATS {
            return Ok(Drawn::Seats { epoch, seats: chosen.iter().map(seat).collect() });
        }
    }
    Ok(Drawn::Unreadable)
}

/// Follows from the committee, from the block that draws, and from the attempt.
fn seed(ctx: &Context<'_>, epoch: u64, request: &VerificationRequest) -> Result<[u8; 32], CodedError> {
    let of_epoch = committee::seed(ctx.hooks(), ctx, epoch)?;
    let attempt = request.attempts.to_be_bytes();
    let fields: [&[u8]; 4] = [&of_epoch, &ctx.block().hash, request.request_id.as_bytes(), &attempt];
    Ok(preimage("committee-run", ctx.chain_id(), &fields))
}

/// Members to whose key all of the evidence is sealed.
pub fn readers(members: Vec<Member>, evidence: &[Envelope]) -> Vec<Member> {
    let reads = |member: &Member| {
        evidence.iter().all(|envelope| envelope.recipients.iter().any(|entry| entry.key_id == member.key_id))
    };
    members.into_iter().filter(reads).collect()
}

/// Those who decided what was appealed against, and those whom a sentence awaits.
fn avoided(ctx: &Context<'_>, members: &[Member], excluded: &[String]) -> Result<Vec<String>, CodedError> {
    let mut avoided = excluded.to_vec();
    for member in members {
        if faults::is_sentenced(&MEMBERS.get_or_default(ctx, &member.operator)?, ctx.time().unix()) {
            avoided.push(member.operator.to_string());
        }
    }
    Ok(avoided)
}

/// Without those who are to be avoided, as long as enough are left.
pub fn others(members: Vec<Member>, avoided: &[String]) -> Vec<Member> {
    let may = |member: &&Member| !avoided.contains(&member.operator.to_string());
    let left: Vec<_> = members.iter().filter(may).cloned().collect();
    if left.len() >= MIN_SEATS { left } else { members }
}

/// The draw of committees, on a run's size: no group of operators has more than a third of its seats, no vendor of
/// hardware more than half.
pub fn choose(seed: &[u8], members: &[Member], size: u32) -> Vec<Member> {
    let mut candidates: Vec<CommitteeMember> = members.iter().map(candidate).collect();
    candidates.sort_by(|left, right| left.validator.cmp(&right.validator));
    let drawn = enclave::draw(seed, &candidates, size);
    let has_seat = |member: &&Member| {
        let name = member.operator.to_string();
        drawn.iter().any(|chosen| chosen.validator == name)
    };
    members.iter().filter(has_seat).cloned().collect()
}

fn candidate(member: &Member) -> CommitteeMember {
    CommitteeMember {
        validator: member.operator.to_string(),
        enclave_id: 0,
        weight: member.weight,
        tee: member.tee.into(),
        operator_group: member.operator_group.clone(),
    }
}

fn seat(member: &Member) -> Seat {
    Seat {
        member: member.operator.to_string(),
        signing_key: member.signing_key.to_vec(),
        key_id: member.key_id.clone(),
        suite: member.suite.into(),
        sealing_key: member.sealing_key.clone(),
        simulated: member.simulated,
        ..Seat::default()
    }
}
