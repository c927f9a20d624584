//! Random operations for the simulation. Most depend on what is in progress already, so few promise their result.

use ve_base::keys::{ConsensusSecret, PublicKey};
use ve_base::{Address, Amount, BASE_DENOM, Coin, OPERATOR_PREFIX};
use ve_proto::cosmos::staking::v1beta1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::keys::{BY_CONSENSUS, DELEGATIONS, UNBONDINGS, VALIDATORS};
use super::params::{self, MIN_DELEGATION, MIN_SELF_BOND};
use super::validator::Rates;
use super::{Validator, delegation, table};
use crate::bank;

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/cosmos.staking.v1beta1.MsgCreateValidator", weight: 2, generate: create },
        Operation { message: "/cosmos.staking.v1beta1.MsgEditValidator", weight: 1, generate: edit },
        Operation { message: "/cosmos.staking.v1beta1.MsgDelegate", weight: 6, generate: delegate },
        Operation { message: "/cosmos.staking.v1beta1.MsgUndelegate", weight: 4, generate: undelegate },
        Operation { message: "/cosmos.staking.v1beta1.MsgBeginRedelegate", weight: 4, generate: redelegate },
        Operation { message: "/cosmos.staking.v1beta1.MsgCancelUnbondingDelegation", weight: 2, generate: cancel },
    ]
}

fn coin(amount: Amount) -> Option<ve_proto::cosmos::base::v1beta1::Coin> {
    Some(Coin::native(amount).to_proto())
}

/// From `least` to `most`.
fn between(draw: &mut dyn Draw, least: Amount, most: Amount) -> Option<Amount> {
    let room = most.checked_sub(least)?.to_u64()?;
    least.checked_add(Amount::from(draw.below(room.saturating_add(1))))
}

/// At most 1/100 of the balance.
fn affordable(draw: &mut dyn Draw, ctx: &QueryContext<'_>, owner: &Address, least: Amount) -> Option<Amount> {
    let balance = bank::balance(ctx, owner, BASE_DENOM).ok()?;
    between(draw, least, balance.checked_div(Amount::from(100u64))?)
}

fn validators(ctx: &QueryContext<'_>) -> Vec<Address> {
    VALIDATORS.scan().keys(ctx).filter_map(Result::ok).collect()
}

fn operator_text(operator: &Address) -> String {
    operator.to_bech32(OPERATOR_PREFIX)
}

fn rates(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<Rates> {
    let minimum = ve_base::Dec::from_mantissa(&params::load(ctx).ok()?.min_commission_rate).ok()?;
    let steps = ve_base::Dec::from_parts(draw.below(16), 2).ok()?;
    let rate = minimum.checked_add(steps).ok()?.min(params::max_commission());
    Some(Rates { rate, max_rate: params::max_commission(), max_change_rate: params::max_change() })
}

/// Keys of simulated validators: few enough to find the one that belongs to a validator.
const SIMULATED_KEYS: u8 = 64;

fn simulated_key(number: u8) -> ConsensusSecret {
    ConsensusSecret::from_seed([number; 32])
}

/// The key of a validator that [`create`] made.
pub fn key_of(validator: &Validator) -> Option<ConsensusSecret> {
    let wanted = PublicKey::Ed25519(validator.consensus_key);
    (0..SIMULATED_KEYS).map(simulated_key).find(|key| key.public_key() == wanted)
}

fn create(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let operator = pick(draw, accounts)?;
    let key = simulated_key(u8::try_from(draw.below(SIMULATED_KEYS.into())).ok()?).public_key();
    let self_bond = affordable(draw, ctx, operator, MIN_SELF_BOND)?;
    let taken = VALIDATORS.has(ctx, operator).ok()? || BY_CONSENSUS.has(ctx, &key.address()).ok()?;
    let delegates = DELEGATIONS.prefix(ctx, operator).count() >= params::MAX_VALIDATORS_PER_DELEGATOR;
    let message = MsgCreateValidator {
        description: Some(Description { moniker: "simulated".into(), ..Description::default() }),
        commission: Some(rates(draw, ctx)?.to_proto()),
        min_self_delegation: "1".into(),
        validator_address: operator_text(operator),
        pubkey: Some(key.to_any()),
        value: coin(self_bond),
        ..MsgCreateValidator::default()
    };
    let expect = if taken || delegates { Expect::Refused } else { Expect::Either };
    Some(Proposed::new(operator, &message, expect))
}

fn edit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let operator = pick(draw, accounts)?;
    let exists = VALIDATORS.has(ctx, operator).ok()?;
    let commission_rate = if draw.below(2) == 0 { String::new() } else { rates(draw, ctx)?.rate.to_mantissa() };
    let expect = match (exists, commission_rate.is_empty()) {
        (false, _) => Expect::Refused,
        (true, true) => Expect::Accepted,
        (true, false) => Expect::Either,
    };
    let message = MsgEditValidator {
        description: Some(Description { moniker: format!("edited {}", draw.below(100)), ..Description::default() }),
        validator_address: operator_text(operator),
        commission_rate,
        ..MsgEditValidator::default()
    };
    Some(Proposed::new(operator, &message, expect))
}

fn delegate(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let delegator = pick(draw, accounts)?;
    let operators = validators(ctx);
    let operator = pick(draw, &operators)?;
    let dust = draw.below(8) == 0;
    let amount =
        if dust { Amount::from(draw.below(1_000_000)) } else { affordable(draw, ctx, delegator, MIN_DELEGATION)? };
    let message = MsgDelegate {
        delegator_address: delegator.to_string(),
        validator_address: operator_text(operator),
        amount: coin(amount),
    };
    Some(Proposed::new(delegator, &message, if dust { Expect::Refused } else { Expect::Either }))
}

/// A delegation of one of the accounts: who, with whom, worth how much.
fn staked(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<(Address, Validator, Amount)> {
    let delegator = pick(draw, accounts)?;
    let held: Vec<Address> = DELEGATIONS.prefix(ctx, delegator).filter_map(|entry| Some(entry.ok()?.0.1)).collect();
    let validator = table::find(ctx, pick(draw, &held)?).ok()??;
    let worth = validator.tokens_of(delegation::shares(ctx, delegator, &validator.operator).ok()?).ok()?;
    Some((delegator.clone(), validator, worth))
}

fn undelegate(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (delegator, validator, worth) = staked(draw, ctx, accounts)?;
    let (amount, expect) = match draw.below(8) {
        0 => (worth.checked_add(Amount::from(2u64))?, Expect::Refused),
        1 => (worth, Expect::Either),
        _ => (between(draw, Amount::from(1u64), worth)?, Expect::Either),
    };
    let message = MsgUndelegate {
        delegator_address: delegator.to_string(),
        validator_address: validator.operator_text(),
        amount: coin(amount),
    };
    Some(Proposed::new(&delegator, &message, expect))
}

fn redelegate(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (delegator, source, worth) = staked(draw, ctx, accounts)?;
    let operators = validators(ctx);
    let destination = pick(draw, &operators)?;
    let message = MsgBeginRedelegate {
        delegator_address: delegator.to_string(),
        validator_src_address: source.operator_text(),
        validator_dst_address: operator_text(destination),
        amount: coin(between(draw, MIN_DELEGATION, worth)?),
    };
    let itself = *destination == source.operator;
    Some(Proposed::new(&delegator, &message, if itself { Expect::Refused } else { Expect::Either }))
}

fn cancel(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let delegator = pick(draw, accounts)?;
    let open: Vec<_> = UNBONDINGS.prefix(ctx, delegator).filter_map(|entry| Some(entry.ok()?.1)).collect();
    let unbonding = pick(draw, &open)?;
    let entry = pick(draw, &unbonding.entries)?;
    let too_much = draw.below(6) == 0;
    let amount = if too_much {
        entry.balance.checked_add(Amount::from(1u64))?
    } else {
        between(draw, Amount::from(1u64), entry.balance)?
    };
    let only = unbonding.entries.iter().filter(|other| other.height == entry.height).count() == 1;
    let message = MsgCancelUnbondingDelegation {
        delegator_address: delegator.to_string(),
        validator_address: operator_text(&unbonding.validator),
        amount: coin(amount),
        creation_height: i64::try_from(entry.height).ok()?,
    };
    Some(Proposed::new(delegator, &message, if too_much && only { Expect::Refused } else { Expect::Either }))
}
