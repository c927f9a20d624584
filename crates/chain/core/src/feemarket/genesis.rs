//! Genesis: `{params, state}`.

use serde_json::Value;
use ve_base::{CodedError, errors::sdk::Error};
use ve_proto::ve::feemarket::v1::{GenesisState, State};
use ve_sdk::{Context, QueryContext, json};

use super::keys::STATE;
use super::{params, price};

pub fn default() -> Value {
    let params = params::default();
    let state = State { base_fee: params.min_base_fee.clone(), ..State::default() };
    json::to_json(&GenesisState { params: Some(params), state: Some(state) }).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    let params = genesis.params.unwrap_or_else(params::default);
    params::store(ctx, &params)?;
    let state = genesis.state.unwrap_or(State { base_fee: params.min_base_fee, ..State::default() });
    STATE.set(ctx, &state)?;
    let query = QueryContext::new(ctx, ctx.block(), ctx.registry());
    Ok(price::check_bounds(&query).map_err(Error::InvalidRequest)?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    json::to_json(&GenesisState { params: Some(params::load(ctx)?), state: Some(price::state(ctx)?) })
}
