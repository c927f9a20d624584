//! Genesis in the Cosmos shape: `{params, accounts: [Any]}`. Accounts keep their numbers when they carry them. A list
//! `unordered` more, in the export of a chain that ran unordered transactions, keeps them from running again.

use prost_types::Any;
use serde_json::Value;
use ve_base::{ACCOUNT_PREFIX, Address, CodedError, errors::sdk::Error};
use ve_proto::cosmos::auth::v1beta1::GenesisState;
use ve_sdk::{Context, QueryContext, json};

use super::account::Account;
use super::keys::{ACCOUNTS, BY_NUMBER, NEXT_NUMBER};
use super::{params, unordered};

pub fn default() -> Value {
    let genesis = GenesisState { params: Some(params::default()), accounts: Vec::new() };
    json::to_json(&genesis).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let without = unordered::take_genesis(ctx, genesis)?;
    let genesis = without.as_ref().unwrap_or(genesis);
    let (genesis, parts) = json::from_json_in_parts::<GenesisState>(genesis, "accounts")?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    let mut next = 0u64;
    for part in parts {
        for any in &part?.accounts {
            next = next.max(add(ctx, any)?);
        }
    }
    NEXT_NUMBER.set(ctx, &next)?;
    let declared: Vec<_> = ctx.registry().module_accounts().collect();
    for (name, permissions) in declared {
        super::ensure_module(ctx, name, permissions)?;
    }
    Ok(())
}

/// Adds an account and returns the number after its own.
fn add(ctx: &mut Context<'_>, any: &Any) -> Result<u64, CodedError> {
    let account = Account::from_any(any)?;
    if let Account::Vesting(vesting) = &account {
        vesting.check()?;
    }
    let base = account.base();
    let address = Address::from_bech32(&base.address, ACCOUNT_PREFIX)
        .map_err(|cause| Error::InvalidAddress(format!("genesis account {}: {cause}", base.address)))?;
    if ACCOUNTS.has(ctx, &address)? || BY_NUMBER.has(ctx, &base.account_number)? {
        return Err(Error::InvalidRequest(format!(
            "genesis account {address} or its number {} is given twice",
            base.account_number
        ))
        .into());
    }
    ACCOUNTS.set(ctx, &address, any)?;
    BY_NUMBER.set(ctx, &base.account_number, &address)?;
    Ok(base.account_number.saturating_add(1))
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut accounts = Vec::new();
    for entry in BY_NUMBER.iter(ctx) {
        let (_, address) = entry?;
        accounts.extend(ACCOUNTS.get(ctx, &address)?);
    }
    let mut genesis = json::to_json(&GenesisState { params: Some(params::load(ctx)?), accounts })?;
    unordered::export(ctx, &mut genesis)?;
    Ok(genesis)
}

pub fn check_numbers(ctx: &QueryContext<'_>) -> Result<(), String> {
    let next = NEXT_NUMBER.get(ctx).map_err(|error| error.to_string())?.unwrap_or(0);
    let mut numbered = 0u64;
    for entry in BY_NUMBER.iter(ctx) {
        let (number, address) = entry.map_err(|error| error.to_string())?;
        if number >= next {
            return Err(format!("account {address} has number {number}, the next one is {next}"));
        }
        numbered = numbered.saturating_add(1);
    }
    let accounts = ACCOUNTS.iter(ctx).count() as u64;
    if accounts == numbered { Ok(()) } else { Err(format!("{accounts} accounts but {numbered} numbers")) }
}
