//! `MsgVote` and `MsgVoteWeighted`.

use ve_base::CodedError;
use ve_proto::cosmos::gov::v1::{MsgVote, MsgVoteResponse, MsgVoteWeighted, MsgVoteWeightedResponse};
use ve_sdk::Context;

use crate::gov::account;
use crate::gov::error::Error;
use crate::gov::votes::{self, MAX_METADATA};

fn check_metadata(metadata: &str) -> Result<(), Error> {
    if metadata.len() > MAX_METADATA {
        return Err(Error::MetadataTooLong(metadata.len(), MAX_METADATA));
    }
    Ok(())
}

pub fn check(msg: &MsgVote) -> Result<(), CodedError> {
    account("voter", &msg.voter)?;
    check_metadata(&msg.metadata)?;
    votes::check_options(&votes::single(msg.option))
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgVote) -> Result<MsgVoteResponse, CodedError> {
    let voter = account("voter", &msg.voter)?;
    votes::cast(ctx, msg.proposal_id, &voter, votes::single(msg.option), &msg.metadata)?;
    Ok(MsgVoteResponse {})
}

pub fn check_weighted(msg: &MsgVoteWeighted) -> Result<(), CodedError> {
    account("voter", &msg.voter)?;
    check_metadata(&msg.metadata)?;
    votes::check_options(&msg.options)
}

pub fn execute_weighted(ctx: &mut Context<'_>, msg: &MsgVoteWeighted) -> Result<MsgVoteWeightedResponse, CodedError> {
    let voter = account("voter", &msg.voter)?;
    votes::cast(ctx, msg.proposal_id, &voter, msg.options.clone(), &msg.metadata)?;
    Ok(MsgVoteWeightedResponse {})
}
