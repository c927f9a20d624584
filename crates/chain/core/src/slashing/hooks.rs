//! What the module follows and decides: keys are judged from the moment they join, and a tombstoned key never returns.

use ve_base::keys::PublicKey;
use ve_base::{Address, CONSENSUS_PREFIX, CodedError};
use ve_sdk::Context;

use super::error::Error;
use super::signing;
use crate::staking::Validator;
use crate::staking::hooks::{AdmissionGate, Applicant, StakingHooks};

/// Registered with the staking module by the application.
pub struct SlashingHooks;

impl StakingHooks for SlashingHooks {
    fn after_validator_bonded(
        &self,
        ctx: &mut Context<'_>,
        consensus: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        signing::begin(ctx, consensus)
    }

    fn after_validator_removed(
        &self,
        ctx: &mut Context<'_>,
        consensus: &Address,
        _validator: &Address,
    ) -> Result<(), CodedError> {
        signing::end(ctx, consensus)
    }
}

fn refuse_tombstoned(ctx: &Context<'_>, consensus: &Address) -> Result<(), CodedError> {
    if signing::is_tombstoned(ctx, consensus)? {
        return Err(Error::Tombstoned(consensus.to_bech32(CONSENSUS_PREFIX)).into());
    }
    Ok(())
}

impl AdmissionGate for SlashingHooks {
    fn admit_validator(&self, ctx: &mut Context<'_>, applicant: &Applicant) -> Result<(), CodedError> {
        refuse_tombstoned(ctx, &PublicKey::Ed25519(applicant.consensus_key).address())
    }

    fn admit_delegation(&self, ctx: &mut Context<'_>, validator: &Validator) -> Result<(), CodedError> {
        // Only a jailed validator can be tombstoned.
        if validator.jailed { refuse_tombstoned(ctx, &validator.consensus_address()) } else { Ok(()) }
    }
}
