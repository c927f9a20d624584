//! Random operations for the simulation. Its accounts enrol backup codes: keys that the simulation finds again.

use prost_types::Any;
use sha2::{Digest, Sha256};
use ve_base::keys::{ConsensusSecret, PublicKey};
use ve_base::{Address, mfa};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::QueryContext;
use ve_sdk::simulation::{Draw, Expect, Operation, Proposed, pick};

use super::keys::{CHALLENGES, CHANGES, FACTORS, PROFILES, SESSIONS};
use super::{actions, params};

pub fn all() -> Vec<Operation> {
    vec![
        Operation { message: "/ve.mfa.v1.MsgEnrollFactor", weight: 2, generate: enroll },
        Operation { message: "/ve.mfa.v1.MsgConfirmEnrollment", weight: 3, generate: confirm },
        Operation { message: "/ve.mfa.v1.MsgRevokeFactor", weight: 1, generate: revoke_factor },
        Operation { message: "/ve.mfa.v1.MsgAddTrustedBrowser", weight: 1, generate: add_browser },
        Operation { message: "/ve.mfa.v1.MsgRemoveTrustedBrowser", weight: 1, generate: remove_browser },
        Operation { message: "/ve.mfa.v1.MsgSetPolicy", weight: 1, generate: set_policy },
        Operation { message: "/ve.mfa.v1.MsgCancelChange", weight: 1, generate: cancel_change },
        Operation { message: "/ve.mfa.v1.MsgCreateChallenge", weight: 3, generate: create_challenge },
        Operation { message: "/ve.mfa.v1.MsgSubmitFactorProof", weight: 3, generate: submit_proof },
        Operation { message: "/ve.mfa.v1.MsgIssueSession", weight: 2, generate: issue_session },
        Operation { message: "/ve.mfa.v1.MsgRevokeSession", weight: 1, generate: revoke_session },
        Operation { message: "/ve.mfa.v1.MsgRotateKey", weight: 1, generate: rotate_key },
        Operation { message: "/ve.mfa.v1.MsgInitiateRecovery", weight: 1, generate: initiate_recovery },
        Operation { message: "/ve.mfa.v1.MsgVetoRecovery", weight: 1, generate: veto_recovery },
        Operation { message: "/ve.mfa.v1.MsgCompleteRecovery", weight: 1, generate: complete_recovery },
        Operation { message: "/ve.mfa.v1.MsgUpdateParams", weight: 1, generate: usurped_params },
    ]
}

/// Only one of three accounts ever has factors, so that the simulation keeps accounts that move without any.
fn protects(address: &Address) -> bool {
    address.as_bytes().last().is_some_and(|byte| byte.checked_rem(3) == Some(0))
}

fn code(address: &str, number: u32) -> ConsensusSecret {
    let seed = Sha256::new().chain_update("code").chain_update(address).chain_update(number.to_be_bytes()).finalize();
    ConsensusSecret::from_seed(seed.into())
}

fn client(address: &str) -> Any {
    code(address, u32::MAX).public_key().to_any()
}

fn enroll(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let address = pick(draw, accounts).filter(|address| protects(address))?;
    let name = address.to_string();
    let good = draw.below(4) != 0;
    let codes = (0..4).map(|number| code(&name, number).public().to_vec()).collect();
    let message = MsgEnrollFactor {
        r#type: FactorType::BackupCode.into(),
        label: "paper".into(),
        codes: if good { codes } else { vec![vec![1; 31]] },
        address: name,
        ..MsgEnrollFactor::default()
    };
    Some(Proposed::new(address, &message, if good { Expect::Either } else { Expect::Refused }))
}

fn any_factor(draw: &mut dyn Draw, ctx: &QueryContext<'_>, state: FactorState) -> Option<(Address, Factor)> {
    let known: Vec<_> = FACTORS.scan().entries(ctx).take(100).filter_map(Result::ok).collect();
    let fit: Vec<_> = known.iter().filter(|(_, factor)| factor.state() == state).collect();
    pick(draw, &fit).map(|((address, _), factor)| (address.clone(), factor.clone()))
}

fn any_challenge(draw: &mut dyn Draw, ctx: &QueryContext<'_>, confirmation: bool) -> Option<(Address, Challenge)> {
    let known: Vec<_> = CHALLENGES.scan().entries(ctx).take(100).filter_map(Result::ok).collect();
    let fit: Vec<_> = known
        .iter()
        .filter(|(_, challenge)| (challenge.action() == Action::FactorConfirmation) == confirmation)
        .collect();
    let (_, challenge) = pick(draw, &fit)?;
    Some((ve_base::parse_account("sender", &challenge.sender).ok()?, challenge.clone()))
}

fn create_challenge(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let waiting = draw.below(2) == 0;
    let (address, factor) = any_factor(draw, ctx, if waiting { FactorState::Pending } else { FactorState::Active })?;
    let windowed: Vec<Action> = actions::TABLE.iter().filter(|row| !row.single_use).map(|row| row.action).collect();
    let action = if waiting { Action::FactorConfirmation } else { *pick(draw, &windowed)? };
    let message = MsgCreateChallenge {
        sender: address.to_string(),
        address: address.to_string(),
        factor_id: factor.id,
        action: action.into(),
        intent_hash: Vec::new(),
        client_key: Some(client(&factor.address)),
    };
    Some(Proposed::new(&address, &message, Expect::Either))
}

/// With an unused code; one in six proofs is spoiled, which is a counted try.
fn answer(draw: &mut dyn Draw, ctx: &QueryContext<'_>, of: &Address, challenge: &Challenge) -> Option<Proof> {
    let factor = FACTORS.get(ctx, &(of.clone(), challenge.factor_id)).ok()??;
    let number = u32::try_from(factor.codes.iter().position(|code| !code.is_empty())?).ok()?;
    let mut signature = code(&challenge.address, number).sign(&challenge.bytes_to_sign).to_vec();
    if draw.below(6) == 0 {
        signature[0] ^= 1;
    }
    Some(Proof { signature, code: number, ..Proof::default() })
}

fn confirm(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (sender, challenge) = any_challenge(draw, ctx, true)?;
    let proof = answer(draw, ctx, &sender, &challenge)?;
    let message = MsgConfirmEnrollment { address: sender.to_string(), challenge_id: challenge.id, proof: Some(proof) };
    Some(Proposed::new(&sender, &message, Expect::Either))
}

fn submit_proof(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (sender, challenge) = any_challenge(draw, ctx, false)?;
    let proof = answer(draw, ctx, &sender, &challenge)?;
    let signer = if draw.below(4) == 0 { pick(draw, accounts)?.clone() } else { sender.clone() };
    let message = MsgSubmitFactorProof { sender: signer.to_string(), challenge_id: challenge.id, proof: Some(proof) };
    Some(Proposed::new(&signer, &message, if signer == sender { Expect::Either } else { Expect::Refused }))
}

fn issue_session(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (sender, challenge) = any_challenge(draw, ctx, false)?;
    let message = MsgIssueSession { sender: sender.to_string(), challenge_ids: vec![challenge.id] };
    let verified = challenge.state() == ChallengeState::Verified;
    Some(Proposed::new(&sender, &message, if verified { Expect::Either } else { Expect::Refused }))
}

fn revoke_session(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let known: Vec<_> = SESSIONS.scan().entries(ctx).take(50).filter_map(Result::ok).collect();
    let (id, session) = pick(draw, &known)?.clone();
    let owner = ve_base::parse_account("account", &session.address).ok()?;
    let signer = if draw.below(4) == 0 { pick(draw, accounts)?.clone() } else { owner.clone() };
    let message = MsgRevokeSession { address: signer.to_string(), session_id: id };
    Some(Proposed::new(&signer, &message, if signer == owner { Expect::Either } else { Expect::Refused }))
}

/// Without a session: refused, or free for a factor that was never proven.
fn revoke_factor(draw: &mut dyn Draw, ctx: &QueryContext<'_>, _: &[Address]) -> Option<Proposed> {
    let (address, factor) = any_factor(draw, ctx, FactorState::Active)?;
    let message = MsgRevokeFactor { address: address.to_string(), factor_id: factor.id };
    Some(Proposed::new(&address, &message, Expect::Refused))
}

/// Nobody has a session for it: refused.
fn add_browser(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let address = pick(draw, accounts)?;
    let message = MsgAddTrustedBrowser { address: address.to_string(), public_key: vec![2; 33], label: "b".into() };
    Some(Proposed::new(address, &message, Expect::Refused))
}

fn remove_browser(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let address = pick(draw, accounts)?;
    let message = MsgRemoveTrustedBrowser { address: address.to_string(), factor_id: 1 };
    Some(Proposed::new(address, &message, Expect::Refused))
}

fn set_policy(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let address = pick(draw, accounts)?;
    let set = FactorSet { any: vec![FactorType::BackupCode.into()] };
    let rules = vec![Rule { action: Action::Order.into(), all: vec![set] }];
    let known = PROFILES.has(ctx, address).ok()?;
    let message = MsgSetPolicy { address: address.to_string(), rules };
    Some(Proposed::new(address, &message, if known { Expect::Either } else { Expect::Refused }))
}

fn cancel_change(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let address = pick(draw, accounts)?;
    let known = CHANGES.scan().prefix(address).first(ctx).ok()?;
    let message =
        MsgCancelChange { address: address.to_string(), change_id: known.as_ref().map_or(1, |((_, id), _)| *id) };
    Some(Proposed::new(address, &message, if known.is_some() { Expect::Either } else { Expect::Refused }))
}

/// A new key with its proof.
fn new_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>, address: &Address) -> (Any, Vec<u8>) {
    let secret = code(&address.to_string(), u32::try_from(draw.below(1000)).unwrap_or_default());
    let key = PublicKey::Ed25519(secret.public()).to_any();
    let proof = secret.sign(&mfa::new_key(ctx.chain_id(), &address.to_string(), &key)).to_vec();
    (key, proof)
}

/// Who has the key alone changes nothing.
fn rotate_key(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let address = pick(draw, accounts)?;
    let (key, proof) = new_key(draw, ctx, address);
    let message = MsgRotateKey { address: address.to_string(), new_key: Some(key), proof_of_possession: proof };
    Some(Proposed::new(address, &message, Expect::Refused))
}

fn initiate_recovery(draw: &mut dyn Draw, ctx: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (sender, address) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let (key, proof) = new_key(draw, ctx, address);
    let message = MsgInitiateRecovery {
        sender: sender.to_string(),
        address: address.to_string(),
        new_key: Some(key),
        proof_of_possession: proof,
    };
    Some(Proposed::new(sender, &message, Expect::Refused))
}

fn veto_recovery(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let address = pick(draw, accounts)?;
    Some(Proposed::new(address, &MsgVetoRecovery { address: address.to_string() }, Expect::Refused))
}

fn complete_recovery(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let (sender, address) = (pick(draw, accounts)?, pick(draw, accounts)?);
    let message = MsgCompleteRecovery { sender: sender.to_string(), address: address.to_string() };
    Some(Proposed::new(sender, &message, Expect::Refused))
}

/// Nobody but governance changes the parameters.
fn usurped_params(draw: &mut dyn Draw, _: &QueryContext<'_>, accounts: &[Address]) -> Option<Proposed> {
    let signer = pick(draw, accounts)?;
    let message = MsgUpdateParams { authority: signer.to_string(), params: Some(params::default()) };
    Some(Proposed::new(signer, &message, Expect::Refused))
}
