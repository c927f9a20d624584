//! Genesis in the Cosmos shape: `{allowances: [...]}`.

use serde_json::Value;
use ve_base::CodedError;
use ve_proto::cosmos::feegrant::v1beta1::{GenesisState, Grant};
use ve_sdk::{Context, QueryContext, json};

use super::allowance::Allowance;
use super::keys::{ALLOWANCES, BY_GRANTER, QUEUE};
use super::{account, grants};

pub fn default() -> Value {
    json::to_json(&GenesisState::default()).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    for entry in genesis.allowances {
        let (granter, grantee) = (account("granter", &entry.granter)?, account("grantee", &entry.grantee)?);
        let allowance = Allowance::from_any(&entry.allowance.unwrap_or_default())?;
        allowance.check()?;
        grants::put(ctx, &granter, &grantee, &allowance)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut allowances = Vec::new();
    for entry in ALLOWANCES.iter(ctx) {
        let ((grantee, granter), allowance) = entry?;
        allowances.push(Grant {
            granter: granter.to_string(),
            grantee: grantee.to_string(),
            allowance: Some(allowance),
        });
    }
    json::to_json(&GenesisState { allowances })
}

pub fn check_queue(ctx: &QueryContext<'_>) -> Result<(), String> {
    let (mut all, mut expiring) = (0u64, 0u64);
    for entry in ALLOWANCES.iter(ctx) {
        let ((grantee, granter), any) = entry.map_err(|error| error.to_string())?;
        all = all.saturating_add(1);
        if !BY_GRANTER.has(ctx, (&granter, &grantee)).map_err(|error| error.to_string())? {
            return Err(format!("the allowance of {granter} for {grantee} is not found by its granter"));
        }
        let allowance = Allowance::from_any(&any).map_err(|error| error.log)?;
        let Some(time) = allowance.expiration() else { continue };
        expiring = expiring.saturating_add(1);
        if !QUEUE.has(ctx, (&time, &grantee, &granter)).map_err(|error| error.to_string())? {
            return Err(format!("the allowance of {granter} for {grantee} expires outside the queue"));
        }
    }
    let (indexed, queued) = (BY_GRANTER.iter(ctx).count() as u64, QUEUE.iter(ctx).count() as u64);
    if (all, expiring) == (indexed, queued) {
        return Ok(());
    }
    Err(format!("{all} allowances, {expiring} of them expiring, but {indexed} by granter and {queued} in the queue"))
}
