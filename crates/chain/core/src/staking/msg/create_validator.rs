//! `MsgCreateValidator`: an account becomes the operator of a new validator and bonds its own stake.

use ve_base::{Amount, BlockTime, CodedError, Coins, Dec, OPERATOR_PREFIX, errors::sdk};
use ve_proto::cosmos::staking::v1beta1::{MsgCreateValidator, MsgCreateValidatorResponse};
use ve_sdk::{Context, Event};

use super::{check_description, stake};
use crate::staking::delegation::{self, Source};
use crate::staking::error::Error;
use crate::staking::hooks::{AdmissionGate, Applicant, each};
use crate::staking::params::{self, MIN_SELF_BOND};
use crate::staking::table;
use crate::staking::validator::{Rates, Status, Validator, ed25519};

/// What the message says, parsed.
pub(in crate::staking) struct Wanted {
    pub validator: Validator,
    pub self_bond: Amount,
}

pub(in crate::staking) fn parse(msg: &MsgCreateValidator) -> Result<Wanted, CodedError> {
    let missing = |what: &str| sdk::Error::InvalidRequest(format!("{what} is missing"));
    let operator = crate::staking::operator(&msg.validator_address)?;
    let key = msg.pubkey.as_ref().ok_or_else(|| missing("the consensus key"))?;
    let description = msg.description.clone().ok_or_else(|| missing("the description"))?;
    if description.moniker.is_empty() {
        return Err(missing("the moniker").into());
    }
    check_description(&description)?;
    let rates = Rates::from_proto(msg.commission.as_ref().ok_or_else(|| missing("the commission"))?)?;
    let self_bond = stake(msg.value.as_ref())?;
    let min_self_delegation = msg.min_self_delegation.parse::<Amount>()?;
    if min_self_delegation.is_zero() {
        return Err(sdk::Error::InvalidRequest("min_self_delegation must be positive".into()).into());
    }
    let required = min_self_delegation.max(MIN_SELF_BOND);
    if self_bond < required {
        let text = |amount| Coins::native(amount).to_string();
        return Err(Error::SelfBondBelowMinimum(text(self_bond), text(required)).into());
    }
    check_rates(&rates)?;
    let validator = Validator {
        operator,
        consensus_key: ed25519(key)?,
        jailed: false,
        status: Status::Unbonded,
        tokens: Amount::ZERO,
        shares: Dec::zero(),
        description,
        unbonding_height: 0,
        unbonding_time: BlockTime::default(),
        rates,
        rates_changed: BlockTime::default(),
        min_self_delegation,
    };
    Ok(Wanted { validator, self_bond })
}

fn check_rates(rates: &Rates) -> Result<(), CodedError> {
    if rates.rate.is_negative() || rates.max_change_rate.is_negative() {
        return Err(sdk::Error::InvalidRequest("commission rates cannot be negative".into()).into());
    }
    let text = |rate: Dec| format!("{rate:#}");
    if rates.max_rate > params::max_commission() {
        return Err(Error::CommissionHuge(text(rates.max_rate), text(params::max_commission())).into());
    }
    if rates.rate > rates.max_rate {
        return Err(Error::CommissionAboveMax(text(rates.rate), text(rates.max_rate)).into());
    }
    if rates.max_change_rate > params::max_change() {
        return Err(Error::ChangeRateHuge(text(rates.max_change_rate), text(params::max_change())).into());
    }
    Ok(())
}

pub fn check(msg: &MsgCreateValidator) -> Result<(), CodedError> {
    parse(msg).map(|_| ())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgCreateValidator) -> Result<MsgCreateValidatorResponse, CodedError> {
    let Wanted { mut validator, self_bond } = parse(msg)?;
    let minimum = Dec::from_mantissa(&params::load(ctx)?.min_commission_rate)?;
    if validator.rates.rate < minimum {
        return Err(Error::CommissionBelowMin(format!("{:#}", validator.rates.rate), format!("{minimum:#}")).into());
    }
    let operator = validator.operator.clone();
    let applicant = Applicant { operator: operator.clone(), consensus_key: validator.consensus_key, self_bond };
    for gate in ctx.hooks().all::<dyn AdmissionGate>() {
        gate.admit_validator(ctx, &applicant)?;
    }
    validator.rates_changed = ctx.time();
    table::insert(ctx, &validator)?;
    each(ctx, |hooks, ctx| hooks.after_validator_created(ctx, &operator))?;
    delegation::add(ctx, &operator, &mut validator, self_bond, Source::Balance)?;
    ctx.emit(
        Event::new("create_validator")
            .with("validator", operator.to_bech32(OPERATOR_PREFIX))
            .with("amount", Coins::native(self_bond)),
    );
    Ok(MsgCreateValidatorResponse {})
}
