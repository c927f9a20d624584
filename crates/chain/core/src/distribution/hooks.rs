//! How changes of stake end and begin the earning of it.

use ve_base::{Address, CodedError, Dec};
use ve_sdk::Context;

use super::{earnings, payout};
use crate::staking::hooks::StakingHooks;

/// Registered with the staking module by the application.
pub struct DistributionHooks;

impl StakingHooks for DistributionHooks {
    fn after_validator_created(&self, ctx: &mut Context<'_>, validator: &Address) -> Result<(), CodedError> {
        earnings::begin(ctx, validator)
    }

    fn after_validator_removed(
        &self,
        ctx: &mut Context<'_>,
        _consensus: &Address,
        validator: &Address,
    ) -> Result<(), CodedError> {
        earnings::end(ctx, validator)
    }

    fn before_delegation_created(
        &self,
        ctx: &mut Context<'_>,
        _delegator: &Address,
        validator: &Address,
    ) -> Result<(), CodedError> {
        earnings::end_period(ctx, validator).map(|_| ())
    }

    fn before_delegation_shares_modified(
        &self,
        ctx: &mut Context<'_>,
        delegator: &Address,
        validator: &Address,
    ) -> Result<(), CodedError> {
        payout::settle(ctx, validator, delegator).map(|_| ())
    }

    fn after_delegation_modified(
        &self,
        ctx: &mut Context<'_>,
        delegator: &Address,
        validator: &Address,
    ) -> Result<(), CodedError> {
        payout::begin(ctx, validator, delegator)
    }

    fn before_validator_slashed(
        &self,
        ctx: &mut Context<'_>,
        validator: &Address,
        fraction: Dec,
    ) -> Result<(), CodedError> {
        earnings::slash(ctx, validator, fraction)
    }
}
