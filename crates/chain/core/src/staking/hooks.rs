//! What higher modules may decide or follow. `app` registers implementations; each is called in order, and an error
//! refuses the message.

use ve_base::{Address, Amount, CodedError, Dec};
use ve_sdk::Context;

use super::validator::Validator;

/// A validator that wants to be created.
#[derive(Clone, Debug)]
pub struct Applicant {
    pub operator: Address,
    pub consensus_key: [u8; 32],
    pub self_bond: Amount,
}

/// Who may become a validator and receive stake. Every registered gate must agree; without any, the rules of this
/// module decide alone.
pub trait AdmissionGate: Send + Sync {
    fn admit_validator(&self, ctx: &mut Context<'_>, applicant: &Applicant) -> Result<(), CodedError>;

    /// Before stake of anybody joins the validator.
    fn admit_delegation(&self, _ctx: &mut Context<'_>, _validator: &Validator) -> Result<(), CodedError> {
        Ok(())
    }
}

/// Asks every gate whether the validator may receive stake.
pub(super) fn admit_delegation(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), CodedError> {
    for gate in ctx.hooks().all::<dyn AdmissionGate>() {
        gate.admit_delegation(ctx, validator)?;
    }
    Ok(())
}

/// Changes of validators and delegations, named as in the Cosmos SDK. Addresses are those of operators and delegators.
pub trait StakingHooks: Send + Sync {
    fn after_validator_created(&self, _ctx: &mut Context<'_>, _validator: &Address) -> Result<(), CodedError> {
        Ok(())
    }

    fn before_validator_modified(&self, _ctx: &mut Context<'_>, _validator: &Address) -> Result<(), CodedError> {
        Ok(())
    }

    fn after_validator_removed(
        &self,
        _ctx: &mut Context<'_>,
        _consensus: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        Ok(())
    }

    fn after_validator_bonded(
        &self,
        _ctx: &mut Context<'_>,
        _consensus: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        Ok(())
    }

    fn after_validator_begin_unbonding(
        &self,
        _ctx: &mut Context<'_>,
        _consensus: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        Ok(())
    }

    fn before_delegation_created(
        &self,
        _ctx: &mut Context<'_>,
        _delegator: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        Ok(())
    }

    /// Rewards of the old stake are settled here, before the shares change.
    fn before_delegation_shares_modified(
        &self,
        _ctx: &mut Context<'_>,
        _delegator: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        Ok(())
    }

    fn before_delegation_removed(
        &self,
        _ctx: &mut Context<'_>,
        _delegator: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        Ok(())
    }

    /// `fraction` of the validator's tokens, rounded up, is about to be burned.
    fn before_validator_slashed(
        &self,
        _ctx: &mut Context<'_>,
        _validator: &Address,
        _fraction: Dec,
    ) -> Result<(), CodedError> {
        Ok(())
    }

    fn after_delegation_modified(
        &self,
        _ctx: &mut Context<'_>,
        _delegator: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        Ok(())
    }
}

/// Calls every registered implementation in order.
pub(super) fn each(
    ctx: &mut Context<'_>,
    mut call: impl FnMut(&dyn StakingHooks, &mut Context<'_>) -> Result<(), CodedError>,
) -> Result<(), CodedError> {
    for hook in ctx.hooks().all::<dyn StakingHooks>() {
        call(hook.as_ref(), ctx)?;
    }
    Ok(())
}
