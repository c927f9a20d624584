//! Genesis: `{params, allow_simulated, measurements, floors, enclaves, health, committees, anchors, next_id,
//! registrations}`.

use serde_json::Value;
use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::enclave::v1::{
    EnclaveIdentity, EnclaveStatus, GenesisState, Health, HealthStatus, Measurement, Registration, TcbFloor, Tee,
};
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::{
    ANCHORS, BY_KEY, COMMITTEES, ENCLAVES, FLOORS, HEALTH, MEASUREMENTS, NEXT_ID, REGISTERED, SIMULATED,
};
use super::{floors, measurements, params, registry};

pub fn default() -> Value {
    let genesis = GenesisState { params: Some(params::default()), next_id: 1, ..GenesisState::default() };
    json::to_json(&genesis).unwrap_or_default()
}

fn refused(cause: impl Into<String>) -> CodedError {
    Error::Genesis(cause.into()).into()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    SIMULATED.set(ctx, &genesis.allow_simulated)?;
    NEXT_ID.set(ctx, &genesis.next_id.max(1))?;
    genesis.measurements.iter().try_for_each(|measurement| add_measurement(ctx, measurement))?;
    genesis.floors.iter().try_for_each(|floor| add_floor(ctx, floor))?;
    for enclave in &genesis.enclaves {
        add_enclave(ctx, enclave, genesis.next_id, genesis.allow_simulated)?;
    }
    genesis.health.iter().try_for_each(|health| add_health(ctx, health))?;
    for committee in &genesis.committees {
        if COMMITTEES.has(ctx, &committee.epoch)? || committee.epoch == 0 {
            return Err(refused(format!("the committee of epoch {} is given twice", committee.epoch)));
        }
        COMMITTEES.set(ctx, &committee.epoch, committee)?;
    }
    for anchor in &genesis.anchors {
        ANCHORS.set(ctx, &anchor.height, anchor)?;
    }
    for registration in &genesis.registrations {
        REGISTERED.set(ctx, &parse_account("validator", &registration.validator)?, &registration.at)?;
    }
    Ok(())
}

fn add_measurement(ctx: &mut Context<'_>, measurement: &Measurement) -> Result<(), CodedError> {
    measurements::check(&Measurement { suspended: false, ..measurement.clone() })?;
    if MEASUREMENTS.has(ctx, &measurement.hash)? {
        return Err(refused("a measurement is given twice"));
    }
    Ok(MEASUREMENTS.set(ctx, &measurement.hash, measurement)?)
}

fn add_floor(ctx: &mut Context<'_>, floor: &TcbFloor) -> Result<(), CodedError> {
    floors::check(floor.tee(), &floor.least)?;
    if floor.least.is_empty() || floors::find(ctx, floor.tee())?.is_some() {
        return Err(refused("a floor of platforms is given twice or empty"));
    }
    Ok(FLOORS.set(ctx, &floors::key(floor.tee()), floor)?)
}

fn add_enclave(ctx: &mut Context<'_>, enclave: &EnclaveIdentity, next: u64, simulated: bool) -> Result<(), CodedError> {
    parse_account("validator", &enclave.validator)?;
    let id = enclave.id;
    if enclave.status() == EnclaveStatus::Unspecified || registry::in_use(enclave) != (enclave.ended_at == 0) {
        return Err(refused(format!("enclave {id} has no status, or ended without an end")));
    }
    if !MEASUREMENTS.has(ctx, &enclave.measurement)? || (enclave.tee() == Tee::Simulated && !simulated) {
        return Err(refused(format!("enclave {id} runs code or hardware that genesis does not list")));
    }
    let keys = [&enclave.enc_pubkey, &enclave.sig_pubkey];
    let mut taken = keys[0] == keys[1] || keys.iter().any(|key| key.len() != 32);
    for key in keys {
        taken = taken || BY_KEY.get(ctx, key)?.is_some();
    }
    if taken || id == 0 || id >= next || ENCLAVES.has(ctx, &id)? {
        return Err(refused(format!("enclave {id} is given twice, beyond the next, or with keys of another")));
    }
    Ok(ENCLAVES.set(ctx, &id, enclave)?)
}

fn add_health(ctx: &mut Context<'_>, health: &Health) -> Result<(), CodedError> {
    let validator = parse_account("validator", &health.validator)?;
    if health.status() == HealthStatus::Unspecified || HEALTH.has(ctx, &validator)? {
        return Err(refused(format!("the health of {validator} is given twice or is none")));
    }
    Ok(HEALTH.set(ctx, &validator, health)?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let registration = |(validator, at): (Address, u64)| Registration { validator: validator.to_string(), at };
    let registrations = REGISTERED.iter(ctx).map(|entry| entry.map(registration));
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        allow_simulated: SIMULATED.get_or_default(ctx)?,
        measurements: MEASUREMENTS.iter(ctx).map(|entry| entry.map(|(_, value)| value)).collect::<Result<_, _>>()?,
        floors: FLOORS.iter(ctx).map(|entry| entry.map(|(_, value)| value)).collect::<Result<_, _>>()?,
        enclaves: ENCLAVES.scan().entries(ctx).map(|entry| entry.map(|(_, value)| value)).collect::<Result<_, _>>()?,
        health: HEALTH.scan().entries(ctx).map(|entry| entry.map(|(_, value)| value)).collect::<Result<_, _>>()?,
        committees: COMMITTEES.iter(ctx).map(|entry| entry.map(|(_, value)| value)).collect::<Result<_, _>>()?,
        anchors: ANCHORS.iter(ctx).map(|entry| entry.map(|(_, value)| value)).collect::<Result<_, _>>()?,
        next_id: NEXT_ID.get(ctx)?.unwrap_or(1),
        registrations: registrations.collect::<Result<_, _>>()?,
    })
}
