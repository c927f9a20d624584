//! The table of grants with its queue of expirations.

use prost_types::Any;
use ve_base::{Address, BlockTime, CodedError};
use ve_proto::cosmos::authz::v1beta1::Grant;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::authorization::{Authorization, Left};
use super::error::Error;
use super::keys::{BY_GRANTEE, GRANTS, QUEUE};

/// Expired grants removed in one block; the rest waits, and is refused when it is used.
pub const MAX_PRUNED_PER_BLOCK: usize = 200;

pub fn expiration(grant: &Grant) -> Option<BlockTime> {
    grant.expiration.as_ref().and_then(BlockTime::from_proto)
}

pub fn find<R: Read + ?Sized>(
    state: &R,
    granter: &Address,
    grantee: &Address,
    url: &str,
) -> Result<Option<Grant>, CodedError> {
    Ok(GRANTS.get(state, (granter, grantee, &url.to_owned()))?)
}

pub fn absent(granter: &Address, grantee: &Address, url: &str) -> Error {
    Error::NotFound { granter: granter.to_string(), grantee: grantee.to_string(), url: url.to_owned() }
}

/// Writes a grant in the place of an earlier one for the same messages.
pub fn put(
    ctx: &mut Context<'_>,
    granter: &Address,
    grantee: &Address,
    url: &str,
    grant: &Grant,
) -> Result<(), CodedError> {
    let url = url.to_owned();
    if let Some(old) = find(ctx, granter, grantee, &url)?.as_ref().and_then(expiration) {
        QUEUE.remove(ctx, (&old, granter, grantee, &url))?;
    }
    GRANTS.set(ctx, (granter, grantee, &url), grant)?;
    BY_GRANTEE.set(ctx, (grantee, granter, &url), &())?;
    if let Some(time) = expiration(grant) {
        QUEUE.set(ctx, (&time, granter, grantee, &url), &())?;
    }
    Ok(())
}

/// Removes a grant that exists.
pub fn remove(ctx: &mut Context<'_>, granter: &Address, grantee: &Address, url: &str) -> Result<(), CodedError> {
    let url = url.to_owned();
    let grant = find(ctx, granter, grantee, &url)?.ok_or_else(|| absent(granter, grantee, &url))?;
    if let Some(time) = expiration(&grant) {
        QUEUE.remove(ctx, (&time, granter, grantee, &url))?;
    }
    GRANTS.remove(ctx, (granter, grantee, &url))?;
    Ok(BY_GRANTEE.remove(ctx, (grantee, granter, &url))?)
}

/// Checks `message` against the grant of its signer and takes from the grant what it uses.
pub fn spend(ctx: &mut Context<'_>, granter: &Address, grantee: &Address, message: &Any) -> Result<(), CodedError> {
    let url = message.type_url.as_str();
    let grant = find(ctx, granter, grantee, url)?.ok_or_else(|| absent(granter, grantee, url))?;
    if expiration(&grant).is_some_and(|time| time < ctx.time()) {
        let (granter, grantee) = (granter.to_string(), grantee.to_string());
        return Err(Error::Expired { granter, grantee, url: url.to_owned() }.into());
    }
    let authorization = Authorization::from_any(&grant.authorization.clone().unwrap_or_default())?;
    match authorization.accept(message)? {
        Left::Same => Ok(()),
        Left::Nothing => remove(ctx, granter, grantee, url),
        Left::Less(left) => put(ctx, granter, grantee, url, &Grant { authorization: Some(left.to_any()), ..grant }),
    }
}

/// Removes grants whose time is over, as many as one block may.
pub fn prune(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time();
    for ((_, granter, grantee, url), ()) in QUEUE.scan().before(&now).take(ctx, MAX_PRUNED_PER_BLOCK)? {
        remove(ctx, &granter, &grantee, &url)?;
    }
    Ok(())
}

/// A typed event of the Cosmos SDK: its attributes are JSON.
pub fn event(name: &str, granter: &str, grantee: &str, url: &str) -> Event {
    Event::new(format!("cosmos.authz.v1beta1.{name}"))
        .with("grantee", format!("{grantee:?}"))
        .with("granter", format!("{granter:?}"))
        .with("msg_type_url", format!("{url:?}"))
}
