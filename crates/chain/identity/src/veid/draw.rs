//! Who gets a seat in a run: members who can open its evidence, drawn with the caps of committees from a seed that nobody
//! knows when verification is asked for. Whoever chooses the request thus does not choose who decides it.

use std::collections::BTreeSet;

use ve_base::preimage::preimage;
use ve_base::{Address, CodedError};
use ve_proto::ve::enclave::v1::CommitteeMember;
use ve_proto::ve::encryption::v1::Envelope;
use ve_proto::ve::veid::v1::{Seat, VerificationRequest};
use ve_sdk::Context;

use super::committee::{self, Member};
use super::keys::ENVELOPES;
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
    let office = |epoch| committee::members(ctx.hooks(), ctx, epoch).unwrap_or_default();
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
        let readers = readers(office(epoch), &evidence);
        let seed = seed(ctx, epoch, request)?;
        let chosen = choose(&seed, &others(readers, owner, &request.excluded), size);
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

/// Without the owner and those who decided what was appealed against, as long as enough are left.
pub fn others(members: Vec<Member>, owner: &Address, excluded: &[String]) -> Vec<Member> {
    let may = |member: &&Member| member.operator != *owner && !excluded.contains(&member.operator.to_string());
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
