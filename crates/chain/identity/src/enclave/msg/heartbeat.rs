//! `MsgEnclaveHeartbeat`: the enclave lives, and says what it runs.

use ring::signature::{ED25519, UnparsedPublicKey};
use ve_base::enclave::{Claim, heartbeat};
use ve_base::{CodedError, parse_account};
use ve_proto::ve::enclave::v1::{
    EnclaveIdentity, EnclaveStatus, Health, MsgEnclaveHeartbeat, MsgEnclaveHeartbeatResponse, Params,
};
use ve_sdk::Context;

use crate::enclave::attest::{self, Shown};
use crate::enclave::error::Error;
use crate::enclave::health::{self, Sign};
use crate::enclave::keys::HEALTH;
use crate::enclave::{params, registry};

/// How far the clock of an enclave may be behind and ahead of block time, in seconds.
const BEHIND: u64 = 300;
const AHEAD: u64 = 60;
/// Numbers that a heartbeat may pass over.
const LEAP: u64 = 1 << 32;
/// As the signature of a transaction of the same algorithm.
const SIGNATURE_GAS: u64 = 590;

pub fn check(msg: &MsgEnclaveHeartbeat) -> Result<(), CodedError> {
    parse_account("validator", &msg.validator)?;
    if msg.signature.len() != 64 || !matches!(msg.model_set_hash.len(), 0 | 32) || msg.load > 10_000 {
        let cause = "a heartbeat has a signature of 64 bytes, a hash of 32 bytes or none, and a load up to 10000";
        return Err(Error::Invalid(cause).into());
    }
    let collateral = msg.collateral.clone().unwrap_or_default();
    if msg.quote.is_empty() { Ok(()) } else { attest::check_sizes(&msg.quote, &collateral) }
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgEnclaveHeartbeat) -> Result<MsgEnclaveHeartbeatResponse, CodedError> {
    let validator = parse_account("validator", &msg.validator)?;
    let mut enclave = registry::owned(ctx, msg.enclave_id, &msg.validator)?;
    let mut health = HEALTH.require(ctx, &validator)?;
    let (now, params, before) = (ctx.time().unix(), params::load(ctx)?, health.status());
    check_time(msg, &enclave, &health, &params, now)?;
    ctx.gas().consume(SIGNATURE_GAS, "signature of an enclave")?;
    let key = UnparsedPublicKey::new(&ED25519, &enclave.sig_pubkey);
    let signed = key.verify(&heartbeat(ctx.chain_id(), msg), &msg.signature).is_ok();
    let sign = if signed { reattest(ctx, msg, &mut enclave, now) } else { Sign::BadSignature };
    if signed {
        health.seq = msg.seq;
        health.model_set_hash.clone_from(&msg.model_set_hash);
    }
    health::count(&mut health, sign, now, params.heartbeat_seconds);
    let silent = now.saturating_sub(health.last_heartbeat);
    health::judge(&mut health, silent, params.silence_seconds);
    let accepted = matches!(sign, Sign::Good | Sign::Attested);
    if accepted {
        if enclave.status() == EnclaveStatus::Pending {
            enclave.set_status(EnclaveStatus::Active);
        }
        registry::save(ctx, &enclave, "enclave_heartbeat")?;
    }
    health::save(ctx, &validator, before, &health)?;
    Ok(MsgEnclaveHeartbeatResponse { accepted, health: health.status })
}

/// Signs of life come one after another: three of them in one block prove no more than one.
fn check_time(
    msg: &MsgEnclaveHeartbeat,
    enclave: &EnclaveIdentity,
    health: &Health,
    params: &Params,
    now: u64,
) -> Result<(), CodedError> {
    if msg.at.saturating_add(BEHIND) < now || msg.at > now.saturating_add(AHEAD) {
        return Err(Error::Heartbeat("its time is not that of the block").into());
    }
    if msg.seq <= health.seq {
        return Err(Error::Heartbeat("it repeats a number").into());
    }
    if msg.seq > health.seq.saturating_add(LEAP) {
        return Err(Error::Heartbeat("its number leaps so far that few would be left").into());
    }
    let first = enclave.status() == EnclaveStatus::Pending;
    if !first && now < health.last_heartbeat.saturating_add(params.heartbeat_seconds / 4) {
        return Err(Error::Heartbeat("the last one is younger than a quarter of the interval").into());
    }
    Ok(())
}

/// A fresh quote of the same code for the same keys; one that names no later block than the last is not fresh.
fn reattest(ctx: &Context<'_>, msg: &MsgEnclaveHeartbeat, enclave: &mut EnclaveIdentity, now: u64) -> Sign {
    if msg.quote.is_empty() {
        return Sign::Good;
    }
    if msg.anchor_height <= enclave.anchor_height {
        return Sign::BadQuote;
    }
    let claim = Claim {
        validator: &msg.validator,
        enc_pubkey: &enclave.enc_pubkey,
        sig_pubkey: &enclave.sig_pubkey,
        epoch: enclave.epoch,
    };
    let collateral = msg.collateral.clone().unwrap_or_default();
    let shown =
        Shown { tee: enclave.tee(), quote: &msg.quote, collateral: &collateral, anchor_height: msg.anchor_height };
    match attest::verify(ctx, &shown, &claim) {
        Ok(proven) if proven.measurement == enclave.measurement => {
            enclave.attested_at = now;
            (enclave.svn, enclave.tcb, enclave.tcb_status) = (proven.svn, proven.tcb, proven.status);
            (enclave.quote_hash, enclave.anchor_height) = (attest::hash_of(&msg.quote), msg.anchor_height);
            Sign::Attested
        }
        _ => Sign::BadQuote,
    }
}
