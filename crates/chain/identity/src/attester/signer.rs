//! Keys that sign attestations: announced, active, replaced with an overlap, expired or revoked.

use ve_base::attestation::{key_id, key_proof};
use ve_base::keys::PublicKey;
use ve_base::{Address, CodedError, parse_account};
use ve_proto::ve::attester::v1::{KeyState, SignerKey};
use ve_sdk::Context;
use ve_store::Read;

use super::error::Error;
use super::keys::{DROPPING, KEY_DUE, KEYS};
use super::{event, params};

/// Keys of an attester, dead ones included: a key id is never used again.
pub const MAX_KEYS: usize = 200;
/// Keys that the end of a block moves on at most.
const MAX_PER_BLOCK: usize = 100;

/// The time of the next step of a key.
pub fn next(key: &SignerKey) -> Option<u64> {
    match key.state() {
        KeyState::Pending => Some(key.active_at),
        KeyState::Active | KeyState::Rotating => Some(key.expires_at),
        KeyState::Expired | KeyState::Revoked | KeyState::Unspecified => None,
    }
}

pub fn signs(key: &SignerKey) -> bool {
    matches!(key.state(), KeyState::Active | KeyState::Rotating)
}

pub fn require<R: Read + ?Sized>(state: &R, attester: &Address, id: &str) -> Result<SignerKey, CodedError> {
    let unknown = || Error::Key(id.chars().take(20).collect(), "the attester has no such key");
    Ok(KEYS.get(state, (attester, id))?.ok_or_else(unknown)?)
}

fn save(ctx: &mut Context<'_>, key: &SignerKey, what: &'static str) -> Result<(), CodedError> {
    let place = (parse_account("attester", &key.attester)?, key.key_id.clone());
    KEYS.set(ctx, &place, key)?;
    event::key(ctx, what, key);
    Ok(())
}

fn public(bytes: &[u8]) -> Result<PublicKey, Error> {
    let refused = || Error::Key(key_id(bytes), "an Ed25519 key has 32 bytes and is a point of its curve");
    let key = PublicKey::Ed25519(bytes.try_into().map_err(|_| refused())?);
    key.check().map_err(|_| refused())?;
    Ok(key)
}

/// What does not need state.
pub fn check(public_key: &[u8]) -> Result<(), Error> {
    public(public_key).map(|_| ())
}

pub fn verify(key: &SignerKey, message: &[u8], signature: &[u8]) -> Result<(), Error> {
    public(&key.public_key)?.verify(message, signature).map_err(|_| Error::Signature("the attester"))
}

/// Announces a key; the first one is active at once.
pub fn add(
    ctx: &mut Context<'_>,
    attester: &Address,
    public_key: &[u8],
    possession: &[u8],
) -> Result<SignerKey, CodedError> {
    let name = attester.to_string();
    let challenge = key_proof(ctx.chain_id(), &name, public_key);
    public(public_key)?.verify(&challenge, possession).map_err(|_| Error::Signature("the new key"))?;
    let id = key_id(public_key);
    let known: Vec<SignerKey> =
        KEYS.scan().prefix(attester).take(ctx, MAX_KEYS)?.into_iter().map(|(_, key)| key).collect();
    if known.iter().any(|key| key.key_id == id) {
        return Err(Error::Key(id, "it was announced before; generate another one").into());
    }
    let params = params::load(ctx)?;
    let pending = known.iter().filter(|key| key.state() == KeyState::Pending).count();
    if known.len() >= MAX_KEYS || pending as u64 >= u64::from(params.max_pending_keys) {
        return Err(Error::Key(id, "the attester has as many announced keys as allowed").into());
    }
    let now = ctx.time().unix();
    let first = !known.iter().any(signs);
    let active_at = if first { now } else { now.saturating_add(params.notice_seconds) };
    let key = SignerKey {
        attester: name,
        key_id: id,
        public_key: public_key.to_vec(),
        state: (if first { KeyState::Active } else { KeyState::Pending }).into(),
        added_at: now,
        active_at,
        expires_at: active_at.saturating_add(params.key_age_seconds),
        ..SignerKey::default()
    };
    save(ctx, &key, if first { "signer_key_active" } else { "signer_key_announced" })?;
    Ok(key)
}

/// Ends a key at once; attestations that it signed since `compromised_since` (0: none) are dropped.
pub fn revoke(ctx: &mut Context<'_>, key: &SignerKey, compromised_since: u64) -> Result<(), CodedError> {
    let mut key = key.clone();
    let earlier = compromised_since > 0 && (key.compromised_since == 0 || compromised_since < key.compromised_since);
    if key.state() == KeyState::Revoked && !earlier {
        return Ok(());
    }
    if key.state() != KeyState::Revoked {
        key.revoked_at = ctx.time().unix();
    }
    key.set_state(KeyState::Revoked);
    if earlier {
        key.compromised_since = compromised_since;
        let place = (parse_account("attester", &key.attester)?, key.key_id.clone());
        DROPPING.set(ctx, &place, &compromised_since)?;
    }
    save(ctx, &key, "signer_key_revoked")
}

/// End of block: announced keys become active and replace those before them; old ones expire.
pub fn run(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    for ((_, place), ()) in KEY_DUE.scan().through(&now).take(ctx, MAX_PER_BLOCK)? {
        let mut key = KEYS.require(ctx, &place)?;
        if key.state() == KeyState::Pending {
            replace(ctx, &place.0)?;
            key.set_state(KeyState::Active);
            save(ctx, &key, "signer_key_active")?;
        } else {
            key.set_state(KeyState::Expired);
            save(ctx, &key, "signer_key_expired")?;
        }
    }
    Ok(())
}

fn replace(ctx: &mut Context<'_>, attester: &Address) -> Result<(), CodedError> {
    let until = ctx.time().unix().saturating_add(params::load(ctx)?.overlap_seconds);
    for (_, mut key) in KEYS.scan().prefix(attester).take(ctx, MAX_KEYS)? {
        if key.state() == KeyState::Active {
            key.set_state(KeyState::Rotating);
            key.expires_at = key.expires_at.min(until);
            save(ctx, &key, "signer_key_rotating")?;
        }
    }
    Ok(())
}
