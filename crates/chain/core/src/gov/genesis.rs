//! Genesis in the Cosmos shape with two lists more: `timelocked`, the proposals that wait for their execution, and
//! `clearing`, those that ended with deposits and votes to clear away. What votes count for follows from the delegations.

use serde_json::{Value, json as object};
use ve_base::{BlockTime, CodedError, Coins, errors::sdk::Error};
use ve_proto::cosmos::gov::v1::{GenesisState, Proposal, ProposalStatus};
use ve_sdk::{Context, QueryContext, json};

use super::keys::*;
use super::proposals::time;
use super::{account, params, votes};
use crate::staking;

const TIMELOCKED: &str = "timelocked";
const CLEARED: &str = "clearing";

pub fn default() -> Value {
    let genesis = GenesisState { starting_proposal_id: 1, params: Some(params::default()), ..GenesisState::default() };
    write(&genesis, Vec::new(), Vec::new()).unwrap_or_default()
}

fn write(genesis: &GenesisState, timelocked: Vec<Value>, clearing: Vec<Value>) -> Result<Value, CodedError> {
    let mut value = json::to_json(genesis)?;
    value[TIMELOCKED] = timelocked.into();
    value[CLEARED] = clearing.into();
    Ok(value)
}

fn invalid(cause: String) -> CodedError {
    Error::InvalidRequest(cause).into()
}

/// Takes one of our lists out of the object.
fn take(genesis: &mut Value, name: &str) -> Vec<Value> {
    let taken = genesis.as_object_mut().and_then(|object| object.remove(name));
    taken.and_then(|list| list.as_array().cloned()).unwrap_or_default()
}

fn field<'a>(entry: &'a Value, name: &str) -> Result<&'a str, CodedError> {
    entry.get(name).and_then(Value::as_str).ok_or_else(|| invalid(format!("an entry lacks the text {name}")))
}

fn number<T: std::str::FromStr>(entry: &Value, name: &str) -> Result<T, CodedError> {
    field(entry, name)?.parse().map_err(|_| invalid(format!("{name} is not a number")))
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let mut genesis = genesis.clone();
    let (timelocked, clearing) = (take(&mut genesis, TIMELOCKED), take(&mut genesis, CLEARED));
    let genesis: GenesisState = json::from_json(&genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    if !genesis.constitution.is_empty() {
        CONSTITUTION.set(ctx, &genesis.constitution)?;
    }
    NEXT_ID.set(ctx, &genesis.starting_proposal_id.max(1))?;
    for proposal in &genesis.proposals {
        if PROPOSALS.has(ctx, &proposal.id)? || proposal.id >= genesis.starting_proposal_id {
            return Err(invalid(format!("proposal {} is given twice or not below the starting id", proposal.id)));
        }
        PROPOSALS.set(ctx, &proposal.id, proposal)?;
        queue(ctx, proposal)?;
    }
    for deposit in &genesis.deposits {
        let depositor = account("depositor", &deposit.depositor)?;
        Coins::try_from_proto(&deposit.amount)?;
        DEPOSITS.set(ctx, (&deposit.proposal_id, &depositor), deposit)?;
    }
    for vote in &genesis.votes {
        let voter = account("voter", &vote.voter)?;
        votes::check_options(&vote.options)?;
        VOTES.set(ctx, (&vote.proposal_id, &voter), vote)?;
        BY_VOTER.set(ctx, (&voter, &vote.proposal_id), &())?;
        if VOTING.has(ctx, &vote.proposal_id)? {
            for (operator, shares) in staking::delegations_of(ctx, &voter)? {
                votes::count(ctx, vote.proposal_id, &operator, &vote.options, shares, true)?;
            }
        }
    }
    for entry in &timelocked {
        let time = BlockTime { seconds: number(entry, "seconds")?, nanos: number(entry, "nanos")? };
        TIMELOCK_QUEUE.set(ctx, (&time, &number(entry, "proposal_id")?), &())?;
    }
    for entry in &clearing {
        CLEARING.set(ctx, &number(entry, "proposal_id")?, &params::dec(field(entry, "burned")?)?)?;
    }
    check(ctx)
}

/// Deposits without coins, or open proposals that nothing would ever end, are refused where they are made.
fn check(ctx: &Context<'_>) -> Result<(), CodedError> {
    let query = QueryContext::new(ctx, ctx.block(), ctx.registry());
    for invariant in super::invariants::all() {
        (invariant.check)(&query).map_err(|violation| invalid(format!("{}: {violation}", invariant.name)))?;
    }
    Ok(())
}

fn queue(ctx: &mut Context<'_>, proposal: &Proposal) -> Result<(), CodedError> {
    let voting_end = time(proposal.voting_end_time.as_ref());
    match proposal.status() {
        ProposalStatus::DepositPeriod => {
            DEPOSIT_QUEUE.set(ctx, (&time(proposal.deposit_end_time.as_ref()), &proposal.id), &())?;
        }
        ProposalStatus::VotingPeriod => {
            VOTING_QUEUE.set(ctx, (&voting_end, &proposal.id), &())?;
            VOTING.set(ctx, &proposal.id, &())?;
        }
        _ => {}
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis = GenesisState {
        starting_proposal_id: NEXT_ID.get(ctx)?.unwrap_or(1),
        params: Some(params::load(ctx)?),
        constitution: CONSTITUTION.get(ctx)?.unwrap_or_default(),
        ..GenesisState::default()
    };
    for entry in PROPOSALS.iter(ctx) {
        genesis.proposals.push(entry?.1);
    }
    for entry in DEPOSITS.iter(ctx) {
        genesis.deposits.push(entry?.1);
    }
    for entry in VOTES.iter(ctx) {
        genesis.votes.push(entry?.1);
    }
    let (mut timelocked, mut clearing) = (Vec::new(), Vec::new());
    for entry in TIMELOCK_QUEUE.iter(ctx) {
        let ((time, id), ()) = entry?;
        timelocked.push(object!({
            "proposal_id": id.to_string(),
            "seconds": time.seconds.to_string(),
            "nanos": time.nanos.to_string(),
        }));
    }
    for entry in CLEARING.iter(ctx) {
        let (id, burned) = entry?;
        clearing.push(object!({"proposal_id": id.to_string(), "burned": burned.to_string()}));
    }
    write(&genesis, timelocked, clearing)
}
