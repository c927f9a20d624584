//! Genesis: `{params, providers, keys}`; and the invariants.

use serde_json::Value;
use ve_base::{Amount, BASE_DENOM, CodedError};
use ve_chain_core::bank;
use ve_proto::ve::provider::v1::{GenesisState, KeyState, ProviderState};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{KEYS, PROVIDERS};
use super::{PROVIDER_BOND, params, registry};
use crate::text::address;

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    for provider in &genesis.providers {
        let owner = address("provider", &provider.owner)?;
        if PROVIDERS.has(ctx, &owner)? {
            return Err(Error::Genesis(format!("provider {owner} is given twice")).into());
        }
        registry::bond(provider)?;
        PROVIDERS.set(ctx, &owner, provider)?;
    }
    for key in &genesis.keys {
        let owner = address("provider", &key.owner)?;
        if !PROVIDERS.has(ctx, &owner)? || KEYS.has(ctx, (&owner, key.key_id.as_str()))? {
            return Err(Error::Genesis(format!("key {} is given twice or has no provider", key.key_id)).into());
        }
        registry::public_key(key)?;
        KEYS.set(ctx, (&owner, key.key_id.as_str()), key)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis = GenesisState { params: Some(params::load(ctx)?), ..GenesisState::default() };
    for entry in PROVIDERS.scan().entries(ctx) {
        genesis.providers.push(entry?.1);
    }
    for entry in KEYS.iter(ctx) {
        genesis.keys.push(entry?.1);
    }
    json::to_json(&genesis)
}

pub fn check_bonds(ctx: &QueryContext<'_>) -> Result<(), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let mut sum = Amount::ZERO;
    for entry in PROVIDERS.scan().entries(ctx) {
        let (owner, provider) = entry.map_err(|error| text(&error))?;
        let bond = registry::bond(&provider).map_err(|error| text(&error))?;
        sum = sum.checked_add(bond).ok_or("bonds overflow")?;
        let keys = KEYS.prefix(ctx, &owner).filter_map(Result::ok).filter(|(_, key)| key.state() == KeyState::Active);
        let keys = keys.count();
        match provider.state() {
            ProviderState::Active if keys == 0 => return Err(format!("provider {owner} is active without a key")),
            ProviderState::Exited if keys > 0 || !bond.is_zero() => {
                return Err(format!("provider {owner} left with a bond or a key"));
            }
            ProviderState::Unspecified => return Err(format!("provider {owner} has no state")),
            _ => {}
        }
    }
    let held = bank::balance(ctx, &ve_base::module_address(PROVIDER_BOND), BASE_DENOM).map_err(|error| text(&error))?;
    if held == sum { Ok(()) } else { Err(format!("bonds sum to {sum}, the module account holds {held}")) }
}
