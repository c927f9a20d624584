//! What must hold of roles, states and actions after every block.

use std::collections::{BTreeMap, BTreeSet};

use ve_base::Address;
use ve_proto::ve::roles::v1::{AccountState, DelegationState, Role};
use ve_sdk::QueryContext;

use super::keys::{ACTIONS, ASSIGNMENTS, DELEGATIONS, NEXT_ACTION, NEXT_DELEGATION, STATES};
use super::{actions, params, table};

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

pub fn all(ctx: &QueryContext<'_>) -> Result<(), String> {
    assignments(ctx)?;
    accounts(ctx)?;
    open_actions(ctx)?;
    delegations(ctx)
}

fn assignments(ctx: &QueryContext<'_>) -> Result<(), String> {
    let mut counts: BTreeMap<Address, u32> = BTreeMap::new();
    for entry in ASSIGNMENTS.scan().entries(ctx) {
        let ((account, role), assignment) = entry.map_err(text)?;
        if assignment.account != account.to_string() || table::number(assignment.role()) != role {
            return Err(format!("the role {role} of {account} is filed wrongly"));
        }
        table::check_shape(assignment.role(), &assignment.organisation).map_err(text)?;
        let count = counts.entry(account).or_default();
        *count = count.saturating_add(1);
    }
    if let Some((account, count)) = counts.iter().find(|(_, count)| **count > params::MOST_ROLES) {
        return Err(format!("{account} has {count} roles"));
    }
    if table::is_led(ctx).map_err(text)? { Ok(()) } else { Err("too few genesis accounts or administrators".into()) }
}

fn accounts(ctx: &QueryContext<'_>) -> Result<(), String> {
    for entry in STATES.scan().entries(ctx) {
        let (account, status) = entry.map_err(text)?;
        let state = status.state();
        let flagged = state == AccountState::Flagged;
        if matches!(state, AccountState::Active | AccountState::Unspecified) || flagged != (status.review_until != 0) {
            return Err(format!("{account} is kept as {}", state.as_str_name()));
        }
        if table::holds(ctx, &account, Role::GenesisAccount).map_err(text)? {
            return Err(format!("genesis account {account} is not active"));
        }
        if state == AccountState::Terminated && !table::of(ctx, &account).map_err(text)?.is_empty() {
            return Err(format!("terminated account {account} has roles"));
        }
        if ctx.registry().module_account(&account).is_some() {
            return Err(format!("module account {account} is not active"));
        }
    }
    Ok(())
}

fn open_actions(ctx: &QueryContext<'_>) -> Result<(), String> {
    let next = NEXT_ACTION.get(ctx).map_err(text)?.unwrap_or(1);
    for entry in ACTIONS.scan().entries(ctx) {
        let (id, action) = entry.map_err(text)?;
        if id != action.id || id >= next || actions::is_open(&action) != (action.ended_at == 0) {
            return Err(format!("action {id} has a wrong number or end"));
        }
        let voices: Vec<&String> = action.approvals.iter().map(|given| &given.approver).collect();
        if voices.iter().collect::<BTreeSet<_>>().len() != voices.len() || voices.contains(&&action.target) {
            return Err(format!("action {id} counts somebody twice, or its own target"));
        }
    }
    Ok(())
}

fn delegations(ctx: &QueryContext<'_>) -> Result<(), String> {
    let next = NEXT_DELEGATION.get(ctx).map_err(text)?.unwrap_or(1);
    for entry in DELEGATIONS.scan().entries(ctx) {
        let (id, delegation) = entry.map_err(text)?;
        let active = delegation.state() == DelegationState::Active;
        let spent = delegation.uses >= delegation.max_uses;
        if id != delegation.id || id >= next || active != (delegation.ended_at == 0) || (active && spent) {
            return Err(format!("delegation {id} has a wrong number, end or count"));
        }
    }
    Ok(())
}
