//! Genesis: `{params, epoch, finished}`.

use serde_json::Value;
use ve_base::{CodedError, parse_operator};
use ve_proto::ve::performance::v1::{Epoch, GenesisState};
use ve_sdk::{Context, QueryContext, json};

use super::keys::{EPOCH, FINISHED};
use super::{epoch, params};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

/// The first epoch of a new network begins with it.
pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    let first = Epoch { start: Some(ctx.time().to_proto()), ..Epoch::default() };
    EPOCH.set(ctx, &genesis.epoch.unwrap_or(first))?;
    for finished in genesis.finished {
        let operator = parse_operator(&finished.operator)?;
        FINISHED.set(ctx, (&operator, &finished.epoch), &finished)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis =
        GenesisState { params: Some(params::load(ctx)?), epoch: Some(epoch::load(ctx)?), ..GenesisState::default() };
    for entry in FINISHED.iter(ctx) {
        genesis.finished.push(entry?.1);
    }
    json::to_json(&genesis)
}
