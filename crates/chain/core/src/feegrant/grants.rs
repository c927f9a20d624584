//! The table of allowances with its queue of expirations.

use ve_base::{Address, CodedError, Coins, errors::sdk};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::allowance::Allowance;
use super::error::Error;
use super::keys::{ALLOWANCES, BY_GRANTER, QUEUE};

pub fn find<R: Read + ?Sized>(
    state: &R,
    granter: &Address,
    grantee: &Address,
) -> Result<Option<Allowance>, CodedError> {
    ALLOWANCES.get(state, (grantee, granter))?.as_ref().map(Allowance::from_any).transpose()
}

/// Writes a new allowance.
pub fn put(
    ctx: &mut Context<'_>,
    granter: &Address,
    grantee: &Address,
    allowance: &Allowance,
) -> Result<(), CodedError> {
    if ALLOWANCES.has(ctx, (grantee, granter))? {
        return Err(sdk::Error::InvalidRequest(format!(
            "fee allowance already exists; {granter} must revoke it before giving {grantee} another one"
        ))
        .into());
    }
    ALLOWANCES.set(ctx, (grantee, granter), &allowance.to_any())?;
    BY_GRANTER.set(ctx, (granter, grantee), &())?;
    if let Some(time) = allowance.expiration() {
        QUEUE.set(ctx, (&time, grantee, granter), &())?;
    }
    Ok(())
}

pub fn remove(ctx: &mut Context<'_>, granter: &Address, grantee: &Address) -> Result<(), CodedError> {
    let allowance = find(ctx, granter, grantee)?.ok_or(Error::NoAllowance)?;
    if let Some(time) = allowance.expiration() {
        QUEUE.remove(ctx, (&time, grantee, granter))?;
    }
    ALLOWANCES.remove(ctx, (grantee, granter))?;
    Ok(BY_GRANTER.remove(ctx, (granter, grantee))?)
}

/// Takes `fee` from the allowance of `granter` for `grantee`; the coins themselves are moved by the caller. `messages`
/// are the type URLs of the transaction.
pub fn spend(
    ctx: &mut Context<'_>,
    granter: &Address,
    grantee: &Address,
    fee: &Coins,
    messages: &[&str],
) -> Result<(), CodedError> {
    let refused = |error: CodedError| CodedError {
        log: format!("{granter} does not allow to pay fees for {grantee}: {}", error.log),
        ..error
    };
    let allowance = find(ctx, granter, grantee)?.ok_or_else(|| refused(Error::NoAllowance.into()))?;
    let left = allowance.pay(fee, ctx.time(), messages).map_err(refused)?;
    ctx.emit(event("use_feegrant", granter, grantee));
    match left {
        None => remove(ctx, granter, grantee)?,
        // The expiration never changes, so the queue stays as it is.
        Some(left) if left != allowance => {
            ALLOWANCES.set(ctx, (grantee, granter), &left.to_any())?;
            ctx.emit(event("update_feegrant", granter, grantee));
        }
        Some(_) => {}
    }
    Ok(())
}

/// Removes at most `limit` allowances whose time is over.
pub fn prune(ctx: &mut Context<'_>, limit: usize) -> Result<(), CodedError> {
    let now = ctx.time();
    for ((_, grantee, granter), ()) in QUEUE.scan().before(&now).take(ctx, limit)? {
        remove(ctx, &granter, &grantee)?;
    }
    Ok(())
}

pub fn event(kind: &str, granter: &Address, grantee: &Address) -> Event {
    Event::new(kind).with("granter", granter).with("grantee", grantee)
}
