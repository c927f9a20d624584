//! Random operations for the simulation.

use prost::Message as _;
use prost_types::Any;
use ve_base::{Address, Amount, Coins, Dec};
use ve_proto::cosmos::base::v1beta1::Coin;
use ve_proto::cosmos::gov::v1::*;
use ve_proto::cosmos::gov::v1beta1 as old;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};
use ve_sdk::{QueryContext, type_url};

use super::keys::{PROPOSALS, VOTING};
use super::{authority, params};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/cosmos.gov.v1.MsgSubmitProposal", weight: 3, generate: submit },
        Operation { message: "/cosmos.gov.v1.MsgVote", weight: 3, generate: vote },
        Operation { message: "/cosmos.gov.v1.MsgVoteWeighted", weight: 2, generate: vote_weighted },
        Operation { message: "/cosmos.gov.v1.MsgDeposit", weight: 2, generate: deposit },
        Operation { message: "/cosmos.gov.v1.MsgCancelProposal", weight: 1, generate: cancel },
        Operation { message: "/cosmos.gov.v1beta1.MsgSubmitProposal", weight: 1, generate: old_submit },
        Operation { message: "/cosmos.gov.v1beta1.MsgVote", weight: 1, generate: old_vote },
        Operation { message: "/cosmos.gov.v1beta1.MsgVoteWeighted", weight: 1, generate: old_vote_weighted },
        Operation { message: "/cosmos.gov.v1beta1.MsgDeposit", weight: 1, generate: old_deposit },
    ]
}

/// New parameters of this module: what governance would do to itself.
fn change(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<Any> {
    let params = Params { burn_vote_quorum: draw.below(2) == 0, ..params::load(ctx).ok()? };
    let message = MsgUpdateParams { authority: authority().to_string(), params: Some(params) };
    Some(Any { type_url: type_url::<MsgUpdateParams>(), value: message.encode_to_vec() })
}

/// One in four has a first deposit that is too small.
fn submit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let proposer = pick(draw, accounts)?;
    let expedited = draw.below(4) == 0;
    let whole = params::min_deposit(&params::load(ctx).ok()?, expedited).ok()?;
    let small = draw.below(4) == 0;
    let deposit = if small { Amount::from(1u64) } else { whole };
    let message = MsgSubmitProposal {
        messages: change(draw, ctx).into_iter().collect(),
        initial_deposit: Coins::native(deposit).to_proto(),
        proposer: proposer.to_string(),
        title: "simulated".into(),
        summary: "a change of parameters".into(),
        expedited,
        ..MsgSubmitProposal::default()
    };
    // The proposer may be too poor, and others may fill the list of open votes first.
    Some(Proposed::new(proposer, &message, if small { Expect::Refused } else { Expect::Either }))
}

/// A text, or a content that acts and is refused.
fn old_submit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let proposer = pick(draw, accounts)?;
    let acts = draw.below(4) == 0;
    let text = old::TextProposal { title: "simulated".into(), description: "an opinion".into() };
    let type_url = if acts { type_url::<MsgUpdateParams>() } else { type_url::<old::TextProposal>() };
    let message = old::MsgSubmitProposal {
        content: Some(Any { type_url, value: text.encode_to_vec() }),
        initial_deposit: Coins::native(params::min_deposit(&params::load(ctx).ok()?, false).ok()?).to_proto(),
        proposer: proposer.to_string(),
    };
    Some(Proposed::new(proposer, &message, if acts { Expect::Refused } else { Expect::Either }))
}

/// A proposal in its voting period, or one that does not exist.
fn target(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> (u64, Expect) {
    let open: Vec<u64> = VOTING.scan().keys(ctx).filter_map(Result::ok).collect();
    match pick(draw, &open) {
        // Its end may be in the same block.
        Some(id) if draw.below(6) > 0 => (*id, Expect::Either),
        _ => (1_000_000, Expect::Refused),
    }
}

fn option(draw: &mut dyn Draw) -> i32 {
    i32::try_from(draw.below(4)).unwrap_or(0).saturating_add(1)
}

fn vote(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let voter = pick(draw, accounts)?;
    let (proposal_id, expect) = target(draw, ctx);
    let message = MsgVote { proposal_id, voter: voter.to_string(), option: option(draw), metadata: String::new() };
    Some(Proposed::new(voter, &message, expect))
}

/// Two options and their weights, which sum to 1.
fn weights(draw: &mut dyn Draw) -> Option<[(i32, Dec); 2]> {
    let first = Dec::from_parts(draw.below(999).saturating_add(1), 3).ok()?;
    Some([(1, first), (3, Dec::one().checked_sub(first).ok()?)])
}

fn vote_weighted(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let voter = pick(draw, accounts)?;
    let (proposal_id, expect) = target(draw, ctx);
    let options = weights(draw)?.map(|(option, weight)| WeightedVoteOption { option, weight: weight.to_string() });
    let message =
        MsgVoteWeighted { proposal_id, voter: voter.to_string(), options: options.to_vec(), metadata: String::new() };
    Some(Proposed::new(voter, &message, expect))
}

fn old_vote(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let voter = pick(draw, accounts)?;
    let (proposal_id, expect) = target(draw, ctx);
    Some(Proposed::new(voter, &old::MsgVote { proposal_id, voter: voter.to_string(), option: option(draw) }, expect))
}

fn old_vote_weighted(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let voter = pick(draw, accounts)?;
    let (proposal_id, expect) = target(draw, ctx);
    let options =
        weights(draw)?.map(|(option, weight)| old::WeightedVoteOption { option, weight: weight.to_mantissa() });
    let message = old::MsgVoteWeighted { proposal_id, voter: voter.to_string(), options: options.to_vec() };
    Some(Proposed::new(voter, &message, expect))
}

/// A proposal that takes deposits, how much to add, and what to expect: one in four adds too little.
fn more(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<(u64, Vec<Coin>, Expect)> {
    let (proposal_id, expect) = target(draw, ctx);
    let least = params::min_single_deposit(&params::load(ctx).ok()?).ok()?;
    if draw.below(4) == 0 {
        return Some((proposal_id, Coins::native(Amount::from(1u64)).to_proto(), Expect::Refused));
    }
    Some((proposal_id, Coins::native(least).to_proto(), expect))
}

fn deposit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let depositor = pick(draw, accounts)?;
    let (proposal_id, amount, expect) = more(draw, ctx)?;
    Some(Proposed::new(depositor, &MsgDeposit { proposal_id, depositor: depositor.to_string(), amount }, expect))
}

fn old_deposit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let depositor = pick(draw, accounts)?;
    let (proposal_id, amount, expect) = more(draw, ctx)?;
    let message = old::MsgDeposit { proposal_id, depositor: depositor.to_string(), amount };
    Some(Proposed::new(depositor, &message, expect))
}

/// Mostly the proposer, sometimes somebody else.
fn cancel(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let open: Vec<u64> = VOTING.scan().keys(ctx).filter_map(Result::ok).collect();
    let id = *pick(draw, &open)?;
    let proposer = PROPOSALS.get(ctx, &id).ok()??.proposer;
    let owner = accounts.iter().find(|account| account.to_string() == proposer);
    let sender = if draw.below(4) == 0 { pick(draw, accounts)? } else { owner? };
    let message = MsgCancelProposal { proposal_id: id, proposer: sender.to_string() };
    let expect = if owner == Some(sender) { Expect::Either } else { Expect::Refused };
    Some(Proposed::new(sender, &message, expect))
}
