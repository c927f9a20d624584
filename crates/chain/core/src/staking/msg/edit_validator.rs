//! `MsgEditValidator`: an operator changes its description, its commission or its minimum self-delegation.

use ve_base::{Amount, CodedError, Dec, OPERATOR_PREFIX, errors::sdk};
use ve_proto::cosmos::staking::v1beta1::{Description, MsgEditValidator, MsgEditValidatorResponse};
use ve_sdk::{Context, Event};

use super::check_description;
use crate::staking::error::Error;
use crate::staking::hooks::each;
use crate::staking::validator::Validator;
use crate::staking::{delegation, params, table};

/// Clients send this for text that stays as it is.
const KEEP: &str = "[do-not-modify]";
const DAY: u64 = 86_400;

pub fn check(msg: &MsgEditValidator) -> Result<(), CodedError> {
    crate::staking::operator(&msg.validator_address)?;
    let description = msg.description.clone().unwrap_or_default();
    if description == Description::default() && msg.commission_rate.is_empty() && msg.min_self_delegation.is_empty() {
        return Err(sdk::Error::InvalidRequest("the message changes nothing".into()).into());
    }
    check_description(&description)?;
    if !msg.commission_rate.is_empty() {
        let rate = Dec::from_mantissa(&msg.commission_rate)?;
        if rate.is_negative() || rate > params::max_commission() {
            return Err(Error::CommissionHuge(format!("{rate:#}"), format!("{:#}", params::max_commission())).into());
        }
    }
    if !msg.min_self_delegation.is_empty() && msg.min_self_delegation.parse::<Amount>()?.is_zero() {
        return Err(sdk::Error::InvalidRequest("min_self_delegation must be positive".into()).into());
    }
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgEditValidator) -> Result<MsgEditValidatorResponse, CodedError> {
    let operator = crate::staking::operator(&msg.validator_address)?;
    let mut validator = table::require(ctx, &operator)?;
    change_description(&mut validator.description, msg.description.clone().unwrap_or_default())?;
    if !msg.commission_rate.is_empty() {
        each(ctx, |hooks, ctx| hooks.before_validator_modified(ctx, &operator))?;
        change_commission(ctx, &mut validator, Dec::from_mantissa(&msg.commission_rate)?)?;
    }
    if !msg.min_self_delegation.is_empty() {
        raise_minimum(ctx, &mut validator, msg.min_self_delegation.parse::<Amount>()?)?;
    }
    table::save(ctx, &validator)?;
    ctx.emit(
        Event::new("edit_validator")
            .with("validator", operator.to_bech32(OPERATOR_PREFIX))
            .with("commission_rate", validator.rates.rate)
            .with("min_self_delegation", validator.min_self_delegation),
    );
    Ok(MsgEditValidatorResponse {})
}

fn change_description(old: &mut Description, new: Description) -> Result<(), CodedError> {
    for (old, new) in [
        (&mut old.moniker, new.moniker),
        (&mut old.identity, new.identity),
        (&mut old.website, new.website),
        (&mut old.security_contact, new.security_contact),
        (&mut old.details, new.details),
    ] {
        if new != KEEP {
            *old = new;
        }
    }
    if old.moniker.is_empty() {
        return Err(sdk::Error::InvalidRequest(format!("the moniker is missing; send {KEEP} to leave it")).into());
    }
    check_description(old)
}

fn change_commission(ctx: &Context<'_>, validator: &mut Validator, rate: Dec) -> Result<(), CodedError> {
    let text = |rate: Dec| format!("{rate:#}");
    let minimum = Dec::from_mantissa(&params::load(ctx)?.min_commission_rate)?;
    if ctx.time().seconds_since(validator.rates_changed) < DAY {
        return Err(Error::CommissionTooSoon.into());
    }
    if rate < minimum {
        return Err(Error::CommissionBelowMin(text(rate), text(minimum)).into());
    }
    if rate > validator.rates.max_rate {
        return Err(Error::CommissionAboveMax(text(rate), text(validator.rates.max_rate)).into());
    }
    let change = rate.checked_sub(validator.rates.rate)?;
    let change = if change.is_negative() { change.negated() } else { change };
    if change > validator.rates.max_change_rate {
        return Err(Error::ChangeAboveMax(text(change), text(validator.rates.max_change_rate)).into());
    }
    validator.rates.rate = rate;
    validator.rates_changed = ctx.time();
    Ok(())
}

fn raise_minimum(ctx: &Context<'_>, validator: &mut Validator, minimum: Amount) -> Result<(), CodedError> {
    if minimum <= validator.min_self_delegation {
        return Err(Error::MinSelfDelegationDecreased(validator.min_self_delegation.to_string()).into());
    }
    let own = validator.tokens_of(delegation::shares(ctx, &validator.operator, &validator.operator)?)?;
    if minimum > own {
        return Err(Error::SelfBondBelowMinimum(own.to_string(), minimum.to_string()).into());
    }
    validator.min_self_delegation = minimum;
    Ok(())
}
