//! What higher modules may decide or follow. `app` registers implementations; each is called in order, and an error
//! refuses the message.

use ve_base::{Address, Amount, CodedError};
use ve_sdk::Context;

/// A validator that wants to be created.
#[derive(Clone, Debug)]
pub struct Applicant {
    pub operator: Address,
    pub consensus_key: [u8; 32],
    pub self_bond: Amount,
}

/// Who may become a validator. Every registered gate must agree; without any, the rules of this module decide alone.
pub trait AdmissionGate: Send + Sync {
    fn admit_validator(&self, ctx: &mut Context<'_>, applicant: &Applicant) -> Result<(), CodedError>;
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
