//! Genesis: `{params}`.

use serde_json::Value;
use ve_base::CodedError;
use ve_proto::ve::admission::v1::GenesisState;
use ve_sdk::{Context, QueryContext, json};

use super::params;

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()) }).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    json::to_json(&GenesisState { params: Some(params::load(ctx)?) })
}
