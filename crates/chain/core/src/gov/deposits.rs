//! Deposits: what makes a proposal worth voting on, given back or burned at its end.

use ve_base::{Address, BASE_DENOM, CodedError, Coins, Dec};
use ve_proto::cosmos::gov::v1::{Deposit, Params, Proposal, ProposalStatus};
use ve_sdk::context::GOV_MODULE;
use ve_sdk::{Context, Event};

use super::error::Error;
use super::keys::DEPOSITS;
use super::{params, proposals};
use crate::bank;

/// Coins that a proposal takes: the native one.
pub fn parse(coins: &[ve_proto::cosmos::base::v1beta1::Coin]) -> Result<Coins, CodedError> {
    let coins = Coins::try_from_proto(coins)?;
    if let Some(coin) = coins.iter().find(|coin| coin.denom.as_str() != BASE_DENOM) {
        return Err(Error::DepositDenom(BASE_DENOM.into(), coin.denom.to_string()).into());
    }
    Ok(coins)
}

/// Adds to the deposit of an open proposal and starts the vote when it is complete.
pub fn add(
    ctx: &mut Context<'_>,
    params: &Params,
    proposal: &mut Proposal,
    depositor: &Address,
    coins: &Coins,
) -> Result<(), CodedError> {
    if !matches!(proposal.status(), ProposalStatus::DepositPeriod | ProposalStatus::VotingPeriod) {
        return Err(Error::Inactive(proposal.id).into());
    }
    bank::send_to_module(ctx, depositor, GOV_MODULE, coins)?;
    let total = Coins::try_from_proto(&proposal.total_deposit)?.checked_add(coins)?;
    proposal.total_deposit = total.to_proto();
    let before = DEPOSITS.get(ctx, (&proposal.id, depositor))?.unwrap_or_default();
    let amount = Coins::try_from_proto(&before.amount)?.checked_add(coins)?.to_proto();
    let deposit = Deposit { proposal_id: proposal.id, depositor: depositor.to_string(), amount };
    DEPOSITS.set(ctx, (&proposal.id, depositor), &deposit)?;
    let complete = total.amount_of(BASE_DENOM) >= params::min_deposit(params, proposal.expedited)?;
    if proposal.status() == ProposalStatus::DepositPeriod && complete {
        proposals::activate(ctx, params, proposal)?;
    } else {
        proposals::save(ctx, proposal)?;
    }
    ctx.emit(
        Event::new("proposal_deposit")
            .with("depositor", depositor)
            .with("amount", coins)
            .with("proposal_id", proposal.id),
    );
    Ok(())
}

/// Burns `ratio` of the deposits of a proposal that ended and gives back the rest, at most `limit` deposits. Returns how
/// many that were.
pub fn clear(ctx: &mut Context<'_>, id: u64, ratio: Dec, limit: usize) -> Result<usize, CodedError> {
    let entries = DEPOSITS.scan().prefix(&id).take(ctx, limit)?;
    for ((_, depositor), deposit) in &entries {
        DEPOSITS.remove(ctx, (&id, depositor))?;
        let coins = Coins::try_from_proto(&deposit.amount)?;
        let burned = Coins::native(params::part(coins.amount_of(BASE_DENOM), ratio)?);
        let returned = coins.checked_sub(&burned).unwrap_or_default();
        if !burned.is_empty() {
            bank::burn(ctx, GOV_MODULE, &burned)?;
        }
        if !returned.is_empty() {
            bank::send_from_module(ctx, GOV_MODULE, depositor, &returned)?;
        }
    }
    Ok(entries.len())
}
