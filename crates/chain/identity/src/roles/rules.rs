//! Who decides what, how many of them, and how long it waits (the table of identity spec section 8).

use ve_base::{Address, CodedError};
use ve_proto::ve::roles::v1::{AccountState, ActionKind, AdminAction, Permission, Role};
use ve_store::Read;

use super::table;

const HOUR: u64 = 3600;

/// What an action needs.
pub struct Rule {
    /// Roles whose holders may propose and approve.
    pub eligible: &'static [Role],
    /// Different people who must approve, the proposer included.
    pub quorum: usize,
    /// Of them, at least so many with a role.
    pub least: &'static [(Role, usize)],
    /// Seconds between enough approvals and the execution.
    pub timelock: u64,
}

const LEADERS: &[Role] = &[Role::GenesisAccount, Role::Administrator];
const REVIEWERS: &[Role] = &[Role::GenesisAccount, Role::Administrator, Role::Moderator];

/// `None` for what no administrator may do.
pub fn rule(kind: ActionKind, role: Role) -> Option<Rule> {
    let of = |eligible, quorum, least, timelock| Some(Rule { eligible, quorum, least, timelock });
    match (kind, role) {
        (ActionKind::Unspecified, _) => None,
        (ActionKind::Flag, _) => of(REVIEWERS, 1, &[], 0),
        (ActionKind::Suspend, _) => of(REVIEWERS, 2, &[(Role::Administrator, 1)], 0),
        (ActionKind::Reinstate, _) => of(REVIEWERS, 2, &[], HOUR),
        (ActionKind::Terminate, _) => of(&[Role::Administrator], 3, &[], 72 * HOUR),
        (ActionKind::EmergencyRevoke, _) => of(LEADERS, 2, &[], 0),
        (ActionKind::AssignRole | ActionKind::RevokeRole, Role::Unspecified | Role::GenesisAccount) => None,
        (ActionKind::AssignRole | ActionKind::RevokeRole, Role::Administrator) => {
            of(LEADERS, 3, &[(Role::GenesisAccount, 2), (Role::Administrator, 1)], 24 * HOUR)
        }
        (ActionKind::AssignRole | ActionKind::RevokeRole, _) => of(LEADERS, 2, &[], HOUR),
    }
}

/// The state that an action brings an account to.
pub fn destination(kind: ActionKind) -> Option<AccountState> {
    match kind {
        ActionKind::Flag => Some(AccountState::Flagged),
        ActionKind::Suspend => Some(AccountState::Suspended),
        ActionKind::Reinstate => Some(AccountState::Active),
        ActionKind::Terminate => Some(AccountState::Terminated),
        _ => None,
    }
}

/// What a delegate needs to act in somebody's name; `None` for what is not delegated.
pub fn permission(kind: ActionKind) -> Option<Permission> {
    match kind {
        ActionKind::Flag => Some(Permission::Flag),
        ActionKind::Suspend => Some(Permission::Suspend),
        ActionKind::Reinstate => Some(Permission::Reinstate),
        ActionKind::AssignRole | ActionKind::RevokeRole => Some(Permission::AssignRole),
        ActionKind::Terminate | ActionKind::EmergencyRevoke | ActionKind::Unspecified => None,
    }
}

/// Whether the account may propose and approve this action now. A service provider has a say about its own support
/// agents.
pub fn is_eligible<R: Read + ?Sized>(
    state: &R,
    rule: &Rule,
    action: &AdminAction,
    account: &Address,
) -> Result<bool, CodedError> {
    for role in rule.eligible {
        if table::has(state, account, *role)? {
            return Ok(true);
        }
    }
    let own = action.role() == Role::SupportAgent && action.organisation == account.to_string();
    Ok(own && table::has(state, account, Role::ServiceProvider)?)
}

/// Whether those who approved and are still entitled to are enough.
pub fn is_quorate<R: Read + ?Sized>(
    state: &R,
    rule: &Rule,
    action: &AdminAction,
    approvers: &[Address],
) -> Result<bool, CodedError> {
    let mut entitled = Vec::new();
    for approver in approvers {
        if is_eligible(state, rule, action, approver)? {
            entitled.push(approver);
        }
    }
    for (role, least) in rule.least {
        let mut count = 0usize;
        for approver in &entitled {
            count = count.saturating_add(usize::from(table::has(state, approver, *role)?));
        }
        if count < *least {
            return Ok(false);
        }
    }
    Ok(entitled.len() >= rule.quorum)
}
