//! Votes follow the stake that they speak for.

use ve_base::{Address, CodedError};
use ve_sdk::Context;

use super::keys::{BY_VOTER, VOTES, VOTING};
use super::votes;
use crate::staking::{self, hooks::StakingHooks};

pub struct GovHooks;

/// The shares that the delegator has with the validator now, on every proposal that it votes on.
fn recount(ctx: &mut Context<'_>, delegator: &Address, validator: &Address, add: bool) -> Result<(), CodedError> {
    // At most as many as proposals can be open, and those that ended within the last blocks.
    let voted: Vec<u64> =
        BY_VOTER.scan().prefix(delegator).keys(ctx).map(|key| key.map(|(_, id)| id)).collect::<Result<_, _>>()?;
    for id in voted {
        if !VOTING.has(ctx, &id)? {
            continue;
        }
        let Some(vote) = VOTES.get(ctx, (&id, delegator))? else { continue };
        let shares = staking::shares(ctx, delegator, validator)?;
        votes::count(ctx, id, validator, &vote.options, shares, add)?;
    }
    Ok(())
}

impl StakingHooks for GovHooks {
    fn before_delegation_shares_modified(
        &self,
        ctx: &mut Context<'_>,
        delegator: &Address,
        validator: &Address,
    ) -> Result<(), CodedError> {
        recount(ctx, delegator, validator, false)
    }

    fn after_delegation_modified(
        &self,
        ctx: &mut Context<'_>,
        delegator: &Address,
        validator: &Address,
    ) -> Result<(), CodedError> {
        recount(ctx, delegator, validator, true)
    }
}
