//! What higher modules decide about or follow. `app` registers implementations; each is called in order.

use ve_base::{Address, CodedError};
use ve_proto::ve::roles::v1::{AccountState, EmergencyTarget, Role};
use ve_sdk::Context;

/// Whether an account is fit for a role: its score, its operators, its stake. An error refuses the assignment.
pub trait RoleGate: Send + Sync {
    fn admit_role(&self, ctx: &mut Context<'_>, account: &Address, role: Role) -> Result<(), CodedError>;
}

/// Follows changes of account states.
pub trait AccountHooks: Send + Sync {
    fn after_state_changed(
        &self,
        ctx: &mut Context<'_>,
        account: &Address,
        old: AccountState,
        new: AccountState,
    ) -> Result<(), CodedError>;
}

/// Whether compliance holds back what an account owns.
pub trait Compliance: Send + Sync {
    fn is_blocked(&self, ctx: &Context<'_>, account: &Address) -> Result<bool, CodedError>;
}

/// Owns something that an emergency can revoke.
pub trait Emergency: Send + Sync {
    fn target(&self) -> EmergencyTarget;

    /// Whether there is such a thing, and it is in force.
    fn check(&self, ctx: &Context<'_>, resource_id: &str) -> Result<(), CodedError>;

    /// Out of force from the next block on.
    fn revoke(&self, ctx: &mut Context<'_>, resource_id: &str) -> Result<(), CodedError>;

    /// Governance did not ratify the revocation: in force again, unless it was revoked in another way since.
    fn restore(&self, ctx: &mut Context<'_>, resource_id: &str) -> Result<(), CodedError>;
}

/// The owner of things of this kind.
pub(super) fn with_emergency<T>(
    ctx: &mut Context<'_>,
    target: EmergencyTarget,
    call: impl FnOnce(&dyn Emergency, &mut Context<'_>) -> Result<T, CodedError>,
) -> Result<T, CodedError> {
    let owner = ctx.hooks().all::<dyn Emergency>().iter().find(|owner| owner.target() == target);
    match owner {
        Some(owner) => call(owner.as_ref(), ctx),
        None => Err(super::Error::Invalid(format!("nothing here can be revoked as {}", target.as_str_name())).into()),
    }
}
