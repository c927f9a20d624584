//! Genesis: `{params, assignments, accounts, actions, delegations, next_action, next_delegation}`.

use serde_json::Value;
use ve_base::{Amount, CodedError, parse_account};
use ve_proto::ve::roles::v1::{
    AccountState, AccountStatus, ActionStatus, AdminAction, Delegation, DelegationState, GenesisState, Role,
    RoleAssignment,
};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{ACTIONS, ASSIGNMENTS, DELEGATIONS, NEXT_ACTION, NEXT_DELEGATION, STATES};
use super::{invariants, params, table};

pub fn default() -> Value {
    json::to_json(&GenesisState {
        params: Some(params::default()),
        next_action: 1,
        next_delegation: 1,
        ..GenesisState::default()
    })
    .unwrap_or_default()
}

fn refused(cause: impl Into<String>) -> CodedError {
    Error::Genesis(cause.into()).into()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    genesis.assignments.iter().try_for_each(|assignment| seat(ctx, assignment))?;
    genesis.accounts.iter().try_for_each(|status| restrict(ctx, status))?;
    genesis.actions.iter().try_for_each(|action| add_action(ctx, action, genesis.next_action))?;
    genesis.delegations.iter().try_for_each(|given| add_delegation(ctx, given, genesis.next_delegation))?;
    NEXT_ACTION.set(ctx, &genesis.next_action.max(1))?;
    NEXT_DELEGATION.set(ctx, &genesis.next_delegation.max(1))?;
    let query = QueryContext::new(&*ctx, ctx.block(), ctx.registry());
    invariants::all(&query).map_err(refused)
}

/// The organisations of support agents may stand later in the list.
fn seat(ctx: &mut Context<'_>, assignment: &RoleAssignment) -> Result<(), CodedError> {
    let account = parse_account("account", &assignment.account)?;
    table::check_shape(assignment.role(), &assignment.organisation)?;
    let key = (account, table::number(assignment.role()));
    if ASSIGNMENTS.has(ctx, &key)? || ctx.registry().module_account(&key.0).is_some() {
        return Err(refused(format!("{} has a role twice or is a module", assignment.account)));
    }
    Ok(ASSIGNMENTS.set(ctx, &key, assignment)?)
}

fn restrict(ctx: &mut Context<'_>, status: &AccountStatus) -> Result<(), CodedError> {
    let account = parse_account("account", &status.account)?;
    let state = status.state();
    let flagged = state == AccountState::Flagged;
    let fits = !matches!(state, AccountState::Unspecified | AccountState::Active)
        && flagged == (status.review_until != 0)
        && status.outflow.parse::<Amount>().is_ok()
        && !STATES.has(ctx, &account)?
        && ctx.registry().module_account(&account).is_none()
        && !table::holds(ctx, &account, Role::GenesisAccount)?;
    if !fits {
        return Err(refused(format!("the state of {account} is given twice, is not one, or cannot be")));
    }
    Ok(STATES.set(ctx, &account, status)?)
}

fn add_action(ctx: &mut Context<'_>, action: &AdminAction, next: u64) -> Result<(), CodedError> {
    let known = action.status() != ActionStatus::Unspecified && super::actions::rule(action).is_ok();
    if !known || action.id == 0 || action.id >= next || ACTIONS.has(ctx, &action.id)? {
        return Err(refused(format!("action {} is given twice, is beyond the next one, or is none", action.id)));
    }
    parse_account("proposer", &action.proposer)?;
    Ok(ACTIONS.set(ctx, &action.id, action)?)
}

fn add_delegation(ctx: &mut Context<'_>, delegation: &Delegation, next: u64) -> Result<(), CodedError> {
    let id = delegation.id;
    let known = delegation.state() != DelegationState::Unspecified && delegation.uses <= delegation.max_uses;
    if !known || id == 0 || id >= next || DELEGATIONS.has(ctx, &id)? {
        return Err(refused(format!("delegation {id} is given twice, is beyond the next one, or is none")));
    }
    parse_account("delegator", &delegation.delegator)?;
    parse_account("delegate", &delegation.delegate)?;
    Ok(DELEGATIONS.set(ctx, &id, delegation)?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let assignments = ASSIGNMENTS.scan().entries(ctx).map(|entry| entry.map(|(_, value)| value));
    let accounts = STATES.scan().entries(ctx).map(|entry| entry.map(|(_, value)| value));
    let actions = ACTIONS.scan().entries(ctx).map(|entry| entry.map(|(_, value)| value));
    let delegations = DELEGATIONS.scan().entries(ctx).map(|entry| entry.map(|(_, value)| value));
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        assignments: assignments.collect::<Result<_, _>>()?,
        accounts: accounts.collect::<Result<_, _>>()?,
        actions: actions.collect::<Result<_, _>>()?,
        delegations: delegations.collect::<Result<_, _>>()?,
        next_action: NEXT_ACTION.get(ctx)?.unwrap_or(1),
        next_delegation: NEXT_DELEGATION.get(ctx)?.unwrap_or(1),
    })
}
