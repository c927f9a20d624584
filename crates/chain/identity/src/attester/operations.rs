//! Random operations for the simulation.

use sha2::{Digest, Sha256};
use ve_base::attestation::{SCHEMA, consent, digest, key_id, key_proof, signed_bytes};
use ve_base::keys::ConsensusSecret;
use ve_base::{Address, parse_account};
use ve_proto::ve::attester::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::keys::{ATTESTERS, KEYS, RECORDS};
use super::{params, records, signer};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.attester.v1.MsgRegisterAttester", weight: 1, generate: register },
        Operation { message: "/ve.attester.v1.MsgBondAttester", weight: 1, generate: bond },
        Operation { message: "/ve.attester.v1.MsgExitAttester", weight: 1, generate: exit },
        Operation { message: "/ve.attester.v1.MsgAddSignerKey", weight: 2, generate: add_key },
        Operation { message: "/ve.attester.v1.MsgRevokeSignerKey", weight: 1, generate: revoke_key },
        Operation { message: "/ve.attester.v1.MsgSubmitAttestation", weight: 6, generate: submit },
        Operation { message: "/ve.attester.v1.MsgWithdrawAttestation", weight: 1, generate: withdraw },
        Operation { message: "/ve.attester.v1.MsgReportEquivocation", weight: 1, generate: report },
        Operation { message: "/ve.attester.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

/// Keys that the simulation gives an attester.
const KEYS_EACH: u64 = 8;

/// A signer key of a simulated attester: found again from its address and number.
fn secret(attester: &str, number: u64) -> ConsensusSecret {
    let seed = Sha256::new().chain_update(attester).chain_update(number.to_be_bytes()).finalize();
    ConsensusSecret::from_seed(seed.into())
}

fn any_attester(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<(Address, Attester)> {
    let known: Vec<_> = ATTESTERS.scan().entries(ctx).take(50).filter_map(Result::ok).collect();
    pick(draw, &known).cloned()
}

fn register(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let known = ATTESTERS.has(ctx, signer).ok()?;
    // Those that the simulated accounts need stay few, so that the simulation keeps other things to do.
    if !known && draw.below(4) != 0 {
        return None;
    }
    let bond = if draw.below(4) == 0 { "1" } else { "1000000000" };
    let message = MsgRegisterAttester {
        attester: signer.to_string(),
        name: "simulated".into(),
        organisation: signer.to_string(),
        kinds: vec![Kind::Email.into(), Kind::Domain.into()],
        bond: bond.into(),
    };
    let expect = if known || bond == "1" { Expect::Refused } else { Expect::Either };
    Some(Proposed::new(signer, &message, expect))
}

fn bond(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (address, _) = any_attester(draw, ctx)?;
    let amount = draw.below(1_000_000).to_string();
    let message = MsgBondAttester { attester: address.to_string(), amount };
    Some(Proposed::new(&address, &message, Expect::Either))
}

fn exit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (address, attester) = any_attester(draw, ctx)?;
    // The active ones are needed for everything else.
    if attester.state() == AttesterState::Active && draw.below(50) != 0 {
        return None;
    }
    let message = MsgExitAttester { attester: address.to_string() };
    Some(Proposed::new(&address, &message, Expect::Either))
}

fn add_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (address, attester) = any_attester(draw, ctx)?;
    let key = secret(&attester.address, draw.below(KEYS_EACH));
    let public_key = key.public().to_vec();
    let proof = key.sign(&key_proof(ctx.chain_id(), &attester.address, &public_key));
    let good = draw.below(8) != 0;
    let message = MsgAddSignerKey {
        attester: attester.address,
        public_key,
        proof_of_possession: if good { proof.to_vec() } else { vec![7; 64] },
    };
    Some(Proposed::new(&address, &message, if good { Expect::Either } else { Expect::Refused }))
}

/// A key that signs, or in one of eight cases any key.
fn any_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>) -> Option<(Address, SignerKey)> {
    let known: Vec<_> = KEYS.scan().entries(ctx).take(200).filter_map(Result::ok).collect();
    let live: Vec<_> = known.iter().filter(|(_, key)| signer::signs(key)).cloned().collect();
    let from = if live.is_empty() || draw.below(8) == 0 { &known } else { &live };
    pick(draw, from).map(|((attester, _), key)| (attester.clone(), key.clone()))
}

fn revoke_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (address, key) = any_key(draw, ctx)?;
    let signer = if draw.below(4) == 0 { pick(draw, accounts)?.clone() } else { address.clone() };
    let since = if draw.below(2) == 0 { ctx.time().unix().saturating_sub(draw.below(86_400)) } else { 0 };
    let message = MsgRevokeSignerKey { attester: signer.to_string(), key_id: key.key_id, compromised_since: since };
    Some(Proposed::new(&signer, &message, if signer == address { Expect::Either } else { Expect::Refused }))
}

fn signed(draw: &mut dyn Draw, ctx: &QueryContext<'_>, key: &SignerKey, subject: &Address) -> Option<Attestation> {
    let now = ctx.time().unix();
    let secret = (0..KEYS_EACH)
        .map(|number| secret(&key.attester, number))
        .find(|secret| key_id(&secret.public()) == key.key_id)?;
    let kind = if draw.below(4) == 0 { Kind::Domain } else { Kind::Email };
    // Few upstream accounts, so that two subjects want the same one.
    let upstream = if draw.below(2) == 0 { vec![u8::try_from(draw.below(20)).ok()?; 32] } else { Vec::new() };
    let mut attestation = Attestation {
        schema: SCHEMA.into(),
        kind: kind.into(),
        issuer: key.attester.clone(),
        key_id: key.key_id.clone(),
        subject: subject.to_string(),
        scope_id: "scope".into(),
        nonce: [1, draw.next_u64()].map(u64::to_be_bytes).concat(),
        issued_at: now.saturating_sub(draw.below(10)),
        expires_at: now.saturating_add(draw.below(30 * 86_400)),
        proofs: vec![Proof { r#type: "otp".into(), passed: draw.below(10) != 0, time: now, ..Proof::default() }],
        upstream,
        ..Attestation::default()
    };
    attestation.signature = secret.sign(&signed_bytes(ctx.chain_id(), &attestation).ok()?).to_vec();
    Some(attestation)
}

/// By its subject, or in one of four cases by somebody to whom it did not agree.
fn submit(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (_, key) = any_key(draw, ctx)?;
    let subject = pick(draw, accounts)?;
    let mut attestation = signed(draw, ctx, &key, subject)?;
    let submitter = if draw.below(4) == 0 { pick(draw, accounts)? } else { subject };
    let mut good = submitter == subject;
    if !good {
        let digest = digest(ctx.chain_id(), &attestation).ok()?;
        attestation.account_signature = consent(ctx.chain_id(), &attestation.subject, &digest).repeat(2);
    }
    if draw.below(8) == 0 {
        attestation.scope_id.push('x');
        good = false;
    }
    let message = MsgSubmitAttestation { submitter: submitter.to_string(), attestation: Some(attestation) };
    Some(Proposed::new(submitter, &message, if good { Expect::Either } else { Expect::Refused }))
}

fn withdraw(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let known: Vec<_> = RECORDS.scan().entries(ctx).take(50).filter_map(Result::ok).collect();
    let (id, record) = pick(draw, &known)?.clone();
    let of = records::of(&record);
    let signer = match draw.below(3) {
        0 => pick(draw, accounts)?.clone(),
        1 => parse_account("issuer", &of.issuer).ok()?,
        _ => parse_account("subject", &of.subject).ok()?,
    };
    let mine = [&of.issuer, &of.subject].contains(&&signer.to_string());
    let message = MsgWithdrawAttestation { signer: signer.to_string(), id };
    Some(Proposed::new(&signer, &message, if mine { Expect::Either } else { Expect::Refused }))
}

/// Mostly two attestations that do not contradict each other; rarely an attester that signed twice.
fn report(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (_, key) = any_key(draw, ctx)?;
    let (signer, subject) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let first = signed(draw, ctx, &key, subject)?;
    let mut second = signed(draw, ctx, &key, subject)?;
    let guilty = draw.below(40) == 0;
    if guilty {
        second.nonce.clone_from(&first.nonce);
        second.scope_id.push('x');
        let bytes = signed_bytes(ctx.chain_id(), &second).ok()?;
        let secret = (0..KEYS_EACH)
            .map(|number| secret(&key.attester, number))
            .find(|secret| key_id(&secret.public()) == key.key_id)?;
        second.signature = secret.sign(&bytes).to_vec();
    }
    let message = MsgReportEquivocation { reporter: signer.to_string(), first: Some(first), second: Some(second) };
    Some(Proposed::new(signer, &message, if guilty { Expect::Either } else { Expect::Refused }))
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
