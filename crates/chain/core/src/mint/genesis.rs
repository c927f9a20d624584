//! Genesis in the Cosmos shape, with what was minted so far.

use serde_json::Value;
use ve_base::{Amount, BASE_DENOM, CodedError, Dec, errors::sdk::Error};
use ve_proto::cosmos::mint::v1beta1::Minter;
use ve_proto::ve::mint::v1::{GenesisState, State};
use ve_sdk::{Context, QueryContext, json};

use super::keys::STATE;
use super::params;
use crate::bank;

fn new_minter() -> Minter {
    let inflation = params::default().inflation_min;
    Minter { inflation, annual_provisions: Dec::zero().to_mantissa() }
}

pub fn default() -> Value {
    let (minted, burned) = (Amount::ZERO.to_string(), Amount::ZERO.to_string());
    json::to_json(&GenesisState { minter: Some(new_minter()), params: Some(params::default()), minted, burned })
        .unwrap_or_default()
}

/// Time until now was paid for by the state that is imported, if by any.
pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    let minter = genesis.minter.unwrap_or_else(new_minter);
    for (name, text) in [("inflation", &minter.inflation), ("annual_provisions", &minter.annual_provisions)] {
        if Dec::from_mantissa(text)?.is_negative() {
            return Err(Error::InvalidRequest(format!("{name} of the genesis minter is negative")).into());
        }
    }
    let amount = |text: &str| if text.is_empty() { Ok(Amount::ZERO) } else { text.parse::<Amount>() };
    let minted = amount(&genesis.minted)?;
    bank::restore_burned(ctx, BASE_DENOM, amount(&genesis.burned)?)?;
    let last = Some(ctx.time().to_proto());
    Ok(STATE.set(ctx, &State { minter: Some(minter), minted: minted.to_string(), last })?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let state = STATE.get(ctx)?.unwrap_or_default();
    let params = Some(params::load(ctx)?);
    let burned = bank::burned(ctx, BASE_DENOM)?.to_string();
    json::to_json(&GenesisState { minter: state.minter, params, minted: state.minted, burned })
}
