//! Genesis in the Cosmos shape: the full state of stake. Validators of a new network are given as unbonded; the first
//! set is computed from them, as it is at the end of a block.

use serde_json::Value;
use ve_base::{Address, Amount, CodedError, Dec, OPERATOR_PREFIX, errors::sdk};
use ve_proto::cosmos::staking::v1beta1 as pb;
use ve_sdk::application::ValidatorUpdate;
use ve_sdk::{Context, QueryContext, json};

use super::delegation::shares;
use super::entries::{Redelegation, Unbonding};
use super::error::Error;
use super::hooks::each;
use super::keys::*;
use super::validator::{MAX_TOTAL_POWER, Status, Validator};
use super::{invariants, params, past, pools, redelegation, set, table, unbonding};

/// Cosmos writes this one as decimal digits although it is bytes in protobuf.
const LAST_TOTAL: &str = "last_total_power";

pub fn default() -> Value {
    let genesis = pb::GenesisState { params: Some(params::default()), ..pb::GenesisState::default() };
    write(&genesis, 0).unwrap_or_default()
}

fn write(genesis: &pb::GenesisState, total: u64) -> Result<Value, CodedError> {
    let mut value = json::to_json(genesis)?;
    value[LAST_TOTAL] = total.to_string().into();
    Ok(value)
}

/// The state without its total power, which follows from the rest.
pub(super) fn read(value: &Value) -> Result<pb::GenesisState, CodedError> {
    let mut value = value.clone();
    if let Some(object) = value.as_object_mut() {
        object.remove(LAST_TOTAL);
    }
    json::from_json(&value)
}

pub(super) fn write_new(genesis: &pb::GenesisState) -> Result<Value, CodedError> {
    write(genesis, 0)
}

fn invalid(cause: impl std::fmt::Display) -> CodedError {
    sdk::Error::InvalidRequest(cause.to_string()).into()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, CodedError> {
    let genesis = read(genesis)?;
    params::store(ctx, &genesis.params.clone().unwrap_or_else(params::default))?;
    for proto in &genesis.validators {
        add_validator(ctx, &Validator::from_proto(proto)?, genesis.exported)?;
    }
    for proto in &genesis.delegations {
        add_delegation(ctx, proto, genesis.exported)?;
    }
    let mut last_id = 0u64;
    for proto in &genesis.unbonding_delegations {
        let entry = Unbonding::from_proto(proto)?;
        last_id = entry.entries.iter().map(|entry| entry.id).fold(last_id, u64::max);
        unbonding::restore(ctx, &entry)?;
    }
    for proto in &genesis.redelegations {
        let entry = Redelegation::from_proto(proto)?;
        last_id = entry.entries.iter().map(|entry| entry.id).fold(last_id, u64::max);
        redelegation::restore(ctx, &entry)?;
    }
    NEXT_ENTRY_ID.set(ctx, &last_id.saturating_add(1))?;
    for entry in &genesis.last_validator_powers {
        let power = u64::try_from(entry.power).map_err(|_| invalid("a validator's last power is negative"))?;
        let operator = super::operator(&entry.address)?;
        LAST_POWERS.set(ctx, &operator, &power)?;
        past::record(ctx, &operator, power, 0)?;
    }
    check(ctx)?;
    let changed = set::update_at(ctx, 0)?;
    if genesis.exported { whole_set(ctx) } else { Ok(changed) }
}

/// Consensus starts without a set, so it needs every member, not only those that changed.
fn whole_set(ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, CodedError> {
    let members: Vec<(Address, u64)> = LAST_POWERS.iter(ctx).collect::<Result<_, _>>()?;
    let mut total = 0u64;
    let mut updates = Vec::with_capacity(members.len());
    for (operator, power) in members {
        total =
            total.checked_add(power).filter(|sum| *sum <= MAX_TOTAL_POWER).ok_or(Error::PowerBound(MAX_TOTAL_POWER))?;
        updates.push(ValidatorUpdate { pub_key: table::require(ctx, &operator)?.consensus_key, power });
    }
    LAST_TOTAL_POWER.set(ctx, &total)?;
    Ok(updates)
}

fn add_validator(ctx: &mut Context<'_>, validator: &Validator, exported: bool) -> Result<(), CodedError> {
    table::insert(ctx, validator)?;
    if validator.status == Status::Unbonding {
        VALIDATOR_QUEUE.set(ctx, (&validator.unbonding_time, &validator.operator), &())?;
    }
    if exported {
        return Ok(());
    }
    each(ctx, |hooks, ctx| hooks.after_validator_created(ctx, &validator.operator))
}

fn add_delegation(ctx: &mut Context<'_>, proto: &pb::Delegation, exported: bool) -> Result<(), CodedError> {
    let (delegator, operator) = (super::account(&proto.delegator_address)?, super::operator(&proto.validator_address)?);
    if !shares(ctx, &delegator, &operator)?.is_zero() {
        return Err(invalid(format!("the delegation of {delegator} is given twice")));
    }
    if !exported {
        each(ctx, |hooks, ctx| hooks.before_delegation_created(ctx, &delegator, &operator))?;
    }
    DELEGATIONS.set(ctx, (&delegator, &operator), &Dec::from_mantissa(&proto.shares)?)?;
    DELEGATORS.set(ctx, (&operator, &delegator), &())?;
    if exported {
        // The state of those who follow the hooks is exported too.
        return Ok(());
    }
    each(ctx, |hooks, ctx| hooks.after_delegation_modified(ctx, &delegator, &operator))
}

/// Stake must be covered by the pools and stay within what consensus counts (incident C9).
fn check(ctx: &Context<'_>) -> Result<(), CodedError> {
    let query = QueryContext::new(ctx, ctx.block(), ctx.registry());
    for invariant in invariants::all() {
        (invariant.check)(&query).map_err(|violation| invalid(format!("{}: {violation}", invariant.name)))?;
    }
    let staked = pools::balance(ctx, pools::BONDED)?.checked_add(pools::balance(ctx, pools::NOT_BONDED)?);
    Ok(pools::check_total(staked.unwrap_or(Amount::MAX))?)
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let mut genesis =
        pb::GenesisState { params: Some(params::load(ctx)?), exported: true, ..pb::GenesisState::default() };
    for entry in LAST_POWERS.iter(ctx) {
        let (operator, power) = entry?;
        genesis.last_validator_powers.push(pb::LastValidatorPower {
            address: operator.to_bech32(OPERATOR_PREFIX),
            power: i64::try_from(power).unwrap_or(i64::MAX),
        });
    }
    for entry in VALIDATORS.iter(ctx) {
        genesis.validators.push(entry?.1.to_proto());
    }
    for entry in DELEGATIONS.iter(ctx) {
        let ((delegator, operator), shares) = entry?;
        genesis.delegations.push(pb::Delegation {
            delegator_address: delegator.to_string(),
            validator_address: operator.to_bech32(OPERATOR_PREFIX),
            shares: shares.to_mantissa(),
        });
    }
    for entry in UNBONDINGS.iter(ctx) {
        genesis.unbonding_delegations.push(entry?.1.to_proto());
    }
    for entry in REDELEGATIONS.iter(ctx) {
        genesis.redelegations.push(entry?.1.to_proto());
    }
    write(&genesis, LAST_TOTAL_POWER.get(ctx)?.unwrap_or(0))
}
