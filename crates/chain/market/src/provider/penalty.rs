//! What leaving customers costs, and who gets it (finance spec section 5).
//!
//! The penalty is fixed when the provider leaves. Its leases are closed over as many blocks as it takes; each customer
//! gets a share in proportion to the value that was not served, at most that value; the rest is burned.

use ve_base::{Address, Amount, CodedError, Coins, parse_account};
use ve_chain_core::bank;
use ve_proto::ve::provider::v1::{Departure, Params, Penalty, Provider};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::keys::{BONDED, DEPARTED, DEPARTURES, PENALTIES};
use super::lifecycle;
use super::{PROVIDER_BOND, ProviderHooks, liveness, params, registry};

/// Departures that the end of a block forgets at most.
const MAX_FORGOTTEN: usize = 100;

fn part(amount: Amount, bps: u32) -> Amount {
    amount.mul_div(Amount::from(u64::from(bps)), Amount::from(10_000u64)).unwrap_or(Amount::MAX)
}

/// min(bond, max(part of the bond, part of what was not served) x surge).
pub fn amount(params: &Params, bond: Amount, unserved: Amount, surge: bool) -> Amount {
    let base = part(bond, params.penalty_bond_bps).max(part(unserved, params.penalty_unserved_bps));
    let factor = if surge { Amount::from(u64::from(params.surge_factor)) } else { Amount::from(1u64) };
    base.checked_mul(factor).unwrap_or(Amount::MAX).min(bond)
}

/// Whether so much bonded capacity left that leaving costs more.
pub fn is_surge(params: &Params, departed: Amount, bonded: Amount) -> bool {
    departed > part(bonded, params.surge_bps)
}

/// What leaving now would cost.
pub fn quote<R: Read + ?Sized>(state: &R, bond: Amount, unserved: Amount) -> Result<Amount, CodedError> {
    let params = params::load(state)?;
    let (departed, bonded) = (DEPARTED.get(state)?.unwrap_or_default(), BONDED.get(state)?.unwrap_or_default());
    Ok(amount(&params, bond, unserved, is_surge(&params, departed, bonded)))
}

/// Notes that a bond left the active capacity.
pub(super) fn depart(ctx: &mut Context<'_>, owner: &Address, bond: Amount) -> Result<(), CodedError> {
    let time = ctx.time().unix();
    if bond.is_zero() || DEPARTURES.has(ctx, (&time, owner))? {
        return Ok(());
    }
    let departure = Departure { owner: owner.to_string(), time, bond: bond.to_string() };
    DEPARTURES.set(ctx, (&time, owner), &departure)?;
    let sum = DEPARTED.get(ctx)?.unwrap_or_default().checked_add(bond).unwrap_or(Amount::MAX);
    Ok(DEPARTED.set(ctx, &sum)?)
}

fn forget_departures(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let window = params::load(ctx)?.surge_window_seconds;
    let Some(until) = ctx.time().unix().checked_sub(window) else { return Ok(()) };
    for (key, departure) in DEPARTURES.scan().through(&until).take(ctx, MAX_FORGOTTEN)? {
        DEPARTURES.remove(ctx, &key)?;
        let sum = DEPARTED.get(ctx)?.unwrap_or_default().saturating_sub(departure.bond.parse()?);
        DEPARTED.set(ctx, &sum)?;
    }
    Ok(())
}

/// Takes the penalty of a provider that leaves its customers; the end of the block begins to close the leases.
pub(super) fn impose(ctx: &mut Context<'_>, owner: &Address, why: &'static str) -> Result<(), CodedError> {
    let mut provider = registry::require(ctx, owner)?;
    let next = lifecycle::step(provider.state(), lifecycle::Event::Penalise);
    let next = next.ok_or_else(|| registry::illegal(&provider, "only one that serves customers can leave them"))?;
    let bond = registry::bond(&provider)?;
    let unserved = registry::open_prepaid(ctx, owner)?;
    let penalty = quote(ctx, bond, unserved)?;
    depart(ctx, owner, bond)?;
    provider.set_state(next);
    provider.bond = bond.saturating_sub(penalty).to_string();
    let all: Amount = if provider.penalties.is_empty() { Amount::ZERO } else { provider.penalties.parse()? };
    provider.penalties = all.checked_add(penalty).ok_or(ve_base::AmountError::Overflow)?.to_string();
    let record = Penalty {
        owner: owner.to_string(),
        amount: penalty.to_string(),
        unserved: unserved.to_string(),
        left: penalty.to_string(),
    };
    PENALTIES.set(ctx, owner, &record)?;
    liveness::forget(ctx, owner)?;
    registry::save(ctx, &mut provider, "provider_penalised")?;
    ctx.emit(
        Event::new("penalty_imposed")
            .with("owner", owner)
            .with("reason", why)
            .with("penalty", penalty)
            .with("unserved", unserved),
    );
    registry::withdrawn(ctx, owner)
}

/// End of block: closes leases of penalised providers and pays their customers.
pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    forget_departures(ctx)?;
    let mut budget = usize::try_from(params::load(ctx)?.max_closes_per_block).unwrap_or(usize::MAX);
    for (owner, penalty) in PENALTIES.scan().take(ctx, budget)? {
        if budget == 0 {
            break;
        }
        match ctx.atomic(|ctx| proceed(ctx, &owner, penalty, budget)) {
            Ok(closed) => budget = budget.saturating_sub(closed.max(1)),
            // One provider's trouble must not stop the chain: it is visible and tried again.
            Err(error) => registry::failed(ctx, &owner, &error),
        }
    }
    Ok(())
}

/// Closes at most `limit` leases; returns how many.
fn proceed(ctx: &mut Context<'_>, owner: &Address, mut penalty: Penalty, limit: usize) -> Result<usize, CodedError> {
    let (amount, unserved): (Amount, Amount) = (penalty.amount.parse()?, penalty.unserved.parse()?);
    let mut left: Amount = penalty.left.parse()?;
    let (mut closed, mut busy) = (0usize, false);
    for hook in ctx.hooks().all::<dyn ProviderHooks>() {
        for (customer, value) in hook.abandon(ctx, owner, limit)? {
            closed = closed.saturating_add(1);
            let share = amount.mul_div(value, unserved).unwrap_or_default().min(value).min(left);
            if share.is_zero() {
                continue;
            }
            left = left.saturating_sub(share);
            bank::send_from_module(ctx, PROVIDER_BOND, &customer, &Coins::native(share))?;
            ctx.emit(Event::new("penalty_paid").with("owner", owner).with("customer", &customer).with("amount", share));
        }
        busy |= hook.has_leases(ctx, owner)?;
    }
    if busy {
        penalty.left = left.to_string();
        PENALTIES.set(ctx, owner, &penalty)?;
        return Ok(closed);
    }
    PENALTIES.remove(ctx, owner)?;
    if !left.is_zero() {
        bank::burn(ctx, PROVIDER_BOND, &Coins::native(left))?;
    }
    let mut provider: Provider = registry::require(ctx, &parse_account("provider", &penalty.owner)?)?;
    let next = lifecycle::step(provider.state(), lifecycle::Event::Settled);
    provider.set_state(next.ok_or_else(|| registry::illegal(&provider, "its penalty is paid"))?);
    provider.notice_at = ctx.time().unix();
    provider.unlock_at = provider.notice_at.saturating_add(params::load(ctx)?.notice_seconds);
    ctx.emit(Event::new("penalty_settled").with("owner", owner).with("burned", left));
    registry::save(ctx, &mut provider, "provider_exiting")?;
    Ok(closed)
}

#[cfg(test)]
#[path = "penalty_tests.rs"]
mod tests;
