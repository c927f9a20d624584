//! Genesis: `{params, attesters, keys, records, nonces}`.

use serde_json::Value;
use ve_base::{CodedError, parse_account};
use ve_proto::ve::attester::v1::{Attester, AttesterState, GenesisState, KeyState, Record, SignerKey, UsedNonce};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{ATTESTERS, DROPPING, KEYS, NONCE_COUNT, NONCES, RECORDS};
use super::{params, records, registry, signer, statement};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    for attester in &genesis.attesters {
        add(ctx, attester)?;
    }
    for key in &genesis.keys {
        add_key(ctx, key)?;
    }
    for nonce in &genesis.nonces {
        add_nonce(ctx, nonce)?;
    }
    genesis.records.iter().try_for_each(|record| add_record(ctx, record))
}

fn refused(why: String) -> CodedError {
    Error::Genesis(why).into()
}

fn add(ctx: &mut Context<'_>, attester: &Attester) -> Result<(), CodedError> {
    let address = parse_account("attester", &attester.address)?;
    registry::check_text("name", &attester.name)?;
    registry::check_text("organisation", &attester.organisation)?;
    registry::check_kinds(&attester.kinds)?;
    attester.bond.parse::<ve_base::Amount>()?;
    if ATTESTERS.has(ctx, &address)? || attester.state() == AttesterState::Unspecified {
        return Err(refused(format!("attester {address} is given twice or without a state")));
    }
    Ok(ATTESTERS.set(ctx, &address, attester)?)
}

fn add_key(ctx: &mut Context<'_>, key: &SignerKey) -> Result<(), CodedError> {
    let place = (parse_account("attester", &key.attester)?, key.key_id.clone());
    signer::check(&key.public_key)?;
    let id = ve_base::attestation::key_id(&key.public_key);
    if id != key.key_id || key.state() == KeyState::Unspecified || KEYS.has(ctx, &place)? {
        return Err(refused(format!("signer key {id} is given twice, under another name or without a state")));
    }
    if !ATTESTERS.has(ctx, &place.0)? {
        return Err(refused(format!("signer key {id} belongs to no attester")));
    }
    KEYS.set(ctx, &place, key)?;
    if key.compromised_since > 0 {
        DROPPING.set(ctx, &place, &key.compromised_since)?;
    }
    Ok(())
}

fn add_nonce(ctx: &mut Context<'_>, nonce: &UsedNonce) -> Result<(), CodedError> {
    let place = (parse_account("issuer", &nonce.issuer)?, nonce.nonce.clone());
    if NONCES.has(ctx, &place)? {
        return Err(refused(format!("a nonce of {} is given twice", nonce.issuer)));
    }
    let count = NONCE_COUNT.get_or_default(ctx, &place.0)?.saturating_add(1);
    NONCE_COUNT.set(ctx, &place.0, &count)?;
    Ok(NONCES.set(ctx, &place, nonce)?)
}

fn add_record(ctx: &mut Context<'_>, record: &Record) -> Result<(), CodedError> {
    let of = records::of(record);
    statement::check(&of)?;
    let id = ve_base::attestation::digest(ctx.chain_id(), &of).map(|digest| ve_base::attestation::id(&digest));
    if id.as_deref() != Ok(record.id.as_str()) || RECORDS.has(ctx, record.id.as_str())? {
        return Err(refused(format!("attestation {} is given twice or under another name", record.id)));
    }
    Ok(RECORDS.set(ctx, &record.id, record)?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let attesters = ATTESTERS.scan().entries(ctx).map(|entry| entry.map(|(_, attester)| attester));
    let keys = KEYS.scan().entries(ctx).map(|entry| entry.map(|(_, key)| key));
    let records = RECORDS.scan().entries(ctx).map(|entry| entry.map(|(_, record)| record));
    let nonces = NONCES.scan().entries(ctx).map(|entry| entry.map(|(_, nonce)| nonce));
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        attesters: attesters.collect::<Result<_, _>>()?,
        keys: keys.collect::<Result<_, _>>()?,
        records: records.collect::<Result<_, _>>()?,
        nonces: nonces.collect::<Result<_, _>>()?,
    })
}
