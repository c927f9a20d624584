//! `MsgRegisterEnclave`: the keys of an enclave, with the quote that binds them to it. A bad registration just fails.

use ve_base::enclave::Claim;
use ve_base::{Address, CodedError, parse_account};
use ve_chain_core::staking;
use ve_proto::ve::enclave::v1::{EnclaveIdentity, EnclaveStatus, MsgRegisterEnclave, MsgRegisterEnclaveResponse, Tee};
use ve_sdk::{Context, transient};

use crate::enclave::attest::{self, Shown};
use crate::enclave::error::Error;
use crate::enclave::keys::{BY_KEY, NEXT_ID, REGISTERED};
use crate::enclave::quote::Proven;
use crate::enclave::{committee, health, params, registry};

const MAX_GROUP: usize = 64;

pub fn check(msg: &MsgRegisterEnclave) -> Result<(), CodedError> {
    parse_account("validator", &msg.validator)?;
    let group = msg.operator_group.len() <= MAX_GROUP && !msg.operator_group.contains(char::is_control);
    let keys = msg.enc_pubkey.len() == 32 && msg.sig_pubkey.len() == 32 && msg.enc_pubkey != msg.sig_pubkey;
    if msg.tee() == Tee::Unspecified || !keys || !group {
        let cause = "name the hardware, two different keys of 32 bytes, and a group of at most 64 printable bytes";
        return Err(Error::Invalid(cause).into());
    }
    attest::check_sizes(&msg.quote, &msg.collateral.clone().unwrap_or_default())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgRegisterEnclave) -> Result<MsgRegisterEnclaveResponse, CodedError> {
    let validator = parse_account("validator", &msg.validator)?;
    may_register(ctx, &validator, msg)?;
    let proven = prove(ctx, msg)?;
    if msg.replaces != 0 {
        let old = registry::owned(ctx, msg.replaces, &msg.validator)?;
        registry::rotate(ctx, old)?;
    }
    let id = NEXT_ID.get(ctx)?.unwrap_or(1);
    NEXT_ID.set(ctx, &id.saturating_add(1))?;
    registry::save(ctx, &enclave(ctx, msg, id, proven)?, "enclave_registered")?;
    REGISTERED.set(ctx, &validator, &ctx.time().unix())?;
    health::begin(ctx, &validator)?;
    Ok(MsgRegisterEnclaveResponse { enclave_id: id })
}

fn prove(ctx: &Context<'_>, msg: &MsgRegisterEnclave) -> Result<Proven, CodedError> {
    let epoch = committee::epoch(ctx)?;
    if msg.epoch != epoch && msg.epoch.saturating_add(1) != epoch {
        return Err(Error::Epoch(epoch).into());
    }
    let claim =
        Claim { validator: &msg.validator, enc_pubkey: &msg.enc_pubkey, sig_pubkey: &msg.sig_pubkey, epoch: msg.epoch };
    let collateral = msg.collateral.clone().unwrap_or_default();
    let shown = Shown { tee: msg.tee(), quote: &msg.quote, collateral: &collateral, anchor_height: msg.anchor_height };
    attest::verify(ctx, &shown, &claim)
}

fn enclave(
    ctx: &Context<'_>,
    msg: &MsgRegisterEnclave,
    id: u64,
    proven: Proven,
) -> Result<EnclaveIdentity, CodedError> {
    let now = ctx.time().unix();
    Ok(EnclaveIdentity {
        id,
        validator: msg.validator.clone(),
        tee: msg.tee,
        measurement: proven.measurement,
        signer: proven.signer,
        enc_pubkey: msg.enc_pubkey.clone(),
        sig_pubkey: msg.sig_pubkey.clone(),
        quote_hash: attest::hash_of(&msg.quote),
        anchor_height: msg.anchor_height,
        svn: proven.svn,
        tcb: proven.tcb,
        tcb_status: proven.status,
        epoch: msg.epoch,
        registered_at: now,
        attested_at: now,
        expires_at: now.saturating_add(params::load(ctx)?.key_seconds),
        status: EnclaveStatus::Pending.into(),
        operator_group: msg.operator_group.clone(),
        ended_at: 0,
    })
}

fn may_register(ctx: &mut Context<'_>, validator: &Address, msg: &MsgRegisterEnclave) -> Result<(), CodedError> {
    let (now, params) = (ctx.time().unix(), params::load(ctx)?);
    let bonded = staking::find(ctx, validator)?.is_some_and(|known| known.is_bonded() && !known.jailed);
    if !bonded {
        return Err(Error::NotBonded(msg.validator.clone()).into());
    }
    let last = REGISTERED.get(ctx, validator)?;
    let next = last.map_or(0, |last| last.saturating_add(params.cooldown_seconds));
    if now < next {
        return Err(Error::Cooldown(next.saturating_sub(now)).into());
    }
    let in_use = registry::of(ctx, validator)?.len();
    if in_use >= usize::try_from(params.keys_per_validator).unwrap_or(usize::MAX) {
        return Err(Error::TooMany(msg.validator.clone(), params.keys_per_validator).into());
    }
    for key in [&msg.enc_pubkey, &msg.sig_pubkey] {
        if BY_KEY.get(ctx, key)?.is_some() {
            return Err(Error::UsedKey.into());
        }
    }
    if transient::count(ctx, "enclave", b"registrations")? > u64::from(params.registrations_per_block) {
        return Err(Error::BlockFull.into());
    }
    Ok(())
}
