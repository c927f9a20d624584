//! Another key behind the same address: by its owner with the old key and more, or without it after a time in which the
//! old key can object (identity spec section 1).

use prost_types::Any;
use ve_base::keys::PublicKey;
use ve_base::preimage::preimage;
use ve_base::{Address, CodedError, mfa, parse_account};
use ve_chain_core::auth;
use ve_proto::ve::mfa::v1::*;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{RECOVERIES, SESSIONS, SESSIONS_OF};
use super::{factor, params, profile, session};
use crate::roles;

/// Vetoes within this time are counted.
const VETO_SECONDS: u64 = 30 * 86_400;
const VETOES: usize = 3;

/// The new key is one that can sign alone, and somebody holds it.
fn check_key(chain_id: &str, address: &str, key: Option<&Any>, proof: &[u8]) -> Result<PublicKey, CodedError> {
    let any = key.ok_or(Error::Recovery("the new key is missing"))?;
    let key = PublicKey::from_any(any)?;
    key.check()?;
    key.verify(&mfa::new_key(chain_id, address, any), proof)
        .map_err(|_| Error::Recovery("the new key did not sign for this account"))?;
    Ok(key)
}

fn check_is_new(ctx: &Context<'_>, address: &Address, key: &PublicKey) -> Result<(), CodedError> {
    let present = auth::require(ctx, address)?.base().pub_key;
    if present.is_some_and(|present| present == key.to_any()) {
        return Err(Error::Recovery("the account signs with this key already").into());
    }
    Ok(())
}

/// Sessions and trusted browsers were made with the old key: they end with it.
fn end_old(ctx: &mut Context<'_>, address: &Address, ends: impl Fn(&Factor) -> bool) -> Result<(), CodedError> {
    for mut of in factor::all(ctx, address)? {
        let live = matches!(of.state(), FactorState::Pending | FactorState::Active);
        if live && (of.r#type() == FactorType::Browser || ends(&of)) {
            factor::revoke(ctx, &mut of)?;
        }
    }
    session::revoke_all(ctx, &address.to_string())
}

/// The gate has seen that the person and a passkey agree.
pub fn rotate(ctx: &mut Context<'_>, msg: &MsgRotateKey) -> Result<(), CodedError> {
    let address = parse_account("account", &msg.address)?;
    let key = check_key(ctx.chain_id(), &msg.address, msg.new_key.as_ref(), &msg.proof_of_possession)?;
    check_is_new(ctx, &address, &key)?;
    auth::account::replace_key(ctx, &address, &key)?;
    end_old(ctx, &address, |_| false)?;
    ctx.emit(Event::new("key_changed").with("address", &msg.address).with("new_address_of_key", key.address()));
    Ok(())
}

/// Factors of the session that let this very message pass.
fn proven<R: Read + ?Sized>(state: &R, chain_id: &str, msg: &MsgInitiateRecovery) -> Result<Vec<u64>, CodedError> {
    use prost::{Message as _, Name as _};
    let message = Any { type_url: MsgInitiateRecovery::type_url(), value: msg.encode_to_vec() };
    let intent = mfa::intent(chain_id, &msg.address, &message);
    for id in SESSIONS_OF.keys(state, msg.address.as_str()) {
        let session = SESSIONS.require(state, &id?)?;
        if session.action() == Action::AccountRecovery && session.intent_hash == intent {
            return Ok(session.factor_ids);
        }
    }
    Err(Error::Recovery("the session does not name this message in its one encoding").into())
}

pub fn initiate(ctx: &mut Context<'_>, msg: &MsgInitiateRecovery) -> Result<Recovery, CodedError> {
    let (address, now) = (parse_account("account", &msg.address)?, ctx.time().unix());
    let key = check_key(ctx.chain_id(), &msg.address, msg.new_key.as_ref(), &msg.proof_of_possession)?;
    check_is_new(ctx, &address, &key)?;
    if RECOVERIES.has(ctx, &address)? {
        return Err(Error::Recovery("one is under way").into());
    }
    if profile::load(ctx, &address)?.recovery_blocked_until > now {
        return Err(Error::Recovery("one was vetoed; wait until its cool-down is over").into());
    }
    let recovery = Recovery {
        address: msg.address.clone(),
        new_key: msg.new_key.clone(),
        initiator: msg.sender.clone(),
        started_at: now,
        executes_at: now.saturating_add(params::load(ctx)?.recovery_timelock_seconds),
        factor_ids: proven(ctx, ctx.chain_id(), msg)?,
    };
    RECOVERIES.set(ctx, &address, &recovery)?;
    ctx.emit(
        Event::new("recovery_initiated")
            .with("address", &msg.address)
            .with("initiator", &msg.sender)
            .with("executes_at", recovery.executes_at),
    );
    Ok(recovery)
}

/// By the present key alone. Several within a month show that two people want the account: it is flagged for review.
pub fn veto(ctx: &mut Context<'_>, account: &str) -> Result<(), CodedError> {
    let (address, now) = (parse_account("account", account)?, ctx.time().unix());
    if !RECOVERIES.has(ctx, &address)? {
        return Err(Error::Recovery("none is under way").into());
    }
    RECOVERIES.remove(ctx, &address)?;
    let mut profile = profile::load(ctx, &address)?;
    profile.vetoes.retain(|time| now.saturating_sub(*time) < VETO_SECONDS);
    profile.vetoes.push(now);
    profile.recovery_blocked_until = now.saturating_add(params::load(ctx)?.recovery_cooldown_seconds);
    profile::save(ctx, &profile)?;
    ctx.emit(Event::new("recovery_vetoed").with("address", account).with("vetoes", profile.vetoes.len() as u64));
    if profile.vetoes.len() >= VETOES {
        ctx.emit(Event::new("account_contested").with("address", account));
        let reason = preimage("mfa-contested", ctx.chain_id(), &[account.as_bytes()]);
        roles::signal_fraud(ctx, &address, "mfa", &reason)?;
    }
    Ok(())
}

/// After the time-lock: the key that was named at the beginning replaces the old one; only the factors that proved the
/// recovery stay.
pub fn complete(ctx: &mut Context<'_>, account: &str) -> Result<(), CodedError> {
    let address = parse_account("account", account)?;
    let recovery = RECOVERIES.get(ctx, &address)?.ok_or(Error::Recovery("none is under way"))?;
    if recovery.executes_at > ctx.time().unix() {
        return Err(Error::Recovery("its time-lock is not over").into());
    }
    let key = PublicKey::from_any(recovery.new_key.as_ref().ok_or(Error::Recovery("the new key is missing"))?)?;
    auth::account::replace_key(ctx, &address, &key)?;
    RECOVERIES.remove(ctx, &address)?;
    end_old(ctx, &address, |of| !recovery.factor_ids.contains(&of.id))?;
    ctx.emit(Event::new("recovery_completed").with("address", account));
    Ok(())
}
