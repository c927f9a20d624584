//! Seven roles: who has them, how they are given and taken.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::roles::v1::{Role, RoleAssignment};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::hooks::RoleGate;
use super::keys::{ASSIGNMENTS, BY_ROLE};
use super::{params, states};
use crate::audit;

/// Administrators that must remain.
pub const LEAST_ADMINISTRATORS: usize = 2;

/// How much a role is trusted (identity spec section 8).
pub fn trust(role: Role) -> u32 {
    match role {
        Role::Unspecified => 0,
        Role::GenesisAccount => 100,
        Role::Administrator => 90,
        Role::Validator => 85,
        Role::Moderator => 70,
        Role::ServiceProvider | Role::SupportAgent => 60,
        Role::Customer => 50,
    }
}

pub fn number(role: Role) -> u32 {
    u32::try_from(i32::from(role)).unwrap_or_default()
}

/// Whether the account was given the role, whatever its state.
pub fn holds<R: Read + ?Sized>(state: &R, account: &Address, role: Role) -> Result<bool, CodedError> {
    Ok(ASSIGNMENTS.has(state, (account, &number(role)))?)
}

/// Whether the account may use the role now: it holds it and is active.
pub fn has<R: Read + ?Sized>(state: &R, account: &Address, role: Role) -> Result<bool, CodedError> {
    Ok(holds(state, account, role)? && states::is_active(state, account)?)
}

/// All roles of an account; at most seven.
pub fn of<R: Read + ?Sized>(state: &R, account: &Address) -> Result<Vec<RoleAssignment>, CodedError> {
    let entries = ASSIGNMENTS.scan().prefix(account).entries(state);
    Ok(entries.map(|entry| entry.map(|(_, assignment)| assignment)).collect::<Result<_, _>>()?)
}

/// At most `limit` holders of a role, by address.
pub fn members<R: Read + ?Sized>(state: &R, role: Role, limit: usize) -> Result<Vec<Address>, CodedError> {
    let keys = BY_ROLE.scan().prefix(&number(role)).keys(state).take(limit);
    Ok(keys.map(|key| key.map(|(_, (account, _))| account)).collect::<Result<_, _>>()?)
}

/// Either nobody leads the network, or as many as must remain do.
pub fn is_led<R: Read + ?Sized>(state: &R) -> Result<bool, CodedError> {
    let genesis = members(state, Role::GenesisAccount, 1)?.len();
    let administrators = members(state, Role::Administrator, LEAST_ADMINISTRATORS)?.len();
    Ok((genesis == 0 && administrators == 0) || (genesis == 1 && administrators == LEAST_ADMINISTRATORS))
}

/// A role that may be given with this organisation; only support agents have one.
pub fn check_shape(role: Role, organisation: &str) -> Result<(), CodedError> {
    if role == Role::Unspecified {
        return Err(Error::Invalid("name one of the seven roles".into()).into());
    }
    match (role, organisation.is_empty()) {
        (Role::SupportAgent, false) => parse_account("organisation", organisation).map(|_| ()),
        (Role::SupportAgent, true) => {
            Err(Error::Invalid("a support agent belongs to a service provider; name its organisation".into()).into())
        }
        (_, true) => Ok(()),
        (_, false) => Err(Error::Invalid("only support agents belong to an organisation".into()).into()),
    }
}

/// What changes a role, and who answers for it.
pub struct Change<'a> {
    pub account: &'a Address,
    pub role: Role,
    pub organisation: &'a str,
    /// `governance` or `action/N`.
    pub cause: &'a str,
    pub actor: &'a str,
}

/// Refuses what cannot be assigned now.
pub fn check_assign(ctx: &mut Context<'_>, change: &Change<'_>) -> Result<(), CodedError> {
    check_shape(change.role, change.organisation)?;
    let (account, role) = (change.account, change.role);
    if holds(ctx, account, role)? {
        return Err(Error::Exists(account.to_string(), "has the role").into());
    }
    if ctx.registry().module_account(account).is_some() {
        return Err(Error::Invalid(format!("{account} is a module; modules have no roles")).into());
    }
    if !states::is_active(ctx, account)? {
        return Err(Error::Invalid(format!("{account} is not active")).into());
    }
    let most = params::load(ctx)?.max_roles;
    if of(ctx, account)?.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
        return Err(Error::RoleLimit(account.to_string(), most).into());
    }
    if role == Role::SupportAgent
        && !holds(ctx, &parse_account("organisation", change.organisation)?, Role::ServiceProvider)?
    {
        return Err(Error::Invalid(format!("{} is no service provider", change.organisation)).into());
    }
    for gate in ctx.hooks().all::<dyn RoleGate>() {
        gate.admit_role(ctx, account, role)?;
    }
    Ok(())
}

pub fn assign(ctx: &mut Context<'_>, change: &Change<'_>) -> Result<(), CodedError> {
    check_assign(ctx, change)?;
    let assignment = RoleAssignment {
        account: change.account.to_string(),
        role: change.role.into(),
        organisation: change.organisation.to_owned(),
        assigned_at: ctx.time().unix(),
        cause: change.cause.to_owned(),
    };
    ASSIGNMENTS.set(ctx, &(change.account.clone(), number(change.role)), &assignment)?;
    changed(ctx, "role_assigned", change)
}

/// Takes a role away. The caller sees to it that somebody leads the network afterwards.
pub fn revoke(ctx: &mut Context<'_>, change: &Change<'_>) -> Result<(), CodedError> {
    if !holds(ctx, change.account, change.role)? {
        return Err(Error::Invalid(format!("{} has no such role", change.account)).into());
    }
    ASSIGNMENTS.remove(ctx, &(change.account.clone(), number(change.role)))?;
    changed(ctx, "role_revoked", change)
}

fn changed(ctx: &mut Context<'_>, what: &'static str, change: &Change<'_>) -> Result<(), CodedError> {
    let role = change.role.as_str_name();
    ctx.emit(
        Event::new(what)
            .with("account", change.account)
            .with("role", role)
            .with("organisation", change.organisation)
            .with("cause", change.cause),
    );
    let act = audit::Act {
        actor: change.actor,
        module: "roles",
        action: what,
        resource_id: &format!("{}/{}", change.account, number(change.role)),
        outcome: Outcome::Done,
        metadata: &[change.organisation.as_bytes()],
        details_ref: change.cause,
    };
    audit::record(ctx, &act).map(|_| ())
}
