//! Prepaid value that is not served yet, by lease and by provider (finance spec section 5: the bond covers a part of it,
//! and it measures what a customer loses when a provider leaves).
//!
//! An account's funds belong to its leases in proportion to their rates, so a lease's share falls at exactly its rate:
//! it is a line over time, `intercept - rate x seconds`. Lines add up exactly, so the sum of a provider is known at every
//! time without looking at its leases. Value in other coins than the native one is not counted: it has no price here.

use ve_base::{Address, Amount, BASE_DENOM, CodedError, Dec, Rounding};
use ve_chain_finance::escrow::{self, AccountId, AccountState};
use ve_proto::ve::market::v1::Exposure;
use ve_sdk::Context;
use ve_store::Read;

use super::flow;
use super::ids::{BidId, DeploymentId};
use super::keys::{EXPOSURES, PROVIDER_EXPOSURE};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub intercept: Dec,
    /// Per second.
    pub rate: Dec,
}

impl Line {
    pub fn read(stored: Option<Exposure>) -> Result<Self, CodedError> {
        let Some(stored) = stored else { return Ok(Self::default()) };
        Ok(Self { intercept: Dec::from_mantissa(&stored.intercept)?, rate: Dec::from_mantissa(&stored.rate)? })
    }

    fn is_zero(&self) -> bool {
        self.intercept.is_zero() && self.rate.is_zero()
    }

    fn plus(self, other: Self) -> Result<Self, CodedError> {
        Ok(Self { intercept: self.intercept.checked_add(other.intercept)?, rate: self.rate.checked_add(other.rate)? })
    }

    fn minus(self, other: Self) -> Result<Self, CodedError> {
        Ok(Self { intercept: self.intercept.checked_sub(other.intercept)?, rate: self.rate.checked_sub(other.rate)? })
    }

    /// The value at a time; never below zero.
    pub fn at(&self, now: u64) -> Result<Dec, CodedError> {
        let served = self.rate.mul_int(Amount::from(now))?;
        let value = self.intercept.checked_sub(served)?;
        Ok(if value.is_negative() { Dec::zero() } else { value })
    }

    fn to_proto(self, lease: Option<&BidId>) -> Exposure {
        Exposure {
            lease: lease.map(BidId::to_proto),
            intercept: self.intercept.to_mantissa(),
            rate: self.rate.to_mantissa(),
        }
    }
}

/// Lines of an account's payments, by payment id.
fn lines(book: &escrow::book::Book) -> Result<Vec<(String, Line)>, CodedError> {
    let account = &book.account;
    if account.denom.as_str() != BASE_DENOM || account.state != AccountState::Open {
        return Ok(Vec::new());
    }
    let (available, total) = (book.available()?, book.total_rate()?);
    if total.is_zero() {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    for payment in &book.payments {
        let share = available.mul_quo(payment.rate, total, Rounding::Truncate)?;
        // What accrues before delivery is refunded, so it stays unserved.
        let line = if payment.locked {
            Line { intercept: share.checked_add(payment.balance)?, rate: Dec::zero() }
        } else {
            let served = payment.rate.mul_int(Amount::from(account.settled_at))?;
            Line { intercept: share.checked_add(served)?, rate: payment.rate }
        };
        lines.push((payment.xid.clone(), line));
    }
    Ok(lines)
}

/// Brings the lines of a deployment's live leases in step with its account.
pub fn refresh(ctx: &mut Context<'_>, id: &DeploymentId) -> Result<(), CodedError> {
    let Some(book) = escrow::load(ctx, &AccountId::deployment(id))? else { return Ok(()) };
    let lines = lines(&book)?;
    for lease in flow::live_leases(ctx, id)? {
        let name = lease.to_string();
        let line = lines.iter().find(|(xid, _)| *xid == name).map(|(_, line)| *line).unwrap_or_default();
        set(ctx, &lease, line)?;
    }
    Ok(())
}

/// The lease is over.
pub fn remove(ctx: &mut Context<'_>, lease: &BidId) -> Result<(), CodedError> {
    set(ctx, lease, Line::default())
}

pub fn set(ctx: &mut Context<'_>, lease: &BidId, line: Line) -> Result<(), CodedError> {
    let old = Line::read(EXPOSURES.get(ctx, lease)?)?;
    if old == line {
        return Ok(());
    }
    if line.is_zero() {
        EXPOSURES.remove(ctx, lease)?;
    } else {
        EXPOSURES.set(ctx, lease, &line.to_proto(Some(lease)))?;
    }
    let sum = Line::read(PROVIDER_EXPOSURE.get(ctx, &lease.provider)?)?.minus(old)?.plus(line)?;
    if sum.is_zero() {
        return Ok(PROVIDER_EXPOSURE.remove(ctx, &lease.provider)?);
    }
    Ok(PROVIDER_EXPOSURE.set(ctx, &lease.provider, &sum.to_proto(None))?)
}

/// What the lease's customer has prepaid and is not served, whole coins.
pub fn of_lease<R: Read + ?Sized>(state: &R, lease: &BidId, now: u64) -> Result<Amount, CodedError> {
    Ok(Line::read(EXPOSURES.get(state, lease)?)?.at(now)?.to_amount(Rounding::Truncate)?)
}

/// The same over all leases of a provider.
pub fn of_provider<R: Read + ?Sized>(state: &R, provider: &Address, now: u64) -> Result<Amount, CodedError> {
    Ok(Line::read(PROVIDER_EXPOSURE.get(state, provider)?)?.at(now)?.to_amount(Rounding::Truncate)?)
}

/// Statements over the whole state: sums agree, and each line is its lease's share of the account.
pub fn check(ctx: &ve_sdk::QueryContext<'_>) -> Result<(), String> {
    let text = |error: CodedError| error.log;
    let mut sums: std::collections::BTreeMap<Address, Line> = std::collections::BTreeMap::new();
    let now = ctx.time().unix();
    for entry in EXPOSURES.iter(ctx) {
        let (lease, stored) = entry.map_err(|error| error.to_string())?;
        let line = Line::read(Some(stored)).map_err(text)?;
        let sum = sums.entry(lease.provider.clone()).or_default();
        *sum = sum.plus(line).map_err(text)?;
        let account = AccountId::deployment(lease.order.deployment());
        let book = escrow::settled(ctx, &account, now).map_err(text)?.ok_or("an exposure without account")?;
        let name = lease.to_string();
        let share = lines(&book).map_err(text)?.into_iter().find(|(xid, _)| *xid == name);
        let share = share.map(|(_, line)| line).unwrap_or_default().at(now).map_err(text)?;
        let kept = line.at(now).map_err(text)?;
        let (low, high) = (share.min(kept), share.max(kept));
        // Each share was cut at 18 decimals, at another time than this one.
        let dust = Dec::from_parts(1, 9).map_err(|error| error.to_string())?;
        if high.checked_sub(low).map_err(|error| error.to_string())? > dust {
            return Err(format!("lease {lease} has {share:#} unserved, its line says {kept:#}"));
        }
    }
    for entry in PROVIDER_EXPOSURE.iter(ctx) {
        let (provider, stored) = entry.map_err(|error| error.to_string())?;
        let sum = sums.remove(&provider).unwrap_or_default();
        if Line::read(Some(stored)).map_err(text)? != sum {
            return Err(format!("the exposure of provider {provider} is not the sum of its leases"));
        }
    }
    match sums.into_iter().find(|(_, sum)| !sum.is_zero()) {
        None => Ok(()),
        Some((provider, _)) => Err(format!("the exposure of provider {provider} is not summed up")),
    }
}
