//! `MsgCancelProposal`: the proposer withdraws; a part of the deposits is burned.

use ve_base::CodedError;
use ve_proto::cosmos::gov::v1::{MsgCancelProposal, MsgCancelProposalResponse, ProposalStatus};
use ve_sdk::{Context, Event};

use crate::gov::error::Error;
use crate::gov::keys::PROPOSALS;
use crate::gov::{account, end, params, proposals};

pub fn check(msg: &MsgCancelProposal) -> Result<(), CodedError> {
    account("proposer", &msg.proposer).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCancelProposal) -> Result<MsgCancelProposalResponse, CodedError> {
    let id = msg.proposal_id;
    let proposal = proposals::require(ctx, id)?;
    if proposal.proposer != msg.proposer {
        return Err(Error::Proposer(proposal.proposer).into());
    }
    match proposal.status() {
        ProposalStatus::DepositPeriod => {}
        ProposalStatus::VotingPeriod if ctx.time() <= proposals::time(proposal.voting_end_time.as_ref()) => {}
        ProposalStatus::VotingPeriod => return Err(Error::VotingEnded(id).into()),
        _ => return Err(Error::Inactive(id).into()),
    }
    let ratio = params::dec(&params::load(ctx)?.proposal_cancel_ratio)?;
    proposals::unqueue(ctx, &proposal)?;
    PROPOSALS.remove(ctx, &id)?;
    end::finish(ctx, id, ratio)?;
    ctx.emit(Event::new("cancel_proposal").with("sender", &msg.proposer).with("proposal_id", id));
    Ok(MsgCancelProposalResponse {
        proposal_id: id,
        canceled_time: Some(ctx.time().to_proto()),
        canceled_height: ctx.height(),
    })
}
