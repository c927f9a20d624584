//! Account states: ACTIVE→FLAGGED→ACTIVE|SUSPENDED|TERMINATED, ACTIVE→SUSPENDED→ACTIVE|TERMINATED, TERMINATED is final.

use ve_base::{Address, CodedError};
use ve_proto::ve::audit::v1::Outcome;
use ve_proto::ve::roles::v1::{AccountState, AccountStatus, Role};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::hooks::AccountHooks;
use super::keys::{REVIEWS, STATES};
use super::params;
use super::table::{self, Change};
use crate::audit;

/// Flags that end in one block at most.
const MAX_PER_BLOCK: usize = 100;
pub const COMMIT_BYTES: usize = 32;

/// The state of an account; accounts that nobody acted on are active.
pub fn of<R: Read + ?Sized>(state: &R, account: &Address) -> Result<AccountState, CodedError> {
    Ok(STATES.get(state, account)?.map_or(AccountState::Active, |status| status.state()))
}

pub fn is_active<R: Read + ?Sized>(state: &R, account: &Address) -> Result<bool, CodedError> {
    Ok(!STATES.has(state, account)?)
}

pub fn name(state: AccountState) -> &'static str {
    match state {
        AccountState::Unspecified => "unknown",
        AccountState::Active => "active",
        AccountState::Flagged => "flagged",
        AccountState::Suspended => "suspended",
        AccountState::Terminated => "terminated",
    }
}

/// Exactly the transitions of identity spec section 8.
pub fn check_transition(old: AccountState, new: AccountState) -> Result<(), Error> {
    use AccountState::{Active, Flagged, Suspended, Terminated};
    match (old, new) {
        (Active, Flagged | Suspended) | (Flagged | Suspended, Active | Terminated) | (Flagged, Suspended) => Ok(()),
        _ => Err(Error::InvalidTransition(name(old), name(new))),
    }
}

pub fn check_commit(commit: &[u8]) -> Result<(), Error> {
    if commit.len() == COMMIT_BYTES && commit.iter().any(|byte| *byte != 0) {
        return Ok(());
    }
    Err(Error::Invalid(format!("reason_commit is {COMMIT_BYTES} bytes that commit to the reasons")))
}

/// A change of state, and who answers for it.
pub struct Move<'a> {
    pub account: &'a Address,
    pub to: AccountState,
    /// `action/N`, `signal/MODULE` or `review`.
    pub cause: &'a str,
    pub actor: &'a str,
    pub reason_commit: &'a [u8],
}

/// Refuses what cannot happen to this account now.
pub fn check<R: Read + ?Sized>(state: &R, account: &Address, to: AccountState) -> Result<(), CodedError> {
    if table::holds(state, account, Role::GenesisAccount)? {
        return Err(Error::GenesisProtected(account.to_string()).into());
    }
    Ok(check_transition(of(state, account)?, to)?)
}

/// Makes the change. A terminated account loses its roles.
pub fn change(ctx: &mut Context<'_>, change: &Move<'_>) -> Result<(), CodedError> {
    let account = change.account;
    check(ctx, account, change.to)?;
    if ctx.registry().module_account(account).is_some() {
        return Err(Error::Invalid(format!("{account} is a module; modules are always active")).into());
    }
    let (old, now) = (of(ctx, account)?, ctx.time().unix());
    if change.to == AccountState::Active {
        STATES.remove(ctx, account)?;
    } else {
        let review = if change.to == AccountState::Flagged { params::load(ctx)?.flag_review_seconds } else { 0 };
        let status = AccountStatus {
            account: account.to_string(),
            state: change.to.into(),
            since: now,
            cause: change.cause.to_owned(),
            reason_commit: change.reason_commit.to_vec(),
            review_until: if review == 0 { 0 } else { now.saturating_add(review) },
            outflow: "0".into(),
            outflow_since: now,
            ..AccountStatus::default()
        };
        STATES.set(ctx, account, &status)?;
    }
    announce(ctx, change, old)?;
    if change.to == AccountState::Terminated {
        strip(ctx, change)?;
    }
    for hook in ctx.hooks().all::<dyn AccountHooks>() {
        hook.after_state_changed(ctx, account, old, change.to)?;
    }
    Ok(())
}

fn announce(ctx: &mut Context<'_>, change: &Move<'_>, old: AccountState) -> Result<(), CodedError> {
    let resource_id = change.account.to_string();
    ctx.emit(
        Event::new("account_state_changed")
            .with("account", &resource_id)
            .with("old", old.as_str_name())
            .with("new", change.to.as_str_name())
            .with("cause", change.cause),
    );
    let act = audit::Act {
        actor: change.actor,
        module: "roles",
        action: "account_state_changed",
        resource_id: &resource_id,
        outcome: Outcome::Done,
        metadata: &[old.as_str_name().as_bytes(), change.to.as_str_name().as_bytes(), change.reason_commit],
        details_ref: change.cause,
    };
    audit::record(ctx, &act).map(|_| ())
}

fn strip(ctx: &mut Context<'_>, change: &Move<'_>) -> Result<(), CodedError> {
    for assignment in table::of(ctx, change.account)? {
        let lost = Change {
            account: change.account,
            role: assignment.role(),
            organisation: &assignment.organisation,
            cause: change.cause,
            actor: change.actor,
        };
        table::revoke(ctx, &lost)?;
    }
    if table::is_led(ctx)? { Ok(()) } else { Err(Error::LastAdmin.into()) }
}

/// A module saw fraud: the account is flagged until somebody reviews it. Accounts that are not active, genesis accounts
/// and modules stay as they are.
pub fn signal(
    ctx: &mut Context<'_>,
    account: &Address,
    module: &'static str,
    reason_commit: &[u8; COMMIT_BYTES],
) -> Result<bool, CodedError> {
    let known = ctx.registry().module_account(account).is_some() || check(ctx, account, AccountState::Flagged).is_err();
    if known {
        return Ok(false);
    }
    let to = AccountState::Flagged;
    change(ctx, &Move { account, to, cause: &format!("signal/{module}"), actor: module, reason_commit })?;
    Ok(true)
}

/// Flags that nobody reviewed in time end.
pub fn end_reviews(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in REVIEWS.scan().through(&now).keys(ctx).take(MAX_PER_BLOCK) {
        due.push(entry?.1);
    }
    for account in &due {
        let to = AccountState::Active;
        change(ctx, &Move { account, to, cause: "review", actor: "roles", reason_commit: &[] })?;
    }
    Ok(())
}
