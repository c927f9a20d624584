//! What higher modules learn of attestations, and what an emergency does to an attester.

use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::{AttesterState, Record};
use ve_proto::ve::roles::v1::EmergencyTarget;
use ve_sdk::Context;

use super::{params, registry};
use crate::roles::hooks::Emergency;

/// Told about every fact that comes and goes.
pub trait AttestationHooks: Send + Sync {
    fn accepted(&self, ctx: &mut Context<'_>, record: &Record) -> Result<(), CodedError>;

    /// Expired, withdrawn, or signed by a key that was compromised.
    fn dropped(&self, ctx: &mut Context<'_>, record: &Record) -> Result<(), CodedError>;
}

/// An attester out of force waits for governance as if it had never been approved.
pub struct AttesterEmergency;

impl Emergency for AttesterEmergency {
    fn target(&self) -> EmergencyTarget {
        EmergencyTarget::Attester
    }

    fn check(&self, ctx: &Context<'_>, resource_id: &str) -> Result<(), CodedError> {
        registry::active(ctx, &parse_account("attester", resource_id)?).map(|_| ())
    }

    fn revoke(&self, ctx: &mut Context<'_>, resource_id: &str) -> Result<(), CodedError> {
        let mut attester = registry::active(ctx, &parse_account("attester", resource_id)?)?;
        attester.set_state(AttesterState::Pending);
        registry::save(ctx, &attester, "attester_stopped")
    }

    fn restore(&self, ctx: &mut Context<'_>, resource_id: &str) -> Result<(), CodedError> {
        let mut attester = registry::require(ctx, &parse_account("attester", resource_id)?)?;
        let bonded = registry::bond(&attester) >= params::min_bond(&params::load(ctx)?);
        if attester.state() != AttesterState::Pending || !bonded {
            return Ok(());
        }
        attester.set_state(AttesterState::Active);
        registry::save(ctx, &attester, "attester_restored")
    }
}
