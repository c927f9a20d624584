//! Life of an admin action: PROPOSED→APPROVED→EXECUTABLE→EXECUTED, or VETOED or EXPIRED while it is open.

use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::roles::v1::{ActionKind, ActionStatus, AdminAction, Approval, Ratification, Role};
use ve_sdk::{Context, Event};

use super::error::Error;
use super::hooks::with_emergency;
use super::keys::{ACTIONS, ACTIONS_DUE};
use super::params;
use super::rules::{self, Rule};
use super::states::{self, Move};
use super::table::{self, Change};
use crate::audit;

/// How long an ended action stays for queries; the audit log keeps it for longer.
pub const KEEP_ENDED: u64 = 90 * 86_400;
/// Actions that time changes in one block at most.
const MAX_PER_BLOCK: usize = 50;

pub fn is_open(action: &AdminAction) -> bool {
    matches!(action.status(), ActionStatus::Proposed | ActionStatus::Approved | ActionStatus::Executable)
}

/// When time next changes the action.
pub fn next(action: &AdminAction) -> Option<u64> {
    match action.status() {
        ActionStatus::Proposed | ActionStatus::Executable => Some(action.expires_at),
        ActionStatus::Approved => Some(action.executable_at.min(action.expires_at)),
        ActionStatus::Executed if action.ratification() == Ratification::Pending => Some(action.ratify_until),
        ActionStatus::Unspecified => None,
        _ => Some(action.ended_at.saturating_add(KEEP_ENDED)),
    }
}

pub fn status_name(action: &AdminAction) -> &'static str {
    match action.status() {
        ActionStatus::Proposed => "proposed",
        ActionStatus::Approved => "approved",
        ActionStatus::Executable => "executable",
        ActionStatus::Executed => "executed",
        ActionStatus::Vetoed => "vetoed",
        ActionStatus::Expired => "expired",
        ActionStatus::Unspecified => "unknown",
    }
}

pub fn rule(action: &AdminAction) -> Result<Rule, CodedError> {
    rules::rule(action.kind(), action.role()).ok_or_else(|| match action.role() {
        Role::GenesisAccount => Error::GenesisProtected(action.target.clone()).into(),
        _ => Error::Invalid("no administrator may do this".into()).into(),
    })
}

pub fn require(ctx: &Context<'_>, id: u64) -> Result<AdminAction, CodedError> {
    Ok(ACTIONS.get(ctx, &id)?.ok_or(Error::NotFound("admin action", id))?)
}

pub fn require_open(ctx: &Context<'_>, id: u64) -> Result<AdminAction, CodedError> {
    let action = require(ctx, id)?;
    if is_open(&action) { Ok(action) } else { Err(Error::Status(id, status_name(&action), "open").into()) }
}

/// Nobody has a say about himself.
pub fn refuse_self(action: &AdminAction, accounts: &[&str]) -> Result<(), CodedError> {
    match accounts.iter().find(|account| **account == action.target) {
        Some(account) => Err(Error::SelfAction((*account).to_owned()).into()),
        None => Ok(()),
    }
}

/// Adds an approval and moves the action on when it is enough; without a time lock it is executed at once.
pub fn approve(
    ctx: &mut Context<'_>,
    action: &mut AdminAction,
    approver: &Address,
    signer: &Address,
) -> Result<(), CodedError> {
    let (approver_text, signer_text) = (approver.to_string(), signer.to_string());
    refuse_self(action, &[&approver_text, &signer_text])?;
    let rule = rule(action)?;
    if !rules::is_eligible(ctx, &rule, action, approver)? {
        return Err(Error::Unauthorized(approver_text, "its roles do not decide about this").into());
    }
    // One person, one voice: neither twice for itself nor for itself and for somebody else.
    let voices = action.approvals.iter().flat_map(|given| [&given.approver, &given.signer]);
    let again = { voices }.find(|voice| **voice == approver_text || **voice == signer_text).cloned();
    if let Some(again) = again {
        return Err(Error::Twice(again).into());
    }
    let now = ctx.time().unix();
    action.approvals.push(Approval { approver: approver_text, signer: signer_text.clone(), at: now });
    if action.status() == ActionStatus::Proposed && is_quorate(ctx, &rule, action)? {
        action.set_status(ActionStatus::Approved);
        action.executable_at = now.saturating_add(rule.timelock);
        action.expires_at = now.saturating_add(params::load(ctx)?.action_expiry_seconds);
        save(ctx, action, "admin_action_approved", &signer_text)?;
        if rule.timelock == 0 {
            return execute(ctx, action, &signer_text);
        }
        return Ok(());
    }
    save(ctx, action, "admin_action_supported", &signer_text)
}

fn is_quorate(ctx: &Context<'_>, rule: &Rule, action: &AdminAction) -> Result<bool, CodedError> {
    let approvers: Result<Vec<Address>, CodedError> =
        action.approvals.iter().map(|given| parse_account("approver", &given.approver)).collect();
    rules::is_quorate(ctx, rule, action, &approvers?)
}

/// Does it. Roles that approvers lost since do not count any more.
pub fn execute(ctx: &mut Context<'_>, action: &mut AdminAction, actor: &str) -> Result<(), CodedError> {
    let rule = rule(action)?;
    if !is_quorate(ctx, &rule, action)? {
        return Err(Error::Unauthorized(actor.to_owned(), "some who approved have lost their roles since").into());
    }
    perform(ctx, action, actor)?;
    action.set_status(ActionStatus::Executed);
    end(ctx, action, actor);
    save(ctx, action, "admin_action_executed", actor)
}

fn end(ctx: &Context<'_>, action: &mut AdminAction, actor: &str) {
    action.ended_at = ctx.time().unix();
    action.ended_by = actor.to_owned();
}

fn perform(ctx: &mut Context<'_>, action: &mut AdminAction, actor: &str) -> Result<(), CodedError> {
    let cause = format!("action/{}", action.id);
    if action.kind() == ActionKind::EmergencyRevoke {
        let resource_id = action.resource_id.clone();
        action.set_ratification(Ratification::Pending);
        action.ratify_until = ctx.time().unix().saturating_add(params::load(ctx)?.ratification_seconds);
        return with_emergency(ctx, action.emergency(), |owner, ctx| {
            owner.check(ctx, &resource_id)?;
            owner.revoke(ctx, &resource_id)
        });
    }
    let account = parse_account("target", &action.target)?;
    if let Some(to) = rules::destination(action.kind()) {
        let reason_commit = &action.reason_commit;
        return states::change(ctx, &Move { account: &account, to, cause: &cause, actor, reason_commit });
    }
    let organisation = action.organisation.clone();
    let change = Change { account: &account, role: action.role(), organisation: &organisation, cause: &cause, actor };
    match action.kind() {
        ActionKind::AssignRole => table::assign(ctx, &change),
        _ => {
            table::revoke(ctx, &change)?;
            if table::is_led(ctx)? { Ok(()) } else { Err(Error::LastAdmin.into()) }
        }
    }
}

pub fn veto(ctx: &mut Context<'_>, action: &mut AdminAction, actor: &str) -> Result<(), CodedError> {
    action.set_status(ActionStatus::Vetoed);
    end(ctx, action, actor);
    save(ctx, action, "admin_action_vetoed", actor)
}

pub fn ratify(ctx: &mut Context<'_>, action: &mut AdminAction, actor: &str) -> Result<(), CodedError> {
    if action.ratification() != Ratification::Pending {
        return Err(Error::Status(action.id, status_name(action), "an emergency that waits for governance").into());
    }
    action.set_ratification(Ratification::Ratified);
    save(ctx, action, "admin_action_ratified", actor)
}

/// Writes the action and says what happened, as an event and in the audit log.
pub fn save(ctx: &mut Context<'_>, action: &AdminAction, what: &'static str, actor: &str) -> Result<(), CodedError> {
    ACTIONS.set(ctx, &action.id, action)?;
    let subject = if action.target.is_empty() { &action.resource_id } else { &action.target };
    ctx.emit(
        Event::new(what)
            .with("action_id", action.id)
            .with("kind", action.kind().as_str_name())
            .with("target", subject)
            .with("status", action.status().as_str_name())
            .with("executable_at", action.executable_at)
            .with("by", actor),
    );
    let act = audit::Act {
        actor,
        module: "roles",
        action: what,
        resource_id: &format!("action/{}", action.id),
        outcome: Outcome::Done,
        metadata: &[action.kind().as_str_name().as_bytes(), subject.as_bytes(), &action.reason_commit],
        details_ref: "",
    };
    audit::record(ctx, &act).map(|_| ())
}

/// What time does to actions, a bounded number per block.
pub fn advance(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in ACTIONS_DUE.scan().through(&now).keys(ctx).take(MAX_PER_BLOCK) {
        due.push(entry?.1);
    }
    for id in due {
        let mut action = ACTIONS.require(ctx, &id)?;
        match action.status() {
            ActionStatus::Approved if action.executable_at <= now && now < action.expires_at => {
                action.set_status(ActionStatus::Executable);
                save(ctx, &action, "admin_action_executable", "roles")?;
            }
            _ if is_open(&action) => {
                action.set_status(ActionStatus::Expired);
                end(ctx, &mut action, "roles");
                save(ctx, &action, "admin_action_expired", "roles")?;
            }
            _ if action.ratification() == Ratification::Pending => lapse(ctx, &mut action)?,
            _ => ACTIONS.remove(ctx, &id)?,
        }
    }
    Ok(())
}

/// Governance did not speak: what the emergency revoked is in force again, if it still can be.
fn lapse(ctx: &mut Context<'_>, action: &mut AdminAction) -> Result<(), CodedError> {
    action.set_ratification(Ratification::Lapsed);
    let (target, resource_id) = (action.emergency(), action.resource_id.clone());
    let restored = ctx.atomic(|ctx| with_emergency(ctx, target, |owner, ctx| owner.restore(ctx, &resource_id)));
    let what = if restored.is_ok() { "admin_action_lapsed" } else { "admin_action_lapsed_unrestored" };
    save(ctx, action, what, "roles")
}
