//! The end of each block: deposit periods and votes that are over, delayed executions, and clearing away, each with a
//! bound on what one block does.

use ve_base::{CodedError, Dec};
use ve_proto::cosmos::gov::v1::{Params, Proposal, ProposalStatus};
use ve_sdk::{Context, Event};

use super::keys::{CLEARING, DEPOSIT_QUEUE, PROPOSALS, TIMELOCK_QUEUE, VOTING_QUEUE};
use super::{TIMELOCK_SECONDS, critical, deposits, execute, params, proposals, tally, votes};

/// Deposit periods that end in one block.
const MAX_DROPPED: usize = 20;
/// Votes that end, and delayed proposals that are executed, in one block.
const MAX_DECIDED: usize = 4;
/// Deposits, votes and counts that are cleared away in one block.
const MAX_CLEARED: usize = 200;

pub fn block(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    drop_unfunded(ctx, &params)?;
    decide(ctx, &params)?;
    execute_delayed(ctx)?;
    clear(ctx)
}

/// Proposals without a complete deposit disappear.
fn drop_unfunded(ctx: &mut Context<'_>, params: &Params) -> Result<(), CodedError> {
    let now = ctx.time();
    for ((_, id), ()) in DEPOSIT_QUEUE.scan().through(&now).take(ctx, MAX_DROPPED)? {
        let proposal = proposals::require(ctx, id)?;
        proposals::unqueue(ctx, &proposal)?;
        PROPOSALS.remove(ctx, &id)?;
        finish(ctx, id, if params.burn_proposal_deposit_prevote { Dec::one() } else { Dec::zero() })?;
        ctx.emit(Event::new("inactive_proposal").with("proposal_id", id).with("proposal_result", "proposal_dropped"));
    }
    Ok(())
}

/// Leaves votes and deposits of a proposal that ended to be cleared away.
pub fn finish(ctx: &mut Context<'_>, id: u64, burned: Dec) -> Result<(), CodedError> {
    Ok(CLEARING.set(ctx, &id, &burned)?)
}

fn decide(ctx: &mut Context<'_>, params: &Params) -> Result<(), CodedError> {
    let now = ctx.time();
    for ((_, id), ()) in VOTING_QUEUE.scan().through(&now).take(ctx, MAX_DECIDED)? {
        let mut proposal = proposals::require(ctx, id)?;
        let (outcome, result) = tally::decide(ctx, params, &proposal)?;
        if proposal.expedited && !outcome.passes {
            slow_down(ctx, params, proposal)?;
            continue;
        }
        proposals::unqueue(ctx, &proposal)?;
        proposal.final_tally_result = Some(result);
        finish(ctx, id, if outcome.burns { Dec::one() } else { Dec::zero() })?;
        if !outcome.passes {
            proposal.set_status(ProposalStatus::Rejected);
            conclude(ctx, &proposal, "proposal_rejected")?;
        } else if critical::find(ctx.registry(), &proposal.messages).is_some() {
            let due = now.plus_seconds(TIMELOCK_SECONDS);
            TIMELOCK_QUEUE.set(ctx, (&due, &id), &())?;
            proposal.set_status(ProposalStatus::Passed);
            ctx.emit(Event::new("proposal_timelocked").with("proposal_id", id).with("execution_time", due));
            conclude(ctx, &proposal, "proposal_passed")?;
        } else {
            run(ctx, proposal)?;
        }
    }
    Ok(())
}

/// An expedited proposal that did not reach its higher threshold goes on as a regular one; its votes stay.
fn slow_down(ctx: &mut Context<'_>, params: &Params, mut proposal: Proposal) -> Result<(), CodedError> {
    let id = proposal.id;
    VOTING_QUEUE.remove(ctx, (&proposals::time(proposal.voting_end_time.as_ref()), &id))?;
    let start = proposals::time(proposal.voting_start_time.as_ref());
    let end = start.plus_seconds(params::period(params.voting_period));
    proposal.expedited = false;
    proposal.voting_end_time = Some(end.to_proto());
    VOTING_QUEUE.set(ctx, (&end, &id), &())?;
    conclude(ctx, &proposal, "expedited_proposal_rejected")
}

fn execute_delayed(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time();
    for ((due, id), ()) in TIMELOCK_QUEUE.scan().through(&now).take(ctx, MAX_DECIDED)? {
        TIMELOCK_QUEUE.remove(ctx, (&due, &id))?;
        let proposal = proposals::require(ctx, id)?;
        run(ctx, proposal)?;
    }
    Ok(())
}

fn run(ctx: &mut Context<'_>, mut proposal: Proposal) -> Result<(), CodedError> {
    let result = match execute::run(ctx, &proposal) {
        Ok(()) => {
            proposal.set_status(ProposalStatus::Passed);
            "proposal_passed"
        }
        Err(reason) => {
            proposal.set_status(ProposalStatus::Failed);
            proposal.failed_reason = reason;
            "proposal_failed"
        }
    };
    conclude(ctx, &proposal, result)
}

fn conclude(ctx: &mut Context<'_>, proposal: &Proposal, result: &str) -> Result<(), CodedError> {
    let event = Event::new("active_proposal").with("proposal_id", proposal.id).with("proposal_result", result);
    ctx.emit(if proposal.failed_reason.is_empty() {
        event
    } else {
        event.with("proposal_log", &proposal.failed_reason)
    });
    proposals::save(ctx, proposal)
}

fn clear(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let mut left = MAX_CLEARED;
    while left > 0 {
        let Some((id, burned)) = CLEARING.scan().first(ctx)? else { break };
        let cleared = deposits::clear(ctx, id, burned, left)?;
        left = left.saturating_sub(cleared);
        let cleared = votes::clear(ctx, id, left)?;
        left = left.saturating_sub(cleared);
        // Room that is left means that nothing was left out.
        if left > 0 {
            CLEARING.remove(ctx, &id)?;
            left = left.saturating_sub(1);
        }
    }
    Ok(())
}
