//! Genesis in the Cosmos shape: `{params, balances, supply, denom_metadata, send_enabled}`.

use serde_json::Value;
use ve_base::{ACCOUNT_PREFIX, Address, CodedError, Coin, Coins, errors::sdk::Error};
use ve_proto::cosmos::bank::v1beta1::{Balance, DenomUnit, GenesisState, Metadata, SendEnabled};
use ve_sdk::{Context, QueryContext, json};

use super::keys::{BALANCES, METADATA, SEND_ENABLED, SUPPLY};
use super::{ledger, params};

/// Display units of the native coin (finance spec section 1).
fn native_metadata() -> Metadata {
    let unit = |denom: &str, exponent| DenomUnit { denom: denom.into(), exponent, aliases: Vec::new() };
    Metadata {
        description: "The staking, gas and settlement coin of VirtEngine".into(),
        denom_units: vec![unit("uve", 0), unit("mve", 3), unit("ve", 6)],
        base: "uve".into(),
        display: "ve".into(),
        name: "VirtEngine".into(),
        symbol: "VE".into(),
        ..Metadata::default()
    }
}

pub fn default() -> Value {
    let genesis = GenesisState {
        params: Some(params::default()),
        denom_metadata: vec![native_metadata()],
        // Compute credit is not money that users send (finance spec section 1).
        send_enabled: vec![SendEnabled { denom: "uvcc".into(), enabled: false }],
        ..GenesisState::default()
    };
    json::to_json(&genesis).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let (genesis, parts) = json::from_json_in_parts::<GenesisState>(genesis, "balances")?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    for entry in &genesis.send_enabled {
        SEND_ENABLED.set(ctx, entry.denom.as_str(), &entry.enabled)?;
    }
    for metadata in &genesis.denom_metadata {
        METADATA.set(ctx, metadata.base.as_str(), metadata)?;
    }
    for part in parts {
        for entry in &part?.balances {
            endow(ctx, entry)?;
        }
    }
    let declared = Coins::try_from_proto(&genesis.supply)?;
    let sum = total_supply(ctx)?;
    if !declared.is_empty() && declared != sum {
        return Err(Error::InvalidCoins(format!("genesis supply is {declared}, the balances sum to {sum}")).into());
    }
    Ok(())
}

fn endow(ctx: &mut Context<'_>, entry: &Balance) -> Result<(), CodedError> {
    let owner = Address::from_bech32(&entry.address, ACCOUNT_PREFIX)
        .map_err(|cause| Error::InvalidAddress(format!("genesis balance of {:?}: {cause}", entry.address)))?;
    if !ledger::balances(ctx, &owner)?.is_empty() {
        return Err(Error::InvalidRequest(format!("genesis balance of {owner} is given twice")).into());
    }
    ledger::endow(ctx, &owner, &Coins::try_from_proto(&entry.coins)?)
}

fn total_supply<R: ve_store::Read + ?Sized>(state: &R) -> Result<Coins, CodedError> {
    let mut coins = Vec::new();
    for entry in SUPPLY.iter(state) {
        let (denom, amount) = entry?;
        coins.push(Coin::new(denom.parse()?, amount));
    }
    Coins::new(coins)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut balances: Vec<Balance> = Vec::new();
    for entry in BALANCES.iter(ctx) {
        let ((owner, denom), amount) = entry?;
        let address = owner.to_string();
        let coin = Coin::new(denom.parse()?, amount).to_proto();
        match balances.last_mut() {
            Some(last) if last.address == address => last.coins.push(coin),
            _ => balances.push(Balance { address, coins: vec![coin] }),
        }
    }
    let mut send_enabled = Vec::new();
    for entry in SEND_ENABLED.iter(ctx) {
        let (denom, enabled) = entry?;
        send_enabled.push(SendEnabled { denom, enabled });
    }
    let mut denom_metadata = Vec::new();
    for entry in METADATA.iter(ctx) {
        denom_metadata.push(entry?.1);
    }
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        balances,
        supply: total_supply(ctx)?.to_proto(),
        denom_metadata,
        send_enabled,
    })
}
