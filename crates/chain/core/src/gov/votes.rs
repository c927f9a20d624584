//! Votes, and the shares that they speak for. The shares of a voter's delegations are added to the proposal's counts when
//! the vote is given and follow every change of a delegation, so that the end of a vote costs work per validator only,
//! however many voted.

use std::collections::BTreeSet;

use ve_base::{Address, CodedError, Dec, Rounding};
use ve_proto::cosmos::gov::v1::{Vote, VoteOption, WeightedVoteOption};
use ve_sdk::{Context, Event};

use super::error::Error;
use super::keys::{BY_VOTER, VOTED, VOTES, VOTING};
use super::proposals;
use crate::staking;

/// Bytes of the metadata of a vote or a proposal.
pub const MAX_METADATA: usize = 255;

/// Options of which none is twice, with positive weights that sum to 1.
pub fn check_options(options: &[WeightedVoteOption]) -> Result<(), CodedError> {
    let invalid = |cause: &str| Error::Vote(cause.to_owned());
    let mut seen = BTreeSet::new();
    let mut sum = Dec::zero();
    for option in options {
        if option.option() == VoteOption::Unspecified || !seen.insert(option.option) {
            return Err(invalid("name each option once, out of yes, abstain, no and no with veto").into());
        }
        let weight: Dec = option.weight.parse().map_err(|_| invalid("a weight is not a decimal number"))?;
        if weight.is_zero() || weight.is_negative() {
            return Err(invalid("weights must be positive").into());
        }
        sum = sum.checked_add(weight).map_err(|_| invalid("the weights sum to more than 1"))?;
    }
    if sum == Dec::one() { Ok(()) } else { Err(invalid("the weights must sum to 1").into()) }
}

pub fn single(option: i32) -> Vec<WeightedVoteOption> {
    vec![WeightedVoteOption { option, weight: Dec::one().to_string() }]
}

/// Gives or replaces a vote.
pub fn cast(
    ctx: &mut Context<'_>,
    id: u64,
    voter: &Address,
    options: Vec<WeightedVoteOption>,
    metadata: &str,
) -> Result<(), CodedError> {
    check_options(&options)?;
    let proposal = proposals::require(ctx, id)?;
    if !VOTING.has(ctx, &id)? {
        return Err(Error::Inactive(id).into());
    }
    if ctx.time() > proposals::time(proposal.voting_end_time.as_ref()) {
        return Err(Error::VotingEnded(id).into());
    }
    let text: Vec<String> = options
        .iter()
        .map(|option| format!(r#"{{"option":{},"weight":"{}"}}"#, option.option, option.weight))
        .collect();
    let delegations = staking::delegations_of(ctx, voter)?;
    if let Some(old) = VOTES.get(ctx, (&id, voter))? {
        for (operator, shares) in &delegations {
            count(ctx, id, operator, &old.options, *shares, false)?;
        }
    }
    for (operator, shares) in &delegations {
        count(ctx, id, operator, &options, *shares, true)?;
    }
    let vote = Vote { proposal_id: id, voter: voter.to_string(), options, metadata: metadata.to_owned() };
    VOTES.set(ctx, (&id, voter), &vote)?;
    BY_VOTER.set(ctx, (voter, &id), &())?;
    ctx.emit(
        Event::new("proposal_vote")
            .with("option", format!("[{}]", text.join(",")))
            .with("proposal_id", id)
            .with("voter", voter),
    );
    Ok(())
}

/// How much of the shares each option gets: the same shares always give the same parts.
pub fn parts(options: &[WeightedVoteOption], shares: Dec) -> Result<Vec<(u32, Dec)>, CodedError> {
    let part = |option: &WeightedVoteOption| {
        Ok((option.option.unsigned_abs(), shares.mul(option.weight.parse()?, Rounding::Truncate)?))
    };
    options.iter().map(part).collect()
}

/// Adds the shares to the counts of a proposal or takes them out again.
pub fn count(
    ctx: &mut Context<'_>,
    id: u64,
    operator: &Address,
    options: &[WeightedVoteOption],
    shares: Dec,
    add: bool,
) -> Result<(), CodedError> {
    for (option, part) in parts(options, shares)? {
        let before = VOTED.get(ctx, (&id, operator, &option))?.unwrap_or_default();
        let after = if add { before.checked_add(part)? } else { before.checked_sub(part)? };
        if after.is_zero() {
            VOTED.remove(ctx, (&id, operator, &option))?;
        } else {
            VOTED.set(ctx, (&id, operator, &option), &after)?;
        }
    }
    Ok(())
}

/// Removes votes and counts of a proposal that ended, at most `limit` entries. Returns how many that were.
pub fn clear(ctx: &mut Context<'_>, id: u64, limit: usize) -> Result<usize, CodedError> {
    let votes = VOTES.scan().prefix(&id).take(ctx, limit)?;
    for ((_, voter), _) in &votes {
        VOTES.remove(ctx, (&id, voter))?;
        BY_VOTER.remove(ctx, (voter, &id))?;
    }
    let counts = VOTED.scan().prefix(&id).take(ctx, limit.saturating_sub(votes.len()))?;
    for ((_, operator, option), _) in &counts {
        VOTED.remove(ctx, (&id, operator, option))?;
    }
    Ok(votes.len().saturating_add(counts.len()))
}
