//! Genesis: `{params, keys, purged}`.

use serde_json::Value;
use ve_base::CodedError;
use ve_proto::ve::encryption::v1::{GenesisState, PurgedKey, RecipientKey};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{BY_FINGERPRINT, KEYS, PURGED, VERSIONS};
use super::{params, registry};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    for key in &genesis.keys {
        add(ctx, key)?;
    }
    for purged in &genesis.purged {
        add_purged(ctx, purged)?;
    }
    Ok(())
}

fn add(ctx: &mut Context<'_>, key: &RecipientKey) -> Result<(), CodedError> {
    registry::consistent(key)?;
    let owner = registry::address(&key.owner)?;
    let place = (owner, key.version);
    if KEYS.has(ctx, &place)? || BY_FINGERPRINT.get(ctx, &key.fingerprint)?.is_some() {
        return Err(Error::Genesis(format!("key {} is given twice", registry::id_of(key))).into());
    }
    KEYS.set(ctx, &place, key)?;
    raise(ctx, &place.0, key.version)
}

fn add_purged(ctx: &mut Context<'_>, purged: &PurgedKey) -> Result<(), CodedError> {
    let owner = registry::address(&purged.owner)?;
    let fingerprint = &purged.fingerprint;
    if BY_FINGERPRINT.get(ctx, fingerprint)?.is_some() || PURGED.has(ctx, fingerprint)? {
        return Err(Error::Genesis(format!("purged key {fingerprint} is given twice")).into());
    }
    PURGED.set(ctx, fingerprint, purged)?;
    raise(ctx, &owner, purged.version)
}

/// The owner's next version comes after all that are known.
fn raise(ctx: &mut Context<'_>, owner: &ve_base::Address, version: u32) -> Result<(), CodedError> {
    let last = VERSIONS.get_or_default(ctx, owner)?;
    Ok(VERSIONS.set(ctx, owner, &last.max(version))?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let keys = KEYS.scan().entries(ctx).map(|entry| entry.map(|(_, key)| key));
    let purged = PURGED.iter(ctx).map(|entry| entry.map(|(_, purged)| purged));
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        keys: keys.collect::<Result<_, _>>()?,
        purged: purged.collect::<Result<_, _>>()?,
    })
}
