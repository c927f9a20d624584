//! Delegations: somebody else uses a part of what an account may do, for a while and a number of times.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::roles::v1::{Delegation, DelegationState, Permission, Role};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{BY_DELEGATOR, DELEGATIONS, DELEGATIONS_DUE};
use super::{actions, params, states, table};
use crate::audit;

pub const MAX_SCOPE: usize = 128;
pub const MAX_USES: u32 = 10_000;
/// Delegations that end in one block at most.
const MAX_PER_BLOCK: usize = 50;

/// Roles whose holders own a permission; `None` when every account does.
fn owners(permission: Permission) -> Option<&'static [Role]> {
    use Role::{Administrator, GenesisAccount, Moderator, ServiceProvider, SupportAgent};
    Some(match permission {
        Permission::Unspecified => &[],
        Permission::Flag | Permission::Suspend | Permission::Reinstate => &[GenesisAccount, Administrator, Moderator],
        Permission::AssignRole => &[GenesisAccount, Administrator, ServiceProvider],
        Permission::ResolveAppeal | Permission::PlatformTicket => &[Moderator],
        Permission::Listing => &[GenesisAccount, Administrator, ServiceProvider],
        Permission::OrganisationTicket => &[ServiceProvider, SupportAgent],
        Permission::ReportFraud => &[ServiceProvider],
        Permission::ViewIdentity | Permission::ProveIdentity | Permission::SignOnBehalf | Permission::ManageScopes => {
            return None;
        }
    })
}

/// Whether the account itself may do this now.
pub fn owns<R: Read + ?Sized>(state: &R, account: &Address, permission: Permission) -> Result<bool, CodedError> {
    let Some(roles) = owners(permission) else { return states::is_active(state, account) };
    for role in roles {
        if table::has(state, account, *role)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// When time next changes the delegation.
pub fn next(delegation: &Delegation) -> u64 {
    match delegation.state() {
        DelegationState::Active => delegation.expires_at,
        _ => delegation.ended_at.saturating_add(actions::KEEP_ENDED),
    }
}

/// Active delegations of an account; the walk is bounded by what is kept of ended ones.
pub fn check_count(ctx: &Context<'_>, delegator: &Address) -> Result<(), CodedError> {
    let most = params::load(ctx)?.max_delegations;
    let mut active = 0u32;
    for id in BY_DELEGATOR.keys(ctx, delegator) {
        let active_one = DELEGATIONS.require(ctx, &id?)?.state() == DelegationState::Active;
        active = active.saturating_add(u32::from(active_one));
        if active >= most {
            return Err(Error::TooMany(delegator.to_string(), most, "delegations").into());
        }
    }
    Ok(())
}

/// Takes one use of a delegation and returns in whose name the delegate acts. `resource` is what it acts on, compared
/// with the scope.
pub fn spend(
    ctx: &mut Context<'_>,
    id: u64,
    delegate: &Address,
    permission: Permission,
    resource: &str,
) -> Result<Address, CodedError> {
    let mut delegation = DELEGATIONS.get(ctx, &id)?.ok_or(Error::NotFound("delegation", id))?;
    let refused = |cause| Error::Delegation(id, cause);
    if delegation.delegate != delegate.to_string() {
        return Err(refused("it was given to somebody else").into());
    }
    if delegation.state() != DelegationState::Active || delegation.expires_at <= ctx.time().unix() {
        return Err(refused("it is over").into());
    }
    if !delegation.permissions.contains(&permission.into()) {
        return Err(refused("the permission is not in it").into());
    }
    if !delegation.scope.is_empty() && delegation.scope != resource {
        return Err(refused("it is good for another resource only").into());
    }
    let delegator = parse_account("delegator", &delegation.delegator)?;
    if !owns(ctx, &delegator, permission)? || !states::is_active(ctx, delegate)? {
        return Err(refused("who gave it does not have the permission any more, or the delegate is not active").into());
    }
    delegation.uses = delegation.uses.saturating_add(1);
    if delegation.uses >= delegation.max_uses {
        close(ctx, &mut delegation, DelegationState::Exhausted);
    }
    save(ctx, &delegation, "delegation_used", &delegate.to_string())?;
    Ok(delegator)
}

pub fn close(ctx: &Context<'_>, delegation: &mut Delegation, state: DelegationState) {
    delegation.set_state(state);
    delegation.ended_at = ctx.time().unix();
}

pub fn save(ctx: &mut Context<'_>, delegation: &Delegation, what: &'static str, actor: &str) -> Result<(), CodedError> {
    DELEGATIONS.set(ctx, &delegation.id, delegation)?;
    ctx.emit(
        Event::new(what)
            .with("delegation_id", delegation.id)
            .with("delegator", &delegation.delegator)
            .with("delegate", &delegation.delegate)
            .with("state", delegation.state().as_str_name())
            .with("uses", delegation.uses),
    );
    let act = audit::Act {
        actor,
        module: "roles",
        action: what,
        resource_id: &format!("delegation/{}", delegation.id),
        outcome: Outcome::Done,
        metadata: &[delegation.delegator.as_bytes(), delegation.delegate.as_bytes()],
        details_ref: "",
    };
    audit::record(ctx, &act).map(|_| ())
}

/// What time does to delegations.
pub fn advance(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in DELEGATIONS_DUE.scan().through(&now).keys(ctx).take(MAX_PER_BLOCK) {
        due.push(entry?.1);
    }
    for id in due {
        let mut delegation = DELEGATIONS.require(ctx, &id)?;
        if delegation.state() == DelegationState::Active {
            close(ctx, &mut delegation, DelegationState::Expired);
            save(ctx, &delegation, "delegation_expired", "roles")?;
        } else {
            DELEGATIONS.remove(ctx, &id)?;
        }
    }
    Ok(())
}
