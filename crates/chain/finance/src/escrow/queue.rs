//! Automatic settlement: at the end of each block, every account whose funds or grace time have run out.

use ve_base::CodedError;
use ve_sdk::{Context, Event};

use super::keys::{ACCOUNTS, DUE};
use super::types::{AccountId, AccountState};
use super::{EscrowHooks, dispute, ledger, params};

/// How long an account waits after a failed attempt, in seconds.
const RETRY_SECONDS: u64 = 60;

pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let limit = usize::try_from(params::load(ctx)?.max_settlements_per_block).unwrap_or(usize::MAX);
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in DUE.scan().through(&now).keys(ctx).take(limit) {
        due.push(entry?.1);
    }
    for id in due {
        if let Err(error) = ctx.atomic(|ctx| attend(ctx, &id)) {
            postpone(ctx, &id, &error)?;
        }
    }
    Ok(())
}

fn attend(ctx: &mut Context<'_>, id: &AccountId) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    dispute::expire(ctx, id)?;
    let account = ACCOUNTS.require(ctx, id)?;
    let exhausted = account.state == AccountState::Overdrawn && account.grace_until <= now;
    let expired = account.is_live() && account.expires_at > 0 && account.expires_at <= now;
    if exhausted || expired {
        for hook in ctx.hooks().all::<dyn EscrowHooks>() {
            if exhausted { hook.exhausted(ctx, id)? } else { hook.expired(ctx, id)? }
        }
        return ledger::close(ctx, id);
    }
    if account.state == AccountState::Open { ledger::settle(ctx, id).map(|_| ()) } else { Ok(()) }
}

/// One account that cannot be settled must not stop the chain; the failure is visible and is tried again.
fn postpone(ctx: &mut Context<'_>, id: &AccountId, error: &CodedError) -> Result<(), CodedError> {
    let mut account = ACCOUNTS.require(ctx, id)?;
    account.due_at = ctx.time().unix().saturating_add(RETRY_SECONDS);
    ACCOUNTS.set(ctx, id, &account)?;
    let cause = format!("{}/{}", error.codespace, error.code);
    ctx.emit(Event::new("escrow_settlement_failed").with("id", id).with("cause", cause));
    Ok(())
}
