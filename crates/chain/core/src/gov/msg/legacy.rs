//! Messages of `cosmos.gov.v1beta1`, which older wallets send: votes, deposits, and proposals that are a text.

use prost::{Message as _, Name as _};
use ve_base::{CodedError, Dec};
use ve_proto::cosmos::gov::v1::{MsgSubmitProposal, WeightedVoteOption};
use ve_proto::cosmos::gov::v1beta1 as old;
use ve_sdk::Context;

use super::{deposit, submit};
use crate::gov::account;
use crate::gov::error::Error;
use crate::gov::votes;

/// Weights of the older form are counts of 10^-18.
fn options(given: &[old::WeightedVoteOption]) -> Result<Vec<WeightedVoteOption>, CodedError> {
    let convert = |option: &old::WeightedVoteOption| {
        let weight = Dec::from_mantissa(&option.weight).map_err(|cause| Error::Vote(cause.to_string()))?;
        Ok(WeightedVoteOption { option: option.option, weight: weight.to_string() })
    };
    given.iter().map(convert).collect()
}

/// The same proposal in the newer form. Only texts: what acts is proposed as messages, which say what they do.
fn newer(msg: &old::MsgSubmitProposal) -> Result<MsgSubmitProposal, CodedError> {
    let content = msg.content.as_ref().ok_or(Error::NoMessages)?;
    if content.type_url.trim_start_matches('/') != old::TextProposal::full_name() {
        return Err(Error::Content(content.type_url.chars().take(100).collect()).into());
    }
    let text = old::TextProposal::decode(content.value.as_slice())
        .map_err(|_| Error::Proposal("the content does not decode as a TextProposal".into()))?;
    Ok(MsgSubmitProposal {
        initial_deposit: msg.initial_deposit.clone(),
        proposer: msg.proposer.clone(),
        title: text.title,
        summary: text.description,
        ..MsgSubmitProposal::default()
    })
}

pub fn check_submit(msg: &old::MsgSubmitProposal) -> Result<(), CodedError> {
    submit::check_parts(&newer(msg)?)
}

pub fn submit(
    ctx: &mut Context<'_>,
    msg: &old::MsgSubmitProposal,
) -> Result<old::MsgSubmitProposalResponse, CodedError> {
    let proposal_id = submit::execute(ctx, &newer(msg)?)?.proposal_id;
    Ok(old::MsgSubmitProposalResponse { proposal_id })
}

pub fn check_vote(msg: &old::MsgVote) -> Result<(), CodedError> {
    account("voter", &msg.voter)?;
    votes::check_options(&votes::single(msg.option))
}

pub fn vote(ctx: &mut Context<'_>, msg: &old::MsgVote) -> Result<old::MsgVoteResponse, CodedError> {
    votes::cast(ctx, msg.proposal_id, &account("voter", &msg.voter)?, votes::single(msg.option), "")?;
    Ok(old::MsgVoteResponse {})
}

pub fn check_weighted(msg: &old::MsgVoteWeighted) -> Result<(), CodedError> {
    account("voter", &msg.voter)?;
    votes::check_options(&options(&msg.options)?)
}

pub fn vote_weighted(
    ctx: &mut Context<'_>,
    msg: &old::MsgVoteWeighted,
) -> Result<old::MsgVoteWeightedResponse, CodedError> {
    votes::cast(ctx, msg.proposal_id, &account("voter", &msg.voter)?, options(&msg.options)?, "")?;
    Ok(old::MsgVoteWeightedResponse {})
}

pub fn check_deposit(msg: &old::MsgDeposit) -> Result<(), CodedError> {
    deposit::check_parts(&msg.depositor, &msg.amount)
}

pub fn deposit(ctx: &mut Context<'_>, msg: &old::MsgDeposit) -> Result<old::MsgDepositResponse, CodedError> {
    deposit::run(ctx, msg.proposal_id, &msg.depositor, &msg.amount)?;
    Ok(old::MsgDepositResponse {})
}
