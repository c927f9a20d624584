//! Challenges: asked by an account, answered by one of its factors, good for one action.

use ve_base::keys::PublicKey;
use ve_base::preimage::preimage;
use ve_base::{CodedError, mfa, parse_account};
use ve_proto::ve::mfa::v1::*;
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{CHALLENGE_DUE, CHALLENGES, CHALLENGES_OF, next_id};
use super::verify::{self, Outcome};
use super::{actions, event, factor, params, profile};

const MAX_PER_BLOCK: usize = 500;

/// Challenges that one account asked for: its own, or those of an account that it wants recovered.
pub fn group(sender: &str, address: &str) -> String {
    if sender == address { address.to_owned() } else { format!("{sender}/{address}") }
}

pub fn require<R: Read + ?Sized>(state: &R, id: u64) -> Result<Challenge, CodedError> {
    Ok(CHALLENGES.get(state, &id)?.ok_or(Error::NotFound("challenge", id))?)
}

/// A key that signs the use of a session: any that accounts have but several in one.
pub fn client_key(key: &prost_types::Any) -> Result<PublicKey, CodedError> {
    let key = PublicKey::from_any(key)?;
    if matches!(key, PublicKey::Multisig(_)) {
        return Err(Error::Request("a client key is one key").into());
    }
    key.check()?;
    Ok(key)
}

pub fn check(msg: &MsgCreateChallenge) -> Result<(), CodedError> {
    parse_account("sender", &msg.sender)?;
    parse_account("account", &msg.address)?;
    let confirmation = msg.action() == Action::FactorConfirmation;
    if actions::row_of(msg.action()).is_none() {
        return Err(Error::Request("the action is unknown").into());
    }
    if msg.sender != msg.address && msg.action() != Action::AccountRecovery {
        return Err(Error::Request("others ask for the recovery of an account only").into());
    }
    if !matches!(msg.intent_hash.len(), 0 | 32) {
        return Err(Error::Request("the hash of an intent has 32 bytes").into());
    }
    match &msg.client_key {
        Some(key) => client_key(key).map(|_| ()),
        None if confirmation => Ok(()),
        None => Err(Error::Request("the key that will sign the use of the session is missing").into()),
    }
}

pub fn create(ctx: &mut Context<'_>, msg: &MsgCreateChallenge) -> Result<Challenge, CodedError> {
    let address = parse_account("account", &msg.address)?;
    let (params, now) = (params::load(ctx)?, ctx.time().unix());
    let profile = profile::load(ctx, &address)?;
    profile::check_unlocked(&profile, msg.sender != msg.address, now)?;
    let of = factor::require(ctx, &address, msg.factor_id)?;
    let confirmation = msg.action() == Action::FactorConfirmation;
    let wanted = if confirmation { FactorState::Pending } else { FactorState::Active };
    if of.state() != wanted {
        return Err(Error::Factor(of.id, if confirmation { "not waiting for its proof" } else { "not active" }).into());
    }
    let bound = actions::config(ctx, msg.action())?.single_use && !confirmation;
    if bound != (msg.intent_hash.len() == 32) {
        return Err(Error::Request("an action of single use names its message, others name none").into());
    }
    let group = group(&msg.sender, &msg.address);
    if CHALLENGES_OF.keys(ctx, group.as_str()).count() as u64 >= u64::from(params.max_open_challenges) {
        return Err(Error::TooMany(params.max_open_challenges, "open challenges").into());
    }
    let id = next_id(ctx)?;
    let block = ctx.block();
    let seed: &[&[u8]] = &[&block.app_hash, &block.height.to_be_bytes(), &id.to_be_bytes(), msg.address.as_bytes()];
    let seconds = match of.r#type() {
        FactorType::Webauthn => params.webauthn_challenge_seconds.min(params.challenge_seconds),
        _ => params.challenge_seconds,
    };
    let mut challenge = Challenge {
        id,
        address: msg.address.clone(),
        factor_id: of.id,
        r#type: of.r#type,
        action: msg.action,
        intent_hash: msg.intent_hash.clone(),
        nonce: preimage("mfa-nonce", ctx.chain_id(), seed).to_vec(),
        client_key: msg.client_key.clone(),
        created_at: now,
        expires_at: now.saturating_add(seconds),
        attempts: 0,
        state: ChallengeState::Pending.into(),
        sender: msg.sender.clone(),
        bytes_to_sign: Vec::new(),
    };
    challenge.bytes_to_sign = mfa::challenge(ctx.chain_id(), &challenge).to_vec();
    CHALLENGES.set(ctx, &id, &challenge)?;
    event::challenge(ctx, "challenge_created", &challenge);
    Ok(challenge)
}

/// Takes a proof. A wrong one counts against the challenge and the account, over all its challenges.
pub fn submit(ctx: &mut Context<'_>, sender: &str, id: u64, proof: &Proof) -> Result<(Challenge, bool), CodedError> {
    let (mut challenge, now) = (require(ctx, id)?, ctx.time().unix());
    let address = parse_account("account", &challenge.address)?;
    let mut profile = profile::load(ctx, &address)?;
    let stranger = challenge.sender != challenge.address;
    if challenge.sender != sender {
        return Err(Error::Request("somebody else asked for this challenge").into());
    }
    profile::check_unlocked(&profile, stranger, now)?;
    if challenge.state() == ChallengeState::Failed {
        return Err(Error::MaxAttempts(id).into());
    }
    if challenge.state() != ChallengeState::Pending || challenge.expires_at <= now {
        return Err(Error::Request("the challenge is answered or expired").into());
    }
    let params = params::load(ctx)?;
    let mut of = factor::require(ctx, &address, challenge.factor_id)?;
    let outcome = verify::proof(ctx, &params, &challenge, &mut of, proof)?;
    match outcome {
        Outcome::Verified => {
            challenge.set_state(ChallengeState::Verified);
            (of.last_used, of.uses) = (now, of.uses.saturating_add(1));
            factor::save(ctx, &of)?;
        }
        // What needs no attester cannot be guessed; a stranger's noise must not count against the owner.
        Outcome::Failed(why) if stranger && proof.attestations.is_empty() => return Err(Error::Proof(why).into()),
        Outcome::Failed(_) => {
            challenge.attempts = challenge.attempts.saturating_add(1);
            if challenge.attempts >= params.max_attempts {
                challenge.set_state(ChallengeState::Failed);
            }
            profile::note_failure(ctx, &params, &mut profile, stranger);
            profile::save(ctx, &profile)?;
        }
        Outcome::Cloned => {
            challenge.set_state(ChallengeState::Failed);
            factor::suspend(ctx, &mut of)?;
        }
    }
    let verified = outcome == Outcome::Verified;
    CHALLENGES.set(ctx, &id, &challenge)?;
    event::challenge(ctx, if verified { "challenge_verified" } else { "challenge_failed" }, &challenge);
    Ok((challenge, verified))
}

/// Removes a challenge that has served.
pub fn forget_one(ctx: &mut Context<'_>, id: u64) -> Result<(), CodedError> {
    Ok(CHALLENGES.remove(ctx, &id)?)
}

/// End of block: forgets what expired.
pub fn forget(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, id), ()) in CHALLENGE_DUE.scan().through(&now).take(ctx, MAX_PER_BLOCK)? {
        CHALLENGES.remove(ctx, &id)?;
    }
    Ok(())
}
