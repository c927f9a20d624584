//! Genesis: parameters, what is known of each key's signatures, and all records.

use serde_json::Value;
use ve_base::{Address, CONSENSUS_PREFIX, CodedError, Dec, errors::sdk};
use ve_proto::ve::slashing::v1::{GenesisState, SigningEntry};
use ve_sdk::{Context, QueryContext, json};

use super::keys::{BLOCKS, NEXT_ID, RECORDS, SIGNING};
use super::{params, punish, signing};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

pub fn consensus(text: &str) -> Result<Address, CodedError> {
    Ok(Address::from_bech32(text, CONSENSUS_PREFIX)
        .map_err(|cause| sdk::Error::InvalidAddress(format!("invalid consensus address {text:?}: {cause}")))?)
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    for entry in genesis.signing {
        let state = entry.state.unwrap_or_default();
        SIGNING.set(ctx, &consensus(&entry.address)?, &state)?;
    }
    for stretch in genesis.blocks {
        BLOCKS.set(ctx, &stretch.index, &stretch.blocks)?;
    }
    let mut last = 0;
    for record in genesis.records {
        let operator = Address::from_bech32(&record.operator, ve_base::OPERATOR_PREFIX)
            .map_err(|cause| sdk::Error::InvalidAddress(format!("slash record {}: {cause}", record.id)))?;
        Dec::from_mantissa(&record.fraction)?;
        last = record.id.max(last);
        punish::restore(ctx, &operator, record)?;
    }
    Ok(NEXT_ID.set(ctx, &last.saturating_add(1))?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis =
        GenesisState { params: Some(params::load(ctx)?), blocks: signing::blocks(ctx)?, ..GenesisState::default() };
    for entry in SIGNING.iter(ctx) {
        let (consensus, state) = entry?;
        let address = consensus.to_bech32(CONSENSUS_PREFIX);
        genesis.signing.push(SigningEntry { address, state: Some(state) });
    }
    for entry in RECORDS.iter(ctx) {
        genesis.records.push(entry?.1);
    }
    json::to_json(&genesis)
}
