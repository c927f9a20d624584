//! Random operations for the simulation: simulated enclaves, where genesis allows them.

use sha2::{Digest, Sha256};
use ve_base::Address;
use ve_base::enclave::{Claim, Simulated, heartbeat as signed, report_data};
use ve_base::keys::ConsensusSecret;
use ve_chain_core::staking;
use ve_proto::ve::enclave::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::keys::{ANCHORS, ENCLAVES, HEALTH, MEASUREMENTS, NEXT_ID, SIMULATED};
use super::{committee, params, registry};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.enclave.v1.MsgRegisterEnclave", weight: 3, generate: register },
        Operation { message: "/ve.enclave.v1.MsgEnclaveHeartbeat", weight: 5, generate: heartbeat },
        Operation { message: "/ve.enclave.v1.MsgRetireEnclave", weight: 1, generate: retire },
        Operation { message: "/ve.enclave.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

/// The signing key of the enclave that a validator registers as number `id`.
fn secret(validator: &str, id: u64) -> ConsensusSecret {
    let seed = Sha256::new_with_prefix(validator).chain_update(id.to_be_bytes()).finalize();
    ConsensusSecret::from_seed(seed.into())
}

/// The quote that a simulated enclave shows for a claim, naming the last block.
fn quote(ctx: &QueryContext<'_>, claim: &Claim<'_>, measurement: &[u8]) -> Option<(Vec<u8>, u64)> {
    let (height, anchor) = ANCHORS.scan().reverse().first(ctx).ok()??;
    let report_data = report_data(ctx.chain_id(), claim, &anchor.hash);
    let quote = Simulated { measurement: measurement.try_into().ok()?, svn: 1, tcb: 1, report_data };
    Some((quote.quote(), height))
}

/// By a bonded validator, or in one of six cases by anybody.
fn register(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let allowed = SIMULATED.get_or_default(ctx).ok()?;
    let bonded: Vec<Address> =
        staking::bonded(ctx).ok()?.into_iter().map(|(validator, _)| validator.operator).collect();
    let validator = if draw.below(6) == 0 { pick(draw, accounts)? } else { pick(draw, &bonded)? };
    let text = validator.to_string();
    let id = NEXT_ID.get(ctx).ok()?.unwrap_or(1);
    let sig_pubkey = secret(&text, id).public().to_vec();
    let enc_pubkey = Sha256::digest(&sig_pubkey).to_vec();
    let epoch = committee::epoch(ctx).ok()?;
    let claim = Claim { validator: &text, enc_pubkey: &enc_pubkey, sig_pubkey: &sig_pubkey, epoch };
    let measurement = MEASUREMENTS.scan().first(ctx).ok()?.map_or_else(|| vec![0; 32], |(hash, _)| hash);
    let (mut quote, anchor_height) = quote(ctx, &claim, &measurement)?;
    let good = draw.below(5) != 0;
    if !good {
        *quote.last_mut()? ^= 1;
    }
    let mine = registry::of(ctx, validator).ok()?;
    let active = mine.iter().find(|enclave| enclave.status() == EnclaveStatus::Active);
    let replaces = active.filter(|_| draw.below(2) == 0).map_or(0, |enclave| enclave.id);
    let refused = !good || !allowed || !bonded.contains(validator);
    let message = MsgRegisterEnclave {
        validator: text,
        tee: Tee::Simulated.into(),
        enc_pubkey,
        sig_pubkey,
        epoch,
        anchor_height,
        quote,
        collateral: None,
        operator_group: String::new(),
        replaces,
    };
    Some(Proposed::new(validator, &message, if refused { Expect::Refused } else { Expect::Either }))
}

/// One in use, or in one of six cases any.
fn any_enclave(
    draw: &mut dyn Draw,
    ctx: &QueryContext<'_>,
    accounts: &[Address],
) -> Option<(Address, EnclaveIdentity)> {
    let known: Vec<EnclaveIdentity> =
        ENCLAVES.scan().entries(ctx).take(100).filter_map(|entry| entry.ok().map(|(_, enclave)| enclave)).collect();
    let in_use: Vec<EnclaveIdentity> = known.iter().filter(|enclave| registry::in_use(enclave)).cloned().collect();
    let from = if draw.below(6) == 0 { &known } else { &in_use };
    let enclave = pick(draw, from)?.clone();
    let owner = accounts.iter().find(|account| account.to_string() == enclave.validator)?;
    Some((owner.clone(), enclave))
}

fn heartbeat(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (owner, enclave) = any_enclave(draw, ctx, accounts)?;
    let mut message = MsgEnclaveHeartbeat {
        validator: enclave.validator.clone(),
        enclave_id: enclave.id,
        seq: HEALTH.get(ctx, &owner).ok()??.seq.saturating_add(draw.below(3)),
        at: ctx.time().unix(),
        load: 10,
        ..MsgEnclaveHeartbeat::default()
    };
    if draw.below(2) == 0 {
        let claim = Claim {
            validator: &enclave.validator,
            enc_pubkey: &enclave.enc_pubkey,
            sig_pubkey: &enclave.sig_pubkey,
            epoch: enclave.epoch,
        };
        (message.quote, message.anchor_height) = quote(ctx, &claim, &enclave.measurement)?;
    }
    let key = secret(&enclave.validator, enclave.id);
    message.signature = key.sign(&signed(ctx.chain_id(), &message)).to_vec();
    if draw.below(8) == 0 {
        message.load = 11;
    }
    Some(Proposed::new(&owner, &message, if registry::in_use(&enclave) { Expect::Either } else { Expect::Refused }))
}

/// By its validator, or in one of three cases by anybody.
fn retire(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (owner, enclave) = any_enclave(draw, ctx, accounts)?;
    let signer = if draw.below(3) == 0 { pick(draw, accounts)?.clone() } else { owner.clone() };
    let compromised = draw.below(2) == 0;
    let message = MsgRetireEnclave { validator: signer.to_string(), enclave_id: enclave.id, compromised };
    Some(Proposed::new(&signer, &message, if signer == owner { Expect::Either } else { Expect::Refused }))
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
