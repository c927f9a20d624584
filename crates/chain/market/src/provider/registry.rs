//! What other modules and the messages do with providers.

use ve_base::keys::PublicKey;
use ve_base::{Address, Amount, CodedError, Coin, Coins};
use ve_chain_core::bank;
use ve_proto::ve::provider::v1::{KeyAlgorithm, KeyState, KeyUsage, Provider, ProviderKey, ProviderState};
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{EXITS, KEYS, PROVIDERS};
use super::lifecycle::{self, Guards};
use super::{PROVIDER_BOND, ProviderHooks, params};
use crate::text::address;

/// Exits that the end of a block handles at most.
const MAX_EXITS: usize = 100;
/// A provider whose notice is over and who still serves leases is looked at again after this many seconds.
const EXIT_RETRY_SECONDS: u64 = 3600;

pub fn get<R: Read + ?Sized>(state: &R, owner: &Address) -> Result<Option<Provider>, CodedError> {
    Ok(PROVIDERS.get(state, owner)?)
}

pub fn require<R: Read + ?Sized>(state: &R, owner: &Address) -> Result<Provider, CodedError> {
    get(state, owner)?.ok_or_else(|| Error::NotFound(owner.to_string()).into())
}

pub fn bond(provider: &Provider) -> Result<Amount, CodedError> {
    Ok(provider.bond.parse()?)
}

/// Whether the provider may take new business: active and bonded.
pub fn require_active<R: Read + ?Sized>(state: &R, owner: &Address) -> Result<Provider, CodedError> {
    let provider = require(state, owner)?;
    if provider.state() != ProviderState::Active {
        let remedy = "only an active provider, with bond and daemon key, takes new business";
        return Err(illegal(&provider, remedy).into());
    }
    let (has, required) = (bond(&provider)?, params::min_bond(&params::load(state)?)?);
    if has < required.amount {
        let bond = Coin::native(has).to_string();
        return Err(Error::BondShort { provider: provider.owner, bond, required: required.to_string() }.into());
    }
    Ok(provider)
}

pub fn illegal(provider: &Provider, remedy: &'static str) -> Error {
    let state = provider.state().as_str_name().trim_start_matches("PROVIDER_STATE_").to_ascii_lowercase();
    Error::State { provider: provider.owner.clone(), state, remedy }
}

/// The key, if it is active and may be used so.
pub fn daemon_key<R: Read + ?Sized>(
    state: &R,
    owner: &Address,
    key_id: &str,
    usage: KeyUsage,
) -> Result<PublicKey, CodedError> {
    let key = KEYS.get(state, (owner, key_id))?;
    let usable = key.filter(|key| key.state() == KeyState::Active && key.usages().any(|has| has == usage));
    let key = usable.ok_or_else(|| Error::KeyNotFound(crate::text::shown(key_id)))?;
    Ok(public_key(&key)?)
}

pub fn public_key(key: &ProviderKey) -> Result<PublicKey, Error> {
    let wrong = || Error::Key(key.key_id.clone(), "its length does not fit its algorithm".into());
    match key.algorithm() {
        KeyAlgorithm::Ed25519 => key.public_key.as_slice().try_into().map(PublicKey::Ed25519).map_err(|_| wrong()),
        KeyAlgorithm::Secp256k1 => key.public_key.as_slice().try_into().map(PublicKey::Secp256k1).map_err(|_| wrong()),
        KeyAlgorithm::Unspecified => Err(Error::Key(key.key_id.clone(), "name its algorithm".into())),
    }
}

/// Stores the provider and tells of it.
pub(super) fn save(ctx: &mut Context<'_>, provider: &mut Provider, event: &str) -> Result<(), CodedError> {
    provider.updated_height = ctx.height();
    let owner = address("provider", &provider.owner)?;
    PROVIDERS.set(ctx, &owner, provider)?;
    ctx.emit(
        Event::new(event)
            .with("owner", &provider.owner)
            .with("state", provider.state().as_str_name())
            .with("bond", &provider.bond),
    );
    Ok(())
}

/// Moves between pending, active and restricted as bond and keys ask.
pub(super) fn reconsider(ctx: &mut Context<'_>, provider: &mut Provider) -> Result<(), CodedError> {
    let owner = address("provider", &provider.owner)?;
    let mut has_key = false;
    for entry in KEYS.prefix(ctx, &owner) {
        has_key |= entry?.1.state() == KeyState::Active;
    }
    let bonded = bond(provider)? >= params::min_bond(&params::load(ctx)?)?.amount;
    let next = lifecycle::step(provider.state(), lifecycle::Event::Checked(Guards { bonded, has_key }));
    let next = next.ok_or_else(|| illegal(provider, "a provider that left registers with another account"))?;
    let lost = provider.state() == ProviderState::Active && next != ProviderState::Active;
    provider.set_state(next);
    if lost {
        withdrawn(ctx, &owner)?;
    }
    Ok(())
}

/// Tells higher modules that the provider takes no new business.
pub(super) fn withdrawn(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    for hook in ctx.hooks().all::<dyn ProviderHooks>() {
        hook.withdrawn(ctx, owner)?;
    }
    Ok(())
}

/// End of block: returns the bonds of those whose notice is over and who serve no lease.
pub fn release_exits(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let mut due = Vec::new();
    let now = ctx.time().unix();
    for entry in EXITS.scan().through(&now).keys(ctx).take(MAX_EXITS) {
        due.push(entry?.1);
    }
    for owner in due {
        let mut provider = require(ctx, &owner)?;
        let mut busy = false;
        for hook in ctx.hooks().all::<dyn ProviderHooks>() {
            busy |= hook.is_serving(ctx, &owner)?;
        }
        if busy {
            provider.unlock_at = now.saturating_add(EXIT_RETRY_SECONDS);
            PROVIDERS.set(ctx, &owner, &provider)?;
            continue;
        }
        leave(ctx, &owner, &mut provider)?;
    }
    Ok(())
}

fn leave(ctx: &mut Context<'_>, owner: &Address, provider: &mut Provider) -> Result<(), CodedError> {
    let next = lifecycle::step(provider.state(), lifecycle::Event::Leave);
    provider.set_state(next.ok_or_else(|| illegal(provider, "give notice first"))?);
    bank::send_from_module(ctx, PROVIDER_BOND, owner, &Coins::native(bond(provider)?))?;
    provider.bond = Amount::ZERO.to_string();
    let mut keys = Vec::new();
    for entry in KEYS.prefix(ctx, owner) {
        keys.push(entry?);
    }
    for (key, mut value) in keys {
        value.set_state(KeyState::Revoked);
        KEYS.set(ctx, &key, &value)?;
    }
    save(ctx, provider, "provider_exited")
}
