//! What must hold after every block.

use std::collections::{BTreeMap, BTreeSet};

use ve_base::{Address, Coins, Dec};
use ve_proto::cosmos::gov::v1::ProposalStatus;
use ve_sdk::{Invariant, QueryContext};

use super::keys::*;
use super::proposals::time;
use super::{authority, votes};
use crate::{bank, staking};

pub fn all() -> Vec<Invariant> {
    vec![
        Invariant { name: "deposits", check: deposits },
        Invariant { name: "queues", check: queues },
        Invariant { name: "counts", check: counts },
    ]
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// The module holds the deposits and nothing else; each belongs to a proposal that is open or being cleared away.
fn deposits(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut sum = Coins::default();
    for entry in DEPOSITS.iter(ctx) {
        let ((id, depositor), deposit) = entry.map_err(text)?;
        let coins = Coins::try_from_proto(&deposit.amount).map_err(text)?;
        sum = sum.checked_add(&coins).map_err(text)?;
        let open = PROPOSALS.get(ctx, &id).map_err(text)?.is_some_and(|proposal| {
            matches!(proposal.status(), ProposalStatus::DepositPeriod | ProposalStatus::VotingPeriod)
        });
        if !open && !CLEARING.has(ctx, &id).map_err(text)? {
            return Err(format!("the deposit of {depositor} on proposal {id} is forgotten"));
        }
    }
    let held = bank::balances(ctx, &authority()).map_err(text)?;
    if held == sum { Ok(()) } else { Err(format!("the module holds {held}, deposits sum to {sum}")) }
}

/// Every open proposal waits in its queue, and the queues hold nothing else.
fn queues(ctx: &QueryContext<'_>) -> Result<(), String> {
    let (mut depositing, mut voting) = (BTreeSet::new(), BTreeSet::new());
    for entry in PROPOSALS.iter(ctx) {
        let (id, proposal) = entry.map_err(text)?;
        match proposal.status() {
            ProposalStatus::DepositPeriod => depositing.insert((time(proposal.deposit_end_time.as_ref()), id)),
            ProposalStatus::VotingPeriod => voting.insert((time(proposal.voting_end_time.as_ref()), id)),
            _ => false,
        };
    }
    let keys = |map: ve_store::Map<(ve_base::BlockTime, u64), ()>| {
        map.scan().keys(ctx).collect::<Result<BTreeSet<_>, _>>().map_err(text)
    };
    if keys(DEPOSIT_QUEUE)? != depositing {
        return Err("the queue of deposit periods is not the proposals in theirs".into());
    }
    let marked = VOTING.scan().keys(ctx).collect::<Result<BTreeSet<_>, _>>().map_err(text)?;
    if keys(VOTING_QUEUE)? != voting || marked != voting.iter().map(|(_, id)| *id).collect() {
        return Err("the queue of votes is not the proposals in their voting period".into());
    }
    for (_, id) in keys(TIMELOCK_QUEUE)? {
        let proposal = PROPOSALS.get(ctx, &id).map_err(text)?;
        if proposal.is_none_or(|proposal| proposal.status() != ProposalStatus::Passed) {
            return Err(format!("proposal {id} waits for its execution and has not passed"));
        }
    }
    Ok(())
}

/// The counts of open votes are those that the votes and the delegations give now.
fn counts(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut expected: BTreeMap<(u64, Address, u32), Dec> = BTreeMap::new();
    for entry in VOTES.iter(ctx) {
        let ((id, voter), vote) = entry.map_err(text)?;
        if !VOTING.has(ctx, &id).map_err(text)? {
            continue;
        }
        for (operator, shares) in staking::delegations_of(ctx, &voter).map_err(text)? {
            for (option, part) in votes::parts(&vote.options, shares).map_err(text)? {
                let sum = expected.entry((id, operator.clone(), option)).or_default();
                *sum = sum.checked_add(part).map_err(text)?;
            }
        }
    }
    expected.retain(|_, shares| !shares.is_zero());
    let mut stored = BTreeMap::new();
    for entry in VOTED.iter(ctx) {
        let (key, shares) = entry.map_err(text)?;
        if VOTING.has(ctx, &key.0).map_err(text)? {
            stored.insert(key, shares);
        }
    }
    if stored == expected {
        return Ok(());
    }
    let differs = |(key, shares): &(&(u64, Address, u32), &Dec)| stored.get(*key) != Some(*shares);
    match expected.iter().find(differs) {
        Some(((id, operator, option), shares)) => {
            Err(format!("proposal {id} should count {shares} shares of {operator} for option {option}"))
        }
        None => Err("a proposal counts shares that nobody votes with".into()),
    }
}
