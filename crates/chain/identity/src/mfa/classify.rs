//! Which action a message is for an account, with what the account did before.

use prost_types::Any;
use ve_base::{ACCOUNT_PREFIX, Address, Amount, CodedError, parse_account};
use ve_chain_core::staking;
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{KNOWN, SUMS};
use super::rows::{Outflow, Rule};
use super::{factor, params, policy, profile};

const HOUR: u64 = 3600;
/// Amounts aggregate over the running hour and the 24 before it.
const HOURS: u64 = 24;
pub const WITHDRAWALS: u8 = 1;
pub const ORDERS: u8 = 2;

fn amount(text: &str) -> Amount {
    text.parse().unwrap_or(Amount::MAX)
}

/// What an account moved within the last day.
fn sum<R: Read + ?Sized>(state: &R, address: &Address, purpose: u8, now: u64) -> Result<Amount, CodedError> {
    let hour = now.checked_div(HOUR).unwrap_or_default();
    let from = (address.clone(), purpose, hour.saturating_sub(HOURS));
    let until = (address.clone(), purpose, hour);
    let mut sum = Amount::ZERO;
    for entry in SUMS.scan().from(&from).through(&until).entries(state) {
        sum = sum.checked_add(entry?.1).unwrap_or(Amount::MAX);
    }
    Ok(sum)
}

/// The action, and the account that must prove itself. `None`: the message demands nothing.
pub fn action<R: Read + ?Sized>(
    state: &R,
    rule: Rule,
    message: &Any,
    signer: &Address,
    now: u64,
) -> Result<Option<(Address, Action)>, CodedError> {
    let action = match rule {
        Rule::Free => None,
        Rule::Is(action) | Rule::Always(action) => Some(action),
        Rule::Pays(read) => Some(payment(state, signer, &read(&message.value)?, now)?),
        Rule::Orders(read) => Some(order(state, signer, read(&message.value)?, now)?),
        Rule::Vote => {
            let least = amount(&params::load(state)?.vote_stake);
            (stake(state, signer)? >= least).then_some(Action::GovernanceVote)
        }
        Rule::Enrollment => enrollment(state, signer, message)?,
        Rule::Revocation => {
            let msg: MsgRevokeFactor = decode(message)?;
            let proven = factor::require(state, signer, msg.factor_id)
                .is_ok_and(|factor| factor.state() != FactorState::Pending);
            proven.then_some(Action::MfaWeaken)
        }
        Rule::Policy => {
            let msg: MsgSetPolicy = decode(message)?;
            let present = profile::load(state, signer)?.rules;
            Some(if policy::weakens(&present, &msg.rules) { Action::MfaWeaken } else { Action::FactorEnrollment })
        }
        Rule::Recovery => {
            let msg: MsgInitiateRecovery = decode(message)?;
            return Ok(Some((parse_account("account", &msg.address)?, Action::AccountRecovery)));
        }
    };
    Ok(action.map(|action| (signer.clone(), action)))
}

fn decode<M: prost::Message + Default>(message: &Any) -> Result<M, CodedError> {
    Ok(M::decode(message.value.as_slice()).map_err(|_| Error::Request("message bytes are malformed"))?)
}

fn enrollment<R: Read + ?Sized>(state: &R, signer: &Address, message: &Any) -> Result<Option<Action>, CodedError> {
    let kind = if message.type_url.ends_with("MsgEnrollFactor") {
        decode::<MsgEnrollFactor>(message)?.r#type()
    } else {
        FactorType::Browser
    };
    let replaces =
        factor::is_contact(kind) && factor::active(state, signer)?.iter().any(|factor| factor.r#type() == kind);
    if replaces {
        return Ok(Some(Action::ContactChange));
    }
    Ok((!factor::demanded(state, signer)?.is_empty()).then_some(Action::FactorEnrollment))
}

fn stake<R: Read + ?Sized>(state: &R, voter: &Address) -> Result<Amount, CodedError> {
    let mut sum = Amount::ZERO;
    for (operator, shares) in staking::delegations_of(state, voter)? {
        let tokens = staking::require(state, &operator)?.tokens_of(shares)?;
        sum = sum.checked_add(tokens).unwrap_or(Amount::MAX);
    }
    Ok(sum)
}

fn payment<R: Read + ?Sized>(state: &R, signer: &Address, outflow: &Outflow, now: u64) -> Result<Action, CodedError> {
    let params = params::load(state)?;
    let total = sum(state, signer, WITHDRAWALS, now)?.checked_add(outflow.amount).unwrap_or(Amount::MAX);
    if !outflow.amount.is_zero() && total > amount(&params.large_withdrawal) {
        return Ok(Action::LargeWithdrawal);
    }
    if !outflow.amount.is_zero() && total >= amount(&params.medium_withdrawal) {
        return Ok(Action::MediumWithdrawal);
    }
    for recipient in &outflow.recipients {
        let known = match Address::from_bech32(recipient, ACCOUNT_PREFIX) {
            Ok(recipient) => recipient == *signer || KNOWN.has(state, (signer, &recipient))?,
            Err(_) => false,
        };
        if !known {
            return Ok(Action::TransferNewAddress);
        }
    }
    Ok(Action::KnownTransfer)
}

fn order<R: Read + ?Sized>(state: &R, signer: &Address, value: Amount, now: u64) -> Result<Action, CodedError> {
    let total = sum(state, signer, ORDERS, now)?.checked_add(value).unwrap_or(Amount::MAX);
    if !value.is_zero() && total > amount(&params::load(state)?.high_value_order) {
        return Ok(Action::HighValueOrder);
    }
    Ok(if profile::load(state, signer)?.ordered { Action::Order } else { Action::FirstOrder })
}

/// Remembers what an account did, for the next message that is classified.
pub fn note(ctx: &mut Context<'_>, rule: Rule, message: &Any, signer: &Address) -> Result<(), CodedError> {
    match rule {
        Rule::Pays(read) => {
            let outflow = read(&message.value)?;
            add(ctx, signer, WITHDRAWALS, outflow.amount)?;
            outflow.recipients.iter().try_for_each(|recipient| know(ctx, signer, recipient))
        }
        Rule::Orders(read) => {
            add(ctx, signer, ORDERS, read(&message.value)?)?;
            let mut profile = profile::load(ctx, signer)?;
            if !profile.ordered {
                profile.ordered = true;
                profile::save(ctx, &profile)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn add(ctx: &mut Context<'_>, address: &Address, purpose: u8, value: Amount) -> Result<(), CodedError> {
    if value.is_zero() {
        return Ok(());
    }
    let hour = ctx.time().unix().checked_div(HOUR).unwrap_or_default();
    let from = (address.clone(), purpose, 0);
    let until = (address.clone(), purpose, hour.saturating_sub(HOURS).saturating_sub(1));
    for (old, _) in SUMS.scan().from(&from).through(&until).take(ctx, 100)? {
        SUMS.remove(ctx, &old)?;
    }
    let place = (address.clone(), purpose, hour);
    let sum = SUMS.get(ctx, &place)?.unwrap_or_default().checked_add(value).unwrap_or(Amount::MAX);
    Ok(SUMS.set(ctx, &place, &sum)?)
}

/// Beyond the limit a recipient stays new.
fn know(ctx: &mut Context<'_>, signer: &Address, recipient: &str) -> Result<(), CodedError> {
    let Ok(recipient) = Address::from_bech32(recipient, ACCOUNT_PREFIX) else { return Ok(()) };
    let mut profile = profile::load(ctx, signer)?;
    let full = profile.known >= params::load(ctx)?.max_known_recipients;
    if full || recipient == *signer || KNOWN.has(ctx, (signer, &recipient))? {
        return Ok(());
    }
    profile.known = profile.known.saturating_add(1);
    profile::save(ctx, &profile)?;
    Ok(KNOWN.set(ctx, (signer, &recipient), &())?)
}
