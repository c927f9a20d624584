//! Signs of life of daemons: a provider that serves customers and is silent for a day has left them.

use ve_base::{Address, CodedError};
use ve_proto::ve::provider::v1::{Liveness, ProviderState};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::keys::{LIVENESS, SILENT};
use super::{ProviderHooks, params, penalty, registry};

/// Silent providers that the end of a block looks at most.
const MAX_SILENT: usize = 100;

pub fn load<R: Read + ?Sized>(state: &R, owner: &Address) -> Result<Liveness, CodedError> {
    Ok(LIVENESS.get(state, owner)?.unwrap_or_else(|| Liveness { owner: owner.to_string(), ..Liveness::default() }))
}

fn deadline(ctx: &Context<'_>) -> Result<u64, CodedError> {
    Ok(ctx.time().unix().saturating_add(params::load(ctx)?.silence_seconds))
}

/// The provider's daemon proved that it is alive; `seq` when by a heartbeat.
pub fn seen(ctx: &mut Context<'_>, owner: &Address, seq: Option<u64>) -> Result<(), CodedError> {
    let mut life = load(ctx, owner)?;
    life.seq = seq.unwrap_or(life.seq);
    life.seen_at = ctx.time().unix();
    if life.lost_at > 0 {
        life.lost_at = deadline(ctx)?;
    }
    Ok(LIVENESS.set(ctx, owner, &life)?)
}

/// The provider begins to serve a lease for which it bid moments ago: from now on somebody waits for it.
pub fn serving(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let mut life = load(ctx, owner)?;
    life.lost_at = life.lost_at.max(deadline(ctx)?);
    Ok(LIVENESS.set(ctx, owner, &life)?)
}

/// Nobody waits for the provider any more.
pub(super) fn forget(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let mut life = load(ctx, owner)?;
    if life.lost_at == 0 {
        return Ok(());
    }
    life.lost_at = 0;
    Ok(LIVENESS.set(ctx, owner, &life)?)
}

/// End of block: penalises those who were silent for too long while they had leases.
pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut silent = Vec::new();
    for entry in SILENT.scan().through(&now).keys(ctx).take(MAX_SILENT) {
        silent.push(entry?.1);
    }
    for owner in silent {
        let state = registry::require(ctx, &owner)?.state();
        let mut serves = false;
        for hook in ctx.hooks().all::<dyn ProviderHooks>() {
            serves |= hook.has_leases(ctx, &owner)?;
        }
        if serves && !matches!(state, ProviderState::Penalised | ProviderState::Exited) {
            lose(ctx, &owner)?;
        } else {
            forget(ctx, &owner)?;
        }
    }
    Ok(())
}

/// One provider that cannot be penalised must not stop the chain: the failure is visible, and the next lease or sign of
/// life begins a new wait.
fn lose(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let done = ctx.atomic(|ctx| {
        ctx.emit(Event::new("provider_lost").with("owner", owner));
        penalty::impose(ctx, owner, "silent")
    });
    let Err(error) = done else { return Ok(()) };
    registry::failed(ctx, owner, &error);
    forget(ctx, owner)
}
