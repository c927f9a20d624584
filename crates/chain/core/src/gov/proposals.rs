//! The table of proposals and the queues that they wait in.

use prost_types::Timestamp;
use ve_base::{BlockTime, CodedError};
use ve_proto::cosmos::gov::v1::{Params, Proposal, ProposalStatus};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{DEPOSIT_QUEUE, NEXT_ID, PROPOSALS, VOTING, VOTING_QUEUE};
use super::params;

/// Proposals in their voting period at the same time: changes of stake cost work for each that a delegator voted on.
pub const MAX_ACTIVE: usize = 50;

pub fn require<R: Read + ?Sized>(state: &R, id: u64) -> Result<Proposal, CodedError> {
    Ok(PROPOSALS.get(state, &id)?.ok_or(Error::Unknown(id))?)
}

pub fn time(timestamp: Option<&Timestamp>) -> BlockTime {
    timestamp.and_then(BlockTime::from_proto).unwrap_or_default()
}

pub fn save(ctx: &mut Context<'_>, proposal: &Proposal) -> Result<(), CodedError> {
    Ok(PROPOSALS.set(ctx, &proposal.id, proposal)?)
}

/// Gives the proposal its id and starts its deposit period.
pub fn open(ctx: &mut Context<'_>, params: &Params, mut proposal: Proposal) -> Result<Proposal, CodedError> {
    let id = NEXT_ID.get(ctx)?.unwrap_or(1);
    NEXT_ID.set(ctx, &id.saturating_add(1))?;
    let end = ctx.time().plus_seconds(params::period(params.max_deposit_period));
    proposal.id = id;
    proposal.set_status(ProposalStatus::DepositPeriod);
    proposal.submit_time = Some(ctx.time().to_proto());
    proposal.deposit_end_time = Some(end.to_proto());
    DEPOSIT_QUEUE.set(ctx, (&end, &id), &())?;
    save(ctx, &proposal)?;
    Ok(proposal)
}

/// Starts the voting period of a proposal whose deposit is complete.
pub fn activate(ctx: &mut Context<'_>, params: &Params, proposal: &mut Proposal) -> Result<(), CodedError> {
    if VOTING.iter(ctx).take(MAX_ACTIVE).count() >= MAX_ACTIVE {
        return Err(Error::TooManyActive(MAX_ACTIVE).into());
    }
    DEPOSIT_QUEUE.remove(ctx, (&time(proposal.deposit_end_time.as_ref()), &proposal.id))?;
    let period = if proposal.expedited { params.expedited_voting_period } else { params.voting_period };
    let end = ctx.time().plus_seconds(params::period(period));
    proposal.set_status(ProposalStatus::VotingPeriod);
    proposal.voting_start_time = Some(ctx.time().to_proto());
    proposal.voting_end_time = Some(end.to_proto());
    VOTING_QUEUE.set(ctx, (&end, &proposal.id), &())?;
    VOTING.set(ctx, &proposal.id, &())?;
    ctx.emit(Event::new("submit_proposal").with("voting_period_start", proposal.id));
    save(ctx, proposal)
}

/// Takes the proposal out of its queue, whichever it is in.
pub fn unqueue(ctx: &mut Context<'_>, proposal: &Proposal) -> Result<(), CodedError> {
    let id = proposal.id;
    match proposal.status() {
        ProposalStatus::DepositPeriod => {
            DEPOSIT_QUEUE.remove(ctx, (&time(proposal.deposit_end_time.as_ref()), &id))?;
        }
        ProposalStatus::VotingPeriod => {
            VOTING_QUEUE.remove(ctx, (&time(proposal.voting_end_time.as_ref()), &id))?;
            VOTING.remove(ctx, &id)?;
        }
        _ => {}
    }
    Ok(())
}
