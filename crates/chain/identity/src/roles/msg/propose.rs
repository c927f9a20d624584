//! `MsgProposeAction`: somebody with a say starts an action and approves it.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::roles::v1::{
    ActionKind, ActionStatus, AdminAction, EmergencyTarget, MsgProposeAction, MsgProposeActionResponse, Role,
};
use ve_sdk::Context;

use crate::roles::error::Error;
use crate::roles::hooks::with_emergency;
use crate::roles::keys::{NEXT_ACTION, OPEN_BY_PROPOSER};
use crate::roles::table::{self, Change, LEAST_ADMINISTRATORS};
use crate::roles::{actions, params, rules, states};

const MAX_RESOURCE: usize = 128;

pub fn check(msg: &MsgProposeAction) -> Result<(), CodedError> {
    parse_account("proposer", &msg.proposer)?;
    states::check_commit(&msg.reason_commit)?;
    let invalid = |cause: &str| -> Result<(), CodedError> { Err(Error::Invalid(cause.into()).into()) };
    let kind = msg.kind();
    if kind == ActionKind::Unspecified {
        return invalid("name the kind of the action");
    }
    let about_role = matches!(kind, ActionKind::AssignRole | ActionKind::RevokeRole);
    if !about_role && (msg.role() != Role::Unspecified || !msg.organisation.is_empty()) {
        return invalid("only actions about roles name a role or an organisation");
    }
    let emergency = kind == ActionKind::EmergencyRevoke;
    if emergency != (msg.emergency() != EmergencyTarget::Unspecified) || emergency == msg.resource_id.is_empty() {
        return invalid("an emergency revocation, and nothing else, names what it revokes");
    }
    if msg.resource_id.len() > MAX_RESOURCE {
        return invalid("a resource id has at most 128 bytes");
    }
    if emergency {
        return if msg.target.is_empty() {
            Ok(())
        } else {
            invalid("an emergency revocation has no account as target")
        };
    }
    parse_account("target", &msg.target)?;
    if about_role { table::check_shape(msg.role(), &msg.organisation) } else { Ok(()) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgProposeAction) -> Result<MsgProposeActionResponse, CodedError> {
    let signer = parse_account("proposer", &msg.proposer)?;
    let mut action = AdminAction {
        kind: msg.kind,
        target: msg.target.clone(),
        role: msg.role,
        organisation: msg.organisation.clone(),
        emergency: msg.emergency,
        resource_id: msg.resource_id.clone(),
        reason_commit: msg.reason_commit.clone(),
        ..AdminAction::default()
    };
    actions::rule(&action)?;
    let proposer = super::approve::voice(ctx, &action, &signer, msg.delegation_id)?;
    action.proposer = proposer.to_string();
    actions::refuse_self(&action, &[&action.proposer, &msg.proposer])?;
    possible(ctx, &action)?;
    begin(ctx, &mut action, &proposer)?;
    actions::approve(ctx, &mut action, &proposer, &signer)?;
    Ok(MsgProposeActionResponse { action_id: action.id, status: action.status })
}

/// Refuses what could not be executed if it were approved now.
fn possible(ctx: &mut Context<'_>, action: &AdminAction) -> Result<(), CodedError> {
    if action.kind() == ActionKind::EmergencyRevoke {
        return with_emergency(ctx, action.emergency(), |owner, ctx| owner.check(ctx, &action.resource_id));
    }
    let account = parse_account("target", &action.target)?;
    if let Some(to) = rules::destination(action.kind()) {
        if ctx.registry().module_account(&account).is_some() {
            return Err(Error::Invalid(format!("{account} is a module; modules are always active")).into());
        }
        return states::check(ctx, &account, to);
    }
    let (role, organisation, actor) = (action.role(), action.organisation.as_str(), action.proposer.as_str());
    if action.kind() == ActionKind::AssignRole {
        return table::check_assign(ctx, &Change { account: &account, role, organisation, cause: "", actor });
    }
    if !table::holds(ctx, &account, role)? {
        return Err(Error::Invalid(format!("{account} has no such role")).into());
    }
    let least = LEAST_ADMINISTRATORS.saturating_add(1);
    if role == Role::Administrator && table::members(ctx, role, least)?.len() < least {
        return Err(Error::LastAdmin.into());
    }
    Ok(())
}

fn begin(ctx: &mut Context<'_>, action: &mut AdminAction, proposer: &Address) -> Result<(), CodedError> {
    let params = params::load(ctx)?;
    let most = usize::try_from(params.max_open_actions).unwrap_or(usize::MAX);
    let open = OPEN_BY_PROPOSER.keys(ctx, proposer).take(most).count();
    if open >= most {
        return Err(Error::TooMany(proposer.to_string(), params.max_open_actions, "actions").into());
    }
    let id = NEXT_ACTION.get(ctx)?.unwrap_or(1);
    NEXT_ACTION.set(ctx, &id.saturating_add(1))?;
    action.id = id;
    action.set_status(ActionStatus::Proposed);
    action.proposed_at = ctx.time().unix();
    action.expires_at = action.proposed_at.saturating_add(params.action_expiry_seconds);
    actions::save(ctx, action, "admin_action_proposed", &action.proposer.clone())?;
    Ok(())
}
