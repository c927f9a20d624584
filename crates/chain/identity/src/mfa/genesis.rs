//! Genesis: everything that the module keeps.

use serde_json::Value;
use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::{Context, QueryContext, json};

use super::error::Error;
use super::keys::*;
use super::{actions, factor, params, policy};

pub fn default() -> Value {
    json::to_json(&GenesisState { params: Some(params::default()), ..GenesisState::default() }).unwrap_or_default()
}

fn refused(why: String) -> CodedError {
    Error::Genesis(why).into()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), CodedError> {
    let genesis: GenesisState = json::from_json(genesis)?;
    params::store(ctx, &genesis.params.unwrap_or_else(params::default))?;
    for config in &genesis.actions {
        actions::validate(config)?;
        ACTIONS.set(ctx, &u32::try_from(config.action).unwrap_or_default(), config)?;
    }
    for profile in &genesis.profiles {
        let address = parse_account("account", &profile.address)?;
        policy::check(&profile.rules)?;
        if PROFILES.has(ctx, &address)? {
            return Err(refused(format!("the profile of {address} is given twice")));
        }
        PROFILES.set(ctx, &address, profile)?;
    }
    for factor in &genesis.factors {
        add_factor(ctx, factor)?;
    }
    LAST_ID.set(ctx, &genesis.last_id)?;
    for challenge in &genesis.challenges {
        check_id(challenge.id, genesis.last_id)?;
        CHALLENGES.set(ctx, &challenge.id, challenge)?;
    }
    for session in &genesis.sessions {
        check_id(session.id, genesis.last_id)?;
        SESSIONS.set(ctx, &session.id, session)?;
    }
    for change in &genesis.changes {
        check_id(change.id, genesis.last_id)?;
        CHANGES.set(ctx, &(parse_account("account", &change.address)?, change.id), change)?;
    }
    add_history(ctx, &genesis.recipients, &genesis.sums)?;
    for recovery in &genesis.recoveries {
        RECOVERIES.set(ctx, &parse_account("account", &recovery.address)?, recovery)?;
    }
    Ok(())
}

fn check_id(id: u64, last: u64) -> Result<(), CodedError> {
    if id > 0 && id <= last { Ok(()) } else { Err(refused(format!("{id} is no number up to {last}"))) }
}

fn add_factor(ctx: &mut Context<'_>, factor: &Factor) -> Result<(), CodedError> {
    let address = parse_account("account", &factor.address)?;
    factor::check_label(&factor.label)?;
    let next = PROFILES.get(ctx, &address)?.map_or(0, |profile| profile.next_factor);
    let given = FACTORS.has(ctx, &(address.clone(), factor.id))?;
    if given || factor.id == 0 || factor.id >= next || factor.state() == FactorState::Unspecified {
        return Err(refused(format!(
            "factor {} of {address} is given twice, out of order or without a state",
            factor.id
        )));
    }
    Ok(FACTORS.set(ctx, &(address, factor.id), factor)?)
}

fn add_history(ctx: &mut Context<'_>, recipients: &[KnownRecipient], sums: &[HourlySum]) -> Result<(), CodedError> {
    for known in recipients {
        let (from, to) = (parse_account("account", &known.address)?, parse_account("recipient", &known.recipient)?);
        KNOWN.set(ctx, (&from, &to), &())?;
    }
    for sum in sums {
        let purpose = u8::try_from(sum.purpose).map_err(|_| refused("a purpose is 1 or 2".into()))?;
        SUMS.set(ctx, &(parse_account("account", &sum.address)?, purpose, sum.hour), &sum.amount.parse()?)?;
    }
    Ok(())
}

pub fn export(ctx: &QueryContext<'_>) -> Result<Value, CodedError> {
    let actions = ACTIONS.iter(ctx).map(|entry| entry.map(|(_, config)| config));
    let profiles = PROFILES.iter(ctx).map(|entry| entry.map(|(_, profile)| profile));
    let factors = FACTORS.scan().entries(ctx).map(|entry| entry.map(|(_, factor)| factor));
    let challenges = CHALLENGES.scan().entries(ctx).map(|entry| entry.map(|(_, challenge)| challenge));
    let sessions = SESSIONS.scan().entries(ctx).map(|entry| entry.map(|(_, session)| session));
    let changes = CHANGES.scan().entries(ctx).map(|entry| entry.map(|(_, change)| change));
    let recoveries = RECOVERIES.iter(ctx).map(|entry| entry.map(|(_, recovery)| recovery));
    let known = |(address, recipient): (Address, Address)| KnownRecipient {
        address: address.to_string(),
        recipient: recipient.to_string(),
    };
    let sum = |((address, purpose, hour), amount): ((Address, u8, u64), ve_base::Amount)| HourlySum {
        address: address.to_string(),
        purpose: purpose.into(),
        hour,
        amount: amount.to_string(),
    };
    json::to_json(&GenesisState {
        params: Some(params::load(ctx)?),
        actions: actions.collect::<Result<_, _>>()?,
        profiles: profiles.collect::<Result<_, _>>()?,
        factors: factors.collect::<Result<_, _>>()?,
        challenges: challenges.collect::<Result<_, _>>()?,
        sessions: sessions.collect::<Result<_, _>>()?,
        recipients: KNOWN.iter(ctx).map(|entry| entry.map(|(place, ())| known(place))).collect::<Result<_, _>>()?,
        sums: SUMS.iter(ctx).map(|entry| entry.map(sum)).collect::<Result<_, _>>()?,
        changes: changes.collect::<Result<_, _>>()?,
        recoveries: recoveries.collect::<Result<_, _>>()?,
        last_id: LAST_ID.get_or_default(ctx)?,
    })
}
