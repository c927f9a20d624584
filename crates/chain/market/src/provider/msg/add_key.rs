//! `MsgAddProviderKey`: a daemon key, with proof that the provider holds it.

use ve_base::{Address, CodedError, parse_account, preimage};
use ve_proto::ve::provider::v1::{
    KeyState, KeyUsage, MsgAddProviderKey, MsgAddProviderKeyResponse, ProviderKey, ProviderState,
};
use ve_sdk::{Context, Event};

use crate::provider::keys::KEYS;
use crate::provider::{Error, params, registry};
use crate::text::shown;

/// Active and revoked together; a revoked id is never used again.
const MAX_KEYS: usize = 64;
const MAX_ACTIVE_KEYS: usize = 8;

fn key(msg: &MsgAddProviderKey) -> ProviderKey {
    ProviderKey {
        owner: msg.owner.clone(),
        key_id: msg.key_id.clone(),
        algorithm: msg.algorithm,
        public_key: msg.public_key.clone(),
        usages: msg.usages.clone(),
        state: KeyState::Active.into(),
        verifies_until: 0,
    }
}

/// The key that is replaced verifies for some time yet: what it signed is still on its way.
fn rotate(ctx: &mut Context<'_>, owner: &Address, id: &str) -> Result<(), CodedError> {
    let old = KEYS.get(ctx, (owner, id))?.filter(|key| key.state() == KeyState::Active);
    let mut old = old.ok_or_else(|| Error::KeyNotFound(shown(id)))?;
    old.set_state(KeyState::Rotated);
    old.verifies_until = ctx.time().unix().saturating_add(params::load(ctx)?.rotation_seconds);
    KEYS.set(ctx, (owner, id), &old)?;
    ctx.emit(Event::new("provider_key_rotated").with("owner", owner).with("key_id", id));
    Ok(())
}

pub fn check(msg: &MsgAddProviderKey) -> Result<(), CodedError> {
    parse_account("provider", &msg.owner)?;
    let refused = |why: &str| Error::Key(shown(&msg.key_id), why.into());
    let id_ok = (1..=64).contains(&msg.key_id.len())
        && msg.key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !id_ok {
        return Err(refused("an id has 1 to 64 letters, digits or -_.").into());
    }
    let usages_ok = !msg.usages.is_empty()
        && msg.usages.is_sorted_by(|left, right| left < right)
        && msg.usages.iter().all(|usage| KeyUsage::try_from(*usage).is_ok_and(|usage| usage != KeyUsage::Unspecified));
    if !usages_ok {
        return Err(refused("give usages in ascending order, each once, at least one").into());
    }
    registry::public_key(&key(msg))?;
    Ok(())
}

pub fn execute(ctx: &mut Context<'_>, msg: &MsgAddProviderKey) -> Result<MsgAddProviderKeyResponse, CodedError> {
    let owner = parse_account("provider", &msg.owner)?;
    let mut provider = registry::require(ctx, &owner)?;
    if provider.state() == ProviderState::Exited {
        return Err(registry::illegal(&provider, "a provider that left has no keys").into());
    }
    let id = msg.key_id.as_str();
    if KEYS.has(ctx, (&owner, id))? {
        return Err(Error::KeyExists(id.to_owned()).into());
    }
    let key = key(msg);
    let digest = preimage::provider_key(ctx.chain_id(), msg);
    registry::public_key(&key)?.verify(&digest, &msg.proof).map_err(|_| Error::KeyProof(id.to_owned()))?;
    if !msg.replaces.is_empty() {
        rotate(ctx, &owner, &msg.replaces)?;
    }
    let (mut all, mut active) = (0usize, 0usize);
    for entry in KEYS.prefix(ctx, &owner) {
        all = all.saturating_add(1);
        active = active.saturating_add(usize::from(entry?.1.state() == KeyState::Active));
    }
    if active >= MAX_ACTIVE_KEYS || all >= MAX_KEYS {
        return Err(Error::Key(id.to_owned(), format!("at most {MAX_ACTIVE_KEYS} active keys; revoke one")).into());
    }
    KEYS.set(ctx, (&owner, id), &key)?;
    ctx.emit(Event::new("provider_key_added").with("owner", &owner).with("key_id", id));
    registry::reconsider(ctx, &mut provider)?;
    registry::save(ctx, &mut provider, "provider_updated")?;
    Ok(MsgAddProviderKeyResponse {})
}
