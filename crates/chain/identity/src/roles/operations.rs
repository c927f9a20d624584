//! Random operations for the simulation.

use ve_base::Address;
use ve_proto::ve::roles::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::keys::{ACTIONS, DELEGATIONS, STATES};
use super::{actions, params, table};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.roles.v1.MsgProposeAction", weight: 4, generate: propose },
        Operation { message: "/ve.roles.v1.MsgApproveAction", weight: 6, generate: approve },
        Operation { message: "/ve.roles.v1.MsgVetoAction", weight: 1, generate: veto },
        Operation { message: "/ve.roles.v1.MsgExecuteAction", weight: 4, generate: execute },
        Operation { message: "/ve.roles.v1.MsgGrantDelegation", weight: 2, generate: grant },
        Operation { message: "/ve.roles.v1.MsgRevokeDelegation", weight: 1, generate: revoke },
        Operation { message: "/ve.roles.v1.MsgAppealState", weight: 1, generate: appeal },
        Operation { message: "/ve.roles.v1.MsgClaimResidual", weight: 1, generate: claim },
        Operation { message: "/ve.roles.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

/// Accounts that the simulation acts on: the last quarter, so that the others can go about their business.
fn targets(accounts: &[Address]) -> &[Address] {
    let from = accounts.len().saturating_sub(accounts.len() / 4).saturating_sub(1);
    accounts.get(from..).unwrap_or_default()
}

/// Mostly somebody who leads.
fn leader(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<(Address, bool)> {
    let leaders: Vec<Address> = [Role::GenesisAccount, Role::Administrator, Role::Moderator]
        .into_iter()
        .filter_map(|role| table::members(ctx, role, 20).ok())
        .flatten()
        .collect();
    if draw.below(6) == 0 {
        let stranger = pick(draw, accounts)?.clone();
        let leads = leaders.contains(&stranger);
        return Some((stranger, leads));
    }
    pick(draw, &leaders).map(|leader| (leader.clone(), true))
}

fn propose(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (signer, leads) = leader(draw, ctx, accounts)?;
    let target = pick(draw, targets(accounts))?;
    let kinds = [
        ActionKind::Flag,
        ActionKind::Flag,
        ActionKind::Suspend,
        ActionKind::Reinstate,
        ActionKind::Reinstate,
        ActionKind::Reinstate,
        ActionKind::Terminate,
        ActionKind::AssignRole,
        ActionKind::RevokeRole,
        ActionKind::EmergencyRevoke,
    ];
    let kind = *pick(draw, &kinds)?;
    let emergency = kind == ActionKind::EmergencyRevoke;
    let about_role = matches!(kind, ActionKind::AssignRole | ActionKind::RevokeRole);
    let role = *pick(draw, &[Role::Moderator, Role::ServiceProvider, Role::Customer, Role::Administrator])?;
    let message = MsgProposeAction {
        proposer: signer.to_string(),
        kind: kind.into(),
        target: if emergency { String::new() } else { target.to_string() },
        role: if about_role { role.into() } else { 0 },
        emergency: if emergency { EmergencyTarget::Measurement.into() } else { 0 },
        resource_id: if emergency { "ff".into() } else { String::new() },
        reason_commit: vec![1; 32],
        ..MsgProposeAction::default()
    };
    Some(Proposed::new(&signer, &message, if leads { Expect::Either } else { Expect::Refused }))
}

fn open_action(draw: &mut dyn Draw, ctx: &QueryContext<'_>, executable: bool) -> Option<AdminAction> {
    let open: Vec<AdminAction> = ACTIONS
        .scan()
        .entries(ctx)
        .filter_map(|entry| entry.ok().map(|(_, action)| action))
        .filter(actions::is_open)
        .filter(|action| !executable || action.status() == ActionStatus::Executable)
        .collect();
    pick(draw, &open).cloned()
}

fn approve(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (signer, leads) = leader(draw, ctx, accounts)?;
    let action = open_action(draw, ctx, false)?;
    let message = MsgApproveAction { approver: signer.to_string(), action_id: action.id, delegation_id: 0 };
    Some(Proposed::new(&signer, &message, if leads { Expect::Either } else { Expect::Refused }))
}

fn veto(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (signer, leads) = leader(draw, ctx, accounts)?;
    let action = open_action(draw, ctx, false)?;
    let message = MsgVetoAction { signer: signer.to_string(), action_id: action.id };
    Some(Proposed::new(&signer, &message, if leads { Expect::Either } else { Expect::Refused }))
}

/// One whose time lock is over, or in one of four cases any open one.
fn execute(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (signer, leads) = leader(draw, ctx, accounts)?;
    let executable = draw.below(4) != 0;
    let action = open_action(draw, ctx, executable)?;
    let message = MsgExecuteAction { signer: signer.to_string(), action_id: action.id };
    Some(Proposed::new(&signer, &message, if leads { Expect::Either } else { Expect::Refused }))
}

/// Of what every account has, or in half of the cases of what only leaders have.
fn grant(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (delegator, leads) = leader(draw, ctx, accounts)?;
    let delegate = pick(draw, accounts)?;
    let lead = draw.below(2) == 0;
    let permission = if lead { Permission::Flag } else { Permission::ProveIdentity };
    let message = MsgGrantDelegation {
        delegator: delegator.to_string(),
        delegate: delegate.to_string(),
        permissions: vec![permission.into()],
        scope: String::new(),
        expires_at: ctx.time().unix().saturating_add(draw.below(100 * 86_400)),
        max_uses: 3,
    };
    let expect = if *delegate == delegator || (lead && !leads) { Expect::Refused } else { Expect::Either };
    Some(Proposed::new(&delegator, &message, expect))
}

fn revoke(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let known: Vec<Delegation> =
        DELEGATIONS.scan().entries(ctx).take(200).filter_map(|entry| entry.ok().map(|(_, given)| given)).collect();
    let delegation = pick(draw, &known)?;
    let owner = accounts.iter().find(|account| account.to_string() == delegation.delegator)?;
    let signer = if draw.below(4) == 0 { pick(draw, accounts)? } else { owner };
    let text = signer.to_string();
    let stranger = text != delegation.delegator && text != delegation.delegate;
    let message = MsgRevokeDelegation { signer: text, delegation_id: delegation.id };
    Some(Proposed::new(signer, &message, if stranger { Expect::Refused } else { Expect::Either }))
}

fn appeal(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, targets(accounts))?;
    let message = MsgAppealState { account: signer.to_string(), reason_commit: vec![2; 32] };
    Some(Proposed::new(signer, &message, Expect::Either))
}

/// By a terminated account, or in one of four cases by another one that this is refused to.
fn claim(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let ended: Vec<Address> = STATES
        .scan()
        .entries(ctx)
        .filter_map(Result::ok)
        .filter(|(_, status)| status.state() == AccountState::Terminated)
        .map(|(account, _)| account)
        .collect();
    let signer = if draw.below(4) == 0 { pick(draw, accounts)? } else { pick(draw, &ended)? };
    let recipient = pick(draw, accounts)?;
    let message = MsgClaimResidual { account: signer.to_string(), recipient: recipient.to_string() };
    Some(Proposed::new(signer, &message, if ended.contains(signer) { Expect::Either } else { Expect::Refused }))
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
