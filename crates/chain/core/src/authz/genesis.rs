//! Genesis in the Cosmos shape: `{authorization: [...]}`.

use serde_json::Value;
use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::cosmos::authz::v1beta1::{GenesisState, Grant, GrantAuthorization};
use ve_sdk::{Context, QueryContext, json};

use super::authorization::Authorization;
use super::keys::{BY_GRANTEE, GRANTS, QUEUE};
use super::{account, grants};

pub fn default() -> Value {
    json::to_json(&GenesisState::default()).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    for entry in genesis.authorization {
        let (granter, grantee) = (account("granter", &entry.granter)?, account("grantee", &entry.grantee)?);
        let authorization = Authorization::from_any(&entry.authorization.unwrap_or_default())?;
        authorization.check()?;
        let url = authorization.message();
        if grants::find(ctx, &granter, &grantee, &url)?.is_some() {
            return Err(
                Error::InvalidRequest(format!("the grant of {granter} to {grantee} for {url} is given twice")).into()
            );
        }
        let grant = Grant { authorization: Some(authorization.to_any()), expiration: entry.expiration };
        grants::put(ctx, &granter, &grantee, &url, &grant)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut authorization = Vec::new();
    for entry in GRANTS.iter(ctx) {
        let ((granter, grantee, _), grant) = entry?;
        authorization.push(GrantAuthorization {
            granter: granter.to_string(),
            grantee: grantee.to_string(),
            authorization: grant.authorization,
            expiration: grant.expiration,
        });
    }
    json::to_json(&GenesisState { authorization })
}

pub fn check_queue(ctx: &QueryContext<'_>) -> Result<(), String> {
    let (mut all, mut expiring) = (0u64, 0u64);
    for entry in GRANTS.iter(ctx) {
        let ((granter, grantee, url), grant) = entry.map_err(|error| error.to_string())?;
        all = all.saturating_add(1);
        if !BY_GRANTEE.has(ctx, (&grantee, &granter, &url)).map_err(|error| error.to_string())? {
            return Err(format!("the grant of {granter} to {grantee} for {url} is not found by its grantee"));
        }
        let Some(time) = grants::expiration(&grant) else { continue };
        expiring = expiring.saturating_add(1);
        if !QUEUE.has(ctx, (&time, &granter, &grantee, &url)).map_err(|error| error.to_string())? {
            return Err(format!("the grant of {granter} to {grantee} for {url} expires outside the queue"));
        }
    }
    let (indexed, queued) = (BY_GRANTEE.iter(ctx).count() as u64, QUEUE.iter(ctx).count() as u64);
    if (all, expiring) == (indexed, queued) {
        return Ok(());
    }
    Err(format!("{all} grants, {expiring} of them expiring, but {indexed} by grantee and {queued} in the queue"))
}
