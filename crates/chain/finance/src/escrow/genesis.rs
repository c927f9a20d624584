//! Genesis: `{params, accounts, payments, dry}`.

use serde_json::Value;
use ve_base::CodedError;
use ve_proto::ve::escrow::v1::{DryMinute, GenesisState};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{ACCOUNTS, DRY, OPEN_PAYMENTS, PAYMENTS};
use super::types::{Account, Payment};
use super::{params, stress};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    for given in &genesis.accounts {
        let account =
            Account::from_proto(given).map_err(|cause| Error::Genesis(format!("account {given:?}: {cause}")))?;
        if ACCOUNTS.has(ctx, &account.id)? {
            return Err(Error::Genesis(format!("account {} is given twice", account.id)).into());
        }
        ACCOUNTS.set(ctx, &account.id, &account)?;
        if account.is_live() {
            stress::count_live(ctx, 1, 0)?;
        }
    }
    for given in &genesis.payments {
        let payment =
            Payment::from_proto(given).map_err(|cause| Error::Genesis(format!("payment {given:?}: {cause}")))?;
        let key = (payment.account.clone(), payment.xid.clone());
        if PAYMENTS.has(ctx, &key)? || !ACCOUNTS.has(ctx, &key.0)? {
            return Err(Error::Genesis(format!("payment {} is given twice or has no account", key.1)).into());
        }
        PAYMENTS.set(ctx, &key, &payment)?;
        if !payment.is_closed() {
            OPEN_PAYMENTS.set(ctx, &key, &())?;
        }
    }
    for minute in &genesis.dry {
        DRY.set(ctx, &minute.time, &minute.accounts)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis = GenesisState { params: Some(params::load(ctx)?), ..GenesisState::default() };
    for entry in ACCOUNTS.scan().entries(ctx) {
        genesis.accounts.push(entry?.1.to_proto());
    }
    for entry in PAYMENTS.scan().entries(ctx) {
        genesis.payments.push(entry?.1.to_proto());
    }
    for entry in DRY.scan().entries(ctx) {
        let (time, accounts) = entry?;
        genesis.dry.push(DryMinute { time, accounts });
    }
    json::to_json(&genesis)
}
