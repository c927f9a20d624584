//! What other modules and the messages do with providers.

use ve_base::keys::PublicKey;
use ve_base::{Address, Amount, CodedError, Coin, Coins, parse_account};
use ve_chain_core::bank;
use ve_proto::ve::provider::v1::{KeyAlgorithm, KeyState, KeyUsage, Params, Provider, ProviderKey, ProviderState};
use ve_sdk::hooks::Hooks;
use ve_sdk::{Context, Event};
use ve_store::Read;

use super::error::Error;
use super::keys::{CHECKS, DENIALS, DOMAINS, EXITS, KEYS, PROVIDERS};
use super::lifecycle::{self, Guards};
use super::{PROVIDER_BOND, ProviderHooks, domain, liveness, params};

/// Seconds between two looks at the bond of an active or restricted provider.
const CHECK_SECONDS: u64 = 3600;
/// Bonds that the end of a block looks at most.
const MAX_CHECKS: usize = 100;

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

/// What customers of the provider's live leases have prepaid and is not served yet, in the native coin.
pub fn open_prepaid(ctx: &Context<'_>, owner: &Address) -> Result<Amount, CodedError> {
    prepaid(ctx.hooks(), ctx, ctx.time().unix(), owner)
}

pub(super) fn prepaid(hooks: &Hooks, state: &dyn Read, now: u64, owner: &Address) -> Result<Amount, CodedError> {
    let mut sum = Amount::ZERO;
    for hook in hooks.all::<dyn ProviderHooks>() {
        let more = hook.open_prepaid(state, now, owner)?;
        sum = sum.checked_add(more).ok_or(ve_base::AmountError::Overflow)?;
    }
    Ok(sum)
}

/// Least bond of a provider whose customers have prepaid so much; parts of a coin count as a whole one.
pub fn required_bond(params: &Params, prepaid: Amount) -> Result<Amount, CodedError> {
    let (bps, whole) = (Amount::from(u64::from(params.prepaid_bond_bps)), Amount::from(10_000u64));
    let overflow = || ve_base::AmountError::Overflow;
    let down = prepaid.mul_div(bps, whole).ok_or_else(overflow)?;
    // The quotient was cut if the next smaller prepaid value gives the same.
    let exact = down.mul_div(whole, Amount::from(1u64)) == prepaid.mul_div(bps, Amount::from(1u64));
    let share = if exact { Some(down) } else { down.checked_add(Amount::from(1u64)) };
    Ok(share.ok_or_else(overflow)?.max(params::min_bond(params)?.amount))
}

/// Whether the provider may take new business: active and bonded for what it already serves.
pub fn require_active(ctx: &Context<'_>, owner: &Address) -> Result<Provider, CodedError> {
    let provider = require(ctx, owner)?;
    if provider.state() != ProviderState::Active {
        let remedy = "only an active provider, with bond and daemon key, takes new business";
        return Err(illegal(&provider, remedy).into());
    }
    let (has, required) = (bond(&provider)?, required_bond(&params::load(ctx)?, open_prepaid(ctx, owner)?)?);
    if has < required {
        let [bond, required] = [has, required].map(|amount| Coin::native(amount).to_string());
        return Err(Error::BondShort { provider: provider.owner, bond, required }.into());
    }
    Ok(provider)
}

/// Refuses business between a provider and a customer on its list.
pub fn require_welcome<R: Read>(state: &R, provider: &Address, customer: &Address) -> Result<(), CodedError> {
    if DENIALS.has(state, (provider, customer))? {
        return Err(Error::Denied { provider: provider.to_string(), customer: customer.to_string() }.into());
    }
    Ok(())
}

pub fn illegal(provider: &Provider, remedy: &'static str) -> Error {
    let state = provider.state().as_str_name().trim_start_matches("PROVIDER_STATE_").to_ascii_lowercase();
    Error::State { provider: provider.owner.clone(), state, remedy }
}

/// The key, if it verifies now and may be used so.
pub fn daemon_key(ctx: &Context<'_>, owner: &Address, key_id: &str, usage: KeyUsage) -> Result<PublicKey, CodedError> {
    let key = KEYS.get(ctx, (owner, key_id))?;
    let now = ctx.time().unix();
    let usable = key.filter(|key| verifies(key, now) && key.usages().any(|has| has == usage));
    let key = usable.ok_or_else(|| Error::KeyNotFound(crate::text::shown(key_id)))?;
    Ok(public_key(&key)?)
}

pub fn verifies(key: &ProviderKey, now: u64) -> bool {
    key.state() == KeyState::Active || (key.state() == KeyState::Rotated && now < key.verifies_until)
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
    let owner = parse_account("provider", &provider.owner)?;
    if !matches!(provider.state(), ProviderState::Active | ProviderState::Restricted) {
        (provider.check_at, provider.short_since) = (0, 0);
    }
    PROVIDERS.set(ctx, &owner, provider)?;
    ctx.emit(
        Event::new(event)
            .with("owner", &provider.owner)
            .with("state", provider.state().as_str_name())
            .with("bond", &provider.bond),
    );
    Ok(())
}

/// Whether the bond suffices, or is not short for too long; notes when it is looked at again.
fn check_bond(ctx: &Context<'_>, owner: &Address, provider: &mut Provider) -> Result<bool, CodedError> {
    let params = params::load(ctx)?;
    let now = ctx.time().unix();
    let short = bond(provider)? < required_bond(&params, open_prepaid(ctx, owner)?)?;
    provider.check_at = now.saturating_add(CHECK_SECONDS);
    if !short {
        provider.short_since = 0;
        return Ok(true);
    }
    if provider.short_since == 0 {
        provider.short_since = now;
    }
    let restricted_at = provider.short_since.saturating_add(params.short_seconds);
    if provider.state() != ProviderState::Active || restricted_at <= now {
        return Ok(false);
    }
    provider.check_at = provider.check_at.min(restricted_at);
    Ok(true)
}

/// End of block: looks at bonds whose time it is.
pub fn check_bonds(ctx: &mut Context<'_>) -> Result<(), CodedError> {
    let now = ctx.time().unix();
    let mut due = Vec::new();
    for entry in CHECKS.scan().through(&now).keys(ctx).take(MAX_CHECKS) {
        due.push(entry?.1);
    }
    for owner in due {
        // One provider that cannot be checked must not stop the chain: it is visible and tried again.
        if let Err(error) = ctx.atomic(|ctx| check_one(ctx, &owner)) {
            let mut provider = require(ctx, &owner)?;
            provider.check_at = now.saturating_add(CHECK_SECONDS);
            PROVIDERS.set(ctx, &owner, &provider)?;
            failed(ctx, &owner, &error);
        }
    }
    Ok(())
}

fn check_one(ctx: &mut Context<'_>, owner: &Address) -> Result<(), CodedError> {
    let mut provider = require(ctx, owner)?;
    let before = (provider.state(), provider.short_since);
    reconsider(ctx, &mut provider)?;
    if before == (provider.state(), provider.short_since) {
        return Ok(PROVIDERS.set(ctx, owner, &provider)?);
    }
    save(ctx, &mut provider, "provider_updated")
}

/// Tells of something that the end of a block could not do.
pub(super) fn failed(ctx: &mut Context<'_>, owner: &Address, error: &CodedError) {
    let cause = format!("{}/{}", error.codespace, error.code);
    ctx.emit(Event::new("provider_timer_failed").with("owner", owner).with("cause", cause));
}

/// Moves between pending, active and restricted as bond and keys ask.
pub(super) fn reconsider(ctx: &mut Context<'_>, provider: &mut Provider) -> Result<(), CodedError> {
    let owner = parse_account("provider", &provider.owner)?;
    let mut has_key = false;
    for entry in KEYS.prefix(ctx, &owner) {
        has_key |= entry?.1.state() == KeyState::Active;
    }
    let bonded = check_bond(ctx, &owner, provider)?;
    let has_domain = domain::holds(ctx, &owner, provider, &params::load(ctx)?)?;
    let next = lifecycle::step(provider.state(), lifecycle::Event::Checked(Guards { bonded, has_key, has_domain }));
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
    liveness::forget(ctx, owner)?;
    if DOMAINS.has(ctx, owner)? {
        DOMAINS.remove(ctx, owner)?;
    }
    let mut keys = Vec::new();
    for entry in KEYS.prefix(ctx, owner) {
        keys.push(entry?);
    }
    for (key, mut value) in keys {
        value.set_state(KeyState::Revoked);
        value.verifies_until = 0;
        KEYS.set(ctx, &key, &value)?;
    }
    save(ctx, provider, "provider_exited")
}
